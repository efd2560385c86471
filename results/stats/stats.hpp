// Statistics of comparison: intervals, paired tests, corrections, rank ranges. Pure and deterministic: resampling draws
// from the counter-based generator, keyed by the options' seed, so equal input gives equal output on every machine.
// [any-thread] Every function throws Error(bad_input) on empty input, unequal lengths or NaN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace assay::stats {

// Rule 6: an interval says over what it is, and with how many.
struct Interval {
  double lo = 0, hi = 0;
  double level = 0.95;
  std::string over;      // "samples" | "seeds" | "samples and seeds" | "binomial"
  std::int64_t n = 0;
};

struct BootstrapOptions {
  int resamples = 2000;
  double level = 0.95;
  std::uint64_t seed = 0;
};

// Quantile with linear interpolation between order statistics (Hyndman-Fan type 7, numpy's default). q in [0, 1].
double quantile(std::vector<double> values, double q);

// Indices of resample b of n items, drawn with replacement; the same for every caller with this seed.
void resample_indices(std::uint64_t seed, std::uint64_t b, std::span<std::uint32_t> indices);

// Percentile bootstrap (Efron 1979) of the mean over samples of one run, or of a seed-wise statistic over seeds.
Interval bootstrap_samples(std::span<const double> values, const BootstrapOptions& options = {});
Interval bootstrap_seeds(std::span<const double> per_seed, const BootstrapOptions& options = {});
// The same for any statistic of a resample of n items, given by indices.
using Statistic = std::function<double(std::span<const std::uint32_t>)>;
Interval bootstrap(std::size_t n, const Statistic& statistic, const std::string& over, const BootstrapOptions& options = {});
// Interval of a set of bootstrap replicates.
Interval percentile_interval(const std::vector<double>& replicates, const BootstrapOptions& options, const std::string& over,
                             std::int64_t n);

// Wilson score interval of k successes in n trials (Wilson 1927). 0 <= k <= n, n > 0.
Interval wilson(std::int64_t k, std::int64_t n, double level = 0.95);

// Rule 45: two methods on the same samples. Element i of a and b is the same sample.
struct Comparison {
  double difference = 0;   // mean(a) - mean(b)
  Interval interval;
  double p = 1;            // two-sided, (1 + count) / (1 + resamples), at most 1
  std::int64_t n = 0;
};
Comparison paired_bootstrap(std::span<const double> a, std::span<const double> b, const BootstrapOptions& options = {});
// Two-sided p of "the difference is 0" from bootstrap replicates of it: twice the smaller tail.
double bootstrap_p(std::span<const double> difference_replicates);

// Exact McNemar test on 0/1 outcomes of the same samples: two-sided binomial test of the discordant pairs.
struct McNemar {
  std::int64_t only_a = 0, only_b = 0;  // samples that only a, only b has right
  double p = 1;
};
McNemar mcnemar(std::span<const double> a, std::span<const double> b);
McNemar mcnemar(std::int64_t only_a, std::int64_t only_b);

// Holm's step-down adjustment; adjusted[i] belongs to p[i] (rule 50: give it all tests of a page at once).
std::vector<double> holm(std::span<const double> p);

// Rank ranges: method i's best and worst rank that the data allow. i is told apart from j when Holm's adjusted p of the
// pair, over all pairs, is at most 1 - level. lo = 1 + number of methods that are surely better, hi = N - number that
// are surely worse.
struct RankRange {
  int lo = 1, hi = 1;
};
struct RankInput {
  double value = 0;                  // the point estimate, which gives the direction of a difference
  std::vector<double> replicates;    // bootstrap replicates; replicate b of all methods comes from the same resample
  int panel = 0;                     // only methods of one panel are compared; Holm runs over the pairs of all panels
};
std::vector<RankRange> rank_ranges(const std::vector<RankInput>& methods, bool higher_is_better, double level = 0.95);
// Resamples that N methods need so that Holm over all pairs can reject at all: at least `at_least`.
int resamples_for(std::size_t methods, double level = 0.95, int at_least = 2000);

// Rule 2.
struct Coverage {
  std::int64_t done = 0, planned = 0;
  double share() const { return planned == 0 ? 0 : static_cast<double>(done) / static_cast<double>(planned); }
  std::string str() const;  // "3 of 5"
};

}  // namespace assay::stats
