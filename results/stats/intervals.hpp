// Intervals that say over what they are (rule 6): bootstrap over samples, over seeds, over both; Wilson's for
// proportions; Student's for few seeds. Pure and deterministic: resampling draws from the counter-based generator,
// keyed by the options' seed, so equal input gives equal output on every machine. [any-thread] Every function throws
// Error(bad_input) on empty input, NaN, or a level outside (0, 1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace assay::stats {

// Rule 6: an interval says over what it is, and with how many.
struct Interval {
  double lo = 0, hi = 0;
  double level = 0.95;
  std::string over;      // "samples" | "seeds" | "samples and seeds" | "data sets" | "binomial" | "discordant samples"
  std::int64_t n = 0;    // how many of them; of "samples and seeds" the seeds, which are the fewer
  std::string method{};  // "percentile bootstrap" | "BCa bootstrap" | "Wilson" | "Student" | "DeLong" | ...
};

// percentile: quantiles of the replicates (Efron 1979). bca: bias-corrected and accelerated (Efron 1987), second-order
// accurate for skewed statistics; needs a jackknife, n more evaluations of the statistic.
enum class Resampling { percentile, bca };

struct BootstrapOptions {
  int resamples = 2000;
  double level = 0.95;
  std::uint64_t seed = 0;
  Resampling kind = Resampling::percentile;
};

// Quantile with linear interpolation between order statistics (Hyndman-Fan type 7, numpy's default). q in [0, 1].
double quantile(std::vector<double> values, double q);

// Indices of resample b of n items, drawn with replacement; the same for every caller with this seed.
void resample_indices(std::uint64_t seed, std::uint64_t b, std::span<std::uint32_t> indices);

// Bootstrap of the mean over samples of one run, or of a seed-wise statistic over seeds.
Interval bootstrap_samples(std::span<const double> values, const BootstrapOptions& options = {});
Interval bootstrap_seeds(std::span<const double> per_seed, const BootstrapOptions& options = {});
// The same over anything else that is named, such as "data sets".
Interval bootstrap_mean(std::span<const double> values, const std::string& over, const BootstrapOptions& options = {});
// The same for any statistic of a resample of n items, given by indices. With bca it is also called on 0..n-1 and on
// that without each item in turn.
using Statistic = std::function<double(std::span<const std::uint32_t>)>;
Interval bootstrap(std::size_t n, const Statistic& statistic, const std::string& over,
                   const BootstrapOptions& options = {});

// Intervals of replicates that the caller made.
Interval percentile_interval(const std::vector<double>& replicates, const BootstrapOptions& options,
                             const std::string& over, std::int64_t n);
// Efron (1987); Efron & Tibshirani (1993), eqs. 14.10, 14.14 and 14.15. z0 counts replicates equal to the estimate by
// half, and is bounded as if half a replicate lay beyond the estimate where none does; the acceleration is 0 where the
// jackknife values are all equal. At least two of those.
struct BcaInput {
  double estimate = 0;             // of the data themselves
  std::vector<double> replicates;  // of resamples
  std::vector<double> jackknife;   // of the data without item i
};
Interval bca_interval(const BcaInput& input, const BootstrapOptions& options, const std::string& over, std::int64_t n);

// Samples within seeds: per_seed[s][i]. The statistic is the mean over seeds of each seed's mean.
struct TwoLevel {
  // true: seeds are drawn with replacement, then samples within each drawn seed ("samples and seeds"; Davison & Hinkley
  // 1997, section 3.8). false: stratified, every seed is kept and only samples are drawn ("samples").
  bool resample_seeds = true;
  // true: element i is the same test sample in every seed, so one draw of samples serves all seeds (the pigeonhole
  // bootstrap of crossed factors, Owen 2007); all seeds must have equally many. false: each seed draws its own.
  bool same_samples = true;
};
// Percentile only: bca is refused, there is no jackknife of two levels at once.
Interval bootstrap_two_level(const std::vector<std::vector<double>>& per_seed, const TwoLevel& levels,
                             const BootstrapOptions& options = {});

// Wilson score interval of k successes in n trials (Wilson 1927). 0 <= k <= n, n > 0.
Interval wilson(std::int64_t k, std::int64_t n, double level = 0.95);

// Student's interval of a mean: mean +- t(n-1) s / sqrt(n). At least two values, finite. For few seeds, where a
// bootstrap of three values is far too narrow.
Interval student(std::span<const double> values, const std::string& over, double level = 0.95);

}  // namespace assay::stats
