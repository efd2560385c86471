// An estimate with two independent sources of error: the test samples, and the seeds. A bootstrap of three seeds is far
// too narrow (its ends are the smallest and the largest seed: 75 % coverage, not 95 %), so the part of the seeds enters by
// Student's distribution. Pure. [any-thread] Throws Error(bad_input) on negative variances or a level outside (0, 1).
#pragma once

#include "results/stats/intervals.hpp"
#include "results/stats/power.hpp"

namespace assay::stats {

struct Components {
  double estimate = 0;
  double sample_variance = 0;  // of the estimate, from resampling the samples with the seeds as they are
  std::int64_t samples = 0;    // 0: not resampled
  double seed_variance = 0;    // of the estimate, from leaving out each seed in turn (jackknife_variance)
  std::int64_t seeds = 0;      // 0: not resampled; else at least 2
};

// Variance (n - 1) / n sum (t_i - mean)^2 of a statistic from its values without each item in turn (Efron & Tibshirani
// 1993, eq. 11.5); s^2 / n for a mean. At least two values.
double jackknife_variance(std::span<const double> without);

// estimate +- t(df) se with se^2 the sum of both variances and df of Satterthwaite (1946),
//   df = se^4 / (sample_variance^2 / (samples - 1) + seed_variance^2 / (seeds - 1)).
// Where seeds interact with samples, their interaction is in both parts: the interval is then somewhat too wide.
struct ComponentTest {
  Interval interval;
  double standard_error = 0, df = 0;
  double p = 1;  // two-sided, of "the estimate's expectation is 0"; without any spread 0 or 1
};
ComponentTest component_test(const Components& components, double level = 0.95);

// Least number of seeds, more than there are, with which an effect like the estimate is told from 0 with the power; the
// part of the samples stays. nullopt: beyond 100,000, or the samples' part alone is too large for any number of seeds.
std::optional<std::int64_t> seeds_needed(const Components& components, const PowerOptions& options = {});
// The same for samples with the seeds as they are; nullopt: beyond 10^9, or the seeds' part alone is too large.
std::optional<std::int64_t> samples_needed(const Components& components, const PowerOptions& options = {});

}  // namespace assay::stats
