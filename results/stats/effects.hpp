// Effect sizes with their intervals, and verdicts of practical equivalence (rule 48). Odds ratios of paired 0/1
// outcomes are in paired.hpp (mcnemar), the rank biserial correlation there too (wilcoxon). Pure and deterministic.
// [any-thread] Throws Error(bad_input) on empty input, unequal lengths where pairs are needed, or NaN.
#pragma once

#include "results/stats/intervals.hpp"

namespace assay::stats {

// Mean of paired differences a - b, with Student's interval (n - 1 degrees of freedom). At least two pairs.
struct MeanDifference {
  double difference = 0, sd = 0, standard_error = 0;  // sd of the differences, divisor n - 1
  // difference / sd: Cohen's d of paired data, d_z (Cohen 1988); 0 when both are 0.
  double standardized = 0;
  Interval interval;
};
MeanDifference mean_difference(std::span<const double> a, std::span<const double> b, const std::string& over,
                               double level = 0.95);

// Cliff's delta P(a > b) - P(a < b) of two independent groups (Cliff 1993), such as seeds of two methods: an effect
// size, not a test. Interval: Cliff's unbiased variance (1993), with d_ij = sign(a_i - b_j) and m, n values
//   v = (n^2 sum_i (d_i. - d)^2 + m^2 sum_j (d_.j - d)^2 - sum_ij (d_ij - d)^2) / (m n (m - 1)(n - 1)), at least
//   (1 - d^2) / (m n - 1),
// and the asymmetric limits of Feng & Cliff (2004) with normal quantiles
//   (d - d^3 +- z sqrt(v) sqrt((1 - d^2)^2 + z^2 v)) / (1 - d^2 + z^2 v);
// at d = +-1 the inner limit is +-(k - z^2) / (k + z^2), k the smaller group. Each group has at least two values.
// O((m + n) log(m + n)).
struct GroupEffect {
  double delta = 0;  // in [-1, 1]
  Interval interval;
  double superiority = 0.5;  // A = P(a > b) + P(a = b) / 2 = (delta + 1) / 2 (Vargha & Delaney 2000)
  Interval superiority_interval;
};
GroupEffect cliffs_delta(std::span<const double> a, std::span<const double> b, double level = 0.95);

// A region of practical equivalence: differences in [lo, hi] do not matter. lo < hi, both finite.
struct Rope {
  double lo = 0, hi = 0;
};
// equivalent: shown to lie inside. different: shown to lie outside. undecided: neither, which is not "no difference".
enum class Practical { equivalent, different, undecided };
const char* practical_name(Practical verdict);  // "equivalent" ...

// By an interval (Kruschke 2018, without his posterior): inside the region, outside of it, or across its border.
Practical practical(const Interval& interval, const Rope& rope);

// Two one-sided t tests of paired differences (Schuirmann 1987). `equivalent` when both reject at alpha, which is when
// the 1 - 2 alpha interval lies in the region; `different` when that interval lies outside. At least two pairs. Without
// any spread each p is 0 or 1.
struct Equivalence {
  double p_lower = 1, p_upper = 1;  // of "difference <= lo" and of "difference >= hi"
  double p = 1;                     // the larger
  Interval interval;                // Student's, level 1 - 2 alpha
  Practical verdict = Practical::undecided;
};
struct EquivalenceOptions {
  Rope rope;
  double alpha = 0.05;  // in (0, 0.5)
  std::string over = "samples";
};
Equivalence equivalence_test(std::span<const double> a, std::span<const double> b, const EquivalenceOptions& options);

}  // namespace assay::stats
