// Two samples whose values belong to no pairs: rounds of two timings, taken at different times. Outcomes on the same
// samples are compared by paired.hpp alone (rule 45). Pure and deterministic. [any-thread] Throws Error(bad_input) on empty
// input or NaN.
#pragma once

#include <cstdint>
#include <span>

namespace assay::stats {

// Wilcoxon's rank sum test (1945), which is Mann & Whitney's (1947); equal values share midranks.
struct RankSum {
  double u = 0;             // pairs (x, y) with x > y, and half of those with x = y
  double superiority = 0;   // u / (n m): P(X > Y) + P(X = Y) / 2 (Vargha & Delaney 2000), in [0, 1]
  double p_greater = 1;     // of "X is not larger than Y"
  double p = 1;             // two-sided
  bool exact = true;
};
struct RankSumOptions {
  // Up to so many values on each side p is exact: over all ways to choose x's places among the midranks as they are, so
  // ties are handled too. Beyond: normal with the correction for ties, continuity 1/2. <= 100.
  int exact_up_to = 20;
};
RankSum rank_sum(std::span<const double> x, std::span<const double> y, const RankSumOptions& options = {});

// Rule 44: the change of a timing that counts. Beyond it lie code alignment and address layout, which no repetition averages
// out (Mytkowicz et al. 2009, "Producing wrong data without doing anything obviously wrong").
constexpr double least_timing_factor = 1.05;

// Two timings, or two speed-ups, by their rounds, all > 0.
struct TimingTest {
  double ratio = 1;  // median of x over median of y
  // Of "neither is more than `factor` times the other": twice the smaller p of the one-sided rank sum tests of x against
  // factor y and of y against factor x. So a small p says both of rule 44's halves at once.
  double p = 1;
};
TimingTest timing_test(std::span<const double> x, std::span<const double> y, double factor = least_timing_factor);

}  // namespace assay::stats
