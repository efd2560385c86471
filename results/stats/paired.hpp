// Rule 45: two methods on the same samples, seeds or data sets. Element i of a and of b belong together; there is no
// unpaired test here. Pure and deterministic. [any-thread] Every function throws Error(bad_input) on empty input,
// unequal lengths, NaN, or a difference that is not finite. All p values are two-sided; differences are a - b.
//
// Which one: mcnemar for 0/1 outcomes; permutation_test for any mean, the least assumptions; paired_bootstrap where an
// interval is wanted with it; wilcoxon for few pairs on scales that differ (data sets); sign_test where only the sign
// means anything; auroc.hpp for two detectors.
#pragma once

#include "results/stats/intervals.hpp"

namespace assay::stats {

struct Comparison {
  double difference = 0;  // mean(a) - mean(b)
  Interval interval;
  double p = 1;  // two-sided, (1 + count) / (1 + resamples), at most 1
  std::int64_t n = 0;
};
Comparison paired_bootstrap(std::span<const double> a, std::span<const double> b, const BootstrapOptions& options = {},
                            const std::string& over = "samples");
// Two-sided p of "the difference is 0" from bootstrap replicates of it: twice the smaller tail.
double bootstrap_p(std::span<const double> difference_replicates);

// McNemar's test (1947) on 0/1 outcomes of the same samples, by the discordant pairs alone.
struct McNemar {
  std::int64_t only_a = 0, only_b = 0;  // samples that only a, only b has right
  double p = 1;  // exact: two-sided binomial test, twice the smaller tail; 1 without discordant pairs
  // P(more extreme) + P(as extreme) / 2 (Fagerland, Lydersen & Laake 2013): nearer to the nominal level, not
  // guaranteed.
  double mid_p = 1;
  // Conditional maximum likelihood only_a / only_b; +infinity when only_b is 0; 1 without discordant pairs.
  double odds_ratio = 1;
  // Exact, from Clopper and Pearson's interval of only_a in only_a + only_b (Breslow & Day 1980), over
  // "discordant samples"; [0, infinity] without any.
  Interval odds_interval;
};
McNemar mcnemar(std::span<const double> a, std::span<const double> b, double level = 0.95);
McNemar mcnemar(std::int64_t only_a, std::int64_t only_b, double level = 0.95);

// Sign test (Dixon & Mood 1946): exact binomial test of the signs; pairs that are equal are left out.
struct SignTest {
  std::int64_t a_larger = 0, b_larger = 0, equal = 0;
  double p = 1;
};
SignTest sign_test(std::span<const double> a, std::span<const double> b);

// Permutation test of the mean difference under exchange of the two sides of each pair (Fisher 1935, section 21).
struct PermutationOptions {
  // Up to so many pairs that differ, all 2^n exchanges are counted: the sums of two halves are sorted and met, which
  // costs 2^(n/2). At most 40.
  int exact_up_to = 30;
  int resamples = 9999;  // beyond that: Monte Carlo, p = (1 + c) / (1 + B), never 0 (Phipson & Smyth 2010)
  std::uint64_t seed = 0;
};
struct PermutationTest {
  double difference = 0;
  double p = 1;
  bool exact = true;
  std::int64_t n = 0;
};
PermutationTest permutation_test(std::span<const double> a, std::span<const double> b,
                                 const PermutationOptions& options = {});

// Wilcoxon's signed rank test (1945). Pairs that are equal: `wilcoxon` leaves them out before ranking; `pratt` (1959)
// ranks them with the others and then leaves their ranks out, which is the safer when there are many. Equal absolute
// differences share midranks; differences are compared to within 9e-13 of the largest value.
enum class Zeros { pratt, wilcoxon };
struct WilcoxonOptions {
  Zeros zeros = Zeros::pratt;
  // Up to so many pairs that differ, p is exact: the distribution over all signs of the midranks as they are, so ties
  // and Pratt's gaps are handled too. Beyond: normal, variance sum(r^2) / 4, which is tie-corrected, continuity 1/2. <=
  // 1000.
  int exact_up_to = 50;
};
struct Wilcoxon {
  double w_plus = 0, w_minus = 0;  // rank sums of a > b and of a < b
  double p = 1;                    // 1 when no pair differs
  bool exact = true;
  std::int64_t n = 0, zeros = 0;  // pairs that differ, pairs that are equal
  // Matched-pairs rank biserial correlation (w_plus - w_minus) / (w_plus + w_minus), in [-1, 1] (Kerby 2014).
  double effect = 0;
};
Wilcoxon wilcoxon(std::span<const double> a, std::span<const double> b, const WilcoxonOptions& options = {});

}  // namespace assay::stats
