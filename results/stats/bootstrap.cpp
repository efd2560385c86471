// Resampling. Resample b is drawn from stream b of the generator, so replicates do not depend on how many there are.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/base/rng.hpp"
#include "results/stats/checks.hpp"
#include "results/stats/paired.hpp"

namespace assay::stats {
namespace {

void check_options(const char* what, const BootstrapOptions& options) {
  if (options.resamples < 1) detail::refuse(what, "needs at least one resample");
  detail::need_share(what, "level", options.level);
}

std::vector<double> mean_replicates(std::span<const double> values, const BootstrapOptions& options) {
  std::vector<std::uint32_t> indices(values.size());
  std::vector<double> out(static_cast<std::size_t>(options.resamples));
  for (std::size_t b = 0; b < out.size(); ++b) {
    resample_indices(options.seed, b, indices);
    double sum = 0;
    for (const std::uint32_t i : indices) sum += values[i];
    out[b] = sum / static_cast<double>(values.size());
  }
  return out;
}

// The interval of a mean from its replicates.
Interval mean_interval(std::span<const double> values, std::vector<double> replicates, const BootstrapOptions& options,
                       const std::string& over) {
  const auto n = static_cast<std::int64_t>(values.size());
  if (options.kind == Resampling::percentile) return percentile_interval(replicates, options, over, n);
  detail::need_at_least("BCa bootstrap", values.size(), 2);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0), left = static_cast<double>(values.size() - 1);
  BcaInput input{sum / static_cast<double>(values.size()), std::move(replicates), {}};
  input.jackknife.reserve(values.size());
  for (const double v : values) input.jackknife.push_back((sum - v) / left);
  return bca_interval(input, options, over, n);
}

std::vector<double> jackknife(std::size_t n, const Statistic& statistic) {
  detail::need_at_least("BCa bootstrap", n, 2);
  std::vector<double> out(n);
  std::vector<std::uint32_t> kept(n - 1);
  std::iota(kept.begin(), kept.end(), 1U);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = statistic(kept);
    if (i + 1 < n) kept[i] = static_cast<std::uint32_t>(i);
  }
  return out;
}

void check_levels(const std::vector<std::vector<double>>& per_seed, const TwoLevel& levels) {
  if (per_seed.empty()) detail::refuse("two-level bootstrap", "no seeds");
  for (const auto& seed : per_seed) {
    detail::need_numbers("two-level bootstrap", seed);
    if (levels.same_samples && seed.size() != per_seed[0].size())
      detail::refuse("two-level bootstrap", "needs the same samples in every seed, got " +
                                                std::to_string(per_seed[0].size()) + " and " +
                                                std::to_string(seed.size()));
  }
}

}  // namespace

double quantile(std::vector<double> values, double q) {
  detail::need_numbers("quantile", values);
  if (!(q >= 0 && q <= 1)) detail::refuse("quantile", "q " + std::to_string(q) + " is outside [0, 1]");
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(low);
  std::nth_element(values.begin(), nth, values.end());
  const double a = *nth;
  if (low + 1 == values.size() || at == static_cast<double>(low)) return a;
  const double b = *std::min_element(nth + 1, values.end());
  return a + (b - a) * (at - static_cast<double>(low));
}

void resample_indices(std::uint64_t seed, std::uint64_t b, std::span<std::uint32_t> indices) {
  const Rng rng(seed, "bootstrap", b);
  for (std::size_t i = 0; i < indices.size(); ++i)
    indices[i] = static_cast<std::uint32_t>(rng.below(i, indices.size()));
}

Interval percentile_interval(const std::vector<double>& replicates, const BootstrapOptions& options,
                             const std::string& over, std::int64_t n) {
  check_options("bootstrap", options);
  const double tail = (1 - options.level) / 2;
  return {quantile(replicates, tail), quantile(replicates, 1 - tail), options.level, over, n, "percentile bootstrap"};
}

Interval bootstrap_mean(std::span<const double> values, const std::string& over, const BootstrapOptions& options) {
  detail::need_numbers("bootstrap", values);
  check_options("bootstrap", options);
  return mean_interval(values, mean_replicates(values, options), options, over);
}

Interval bootstrap_samples(std::span<const double> values, const BootstrapOptions& options) {
  return bootstrap_mean(values, "samples", options);
}

Interval bootstrap_seeds(std::span<const double> per_seed, const BootstrapOptions& options) {
  return bootstrap_mean(per_seed, "seeds", options);
}

Interval bootstrap(std::size_t n, const Statistic& statistic, const std::string& over,
                   const BootstrapOptions& options) {
  if (n == 0) detail::refuse("bootstrap", "no values");
  check_options("bootstrap", options);
  std::vector<std::uint32_t> indices(n);
  std::vector<double> replicates(static_cast<std::size_t>(options.resamples));
  for (std::size_t b = 0; b < replicates.size(); ++b) {
    resample_indices(options.seed, b, indices);
    replicates[b] = statistic(indices);
  }
  if (options.kind == Resampling::percentile)
    return percentile_interval(replicates, options, over, static_cast<std::int64_t>(n));
  std::iota(indices.begin(), indices.end(), 0U);
  return bca_interval({statistic(indices), std::move(replicates), jackknife(n, statistic)}, options, over,
                      static_cast<std::int64_t>(n));
}

Interval bootstrap_two_level(const std::vector<std::vector<double>>& per_seed, const TwoLevel& levels,
                             const BootstrapOptions& options) {
  check_options("two-level bootstrap", options);
  if (options.kind != Resampling::percentile) detail::refuse("two-level bootstrap", "has no BCa form, only percentile");
  check_levels(per_seed, levels);
  const std::size_t seeds = per_seed.size();
  std::int64_t samples = 0;
  for (const auto& seed : per_seed) samples += static_cast<std::int64_t>(seed.size());
  if (levels.same_samples) samples = static_cast<std::int64_t>(per_seed[0].size());
  std::vector<std::uint32_t> common(per_seed[0].size());
  std::vector<double> replicates(static_cast<std::size_t>(options.resamples));
  for (std::size_t b = 0; b < replicates.size(); ++b) {
    const Rng which(options.seed, "bootstrap-seeds", b), within(options.seed, "bootstrap-within", b);
    if (levels.same_samples) resample_indices(options.seed, b, common);
    std::uint64_t at = 0;
    for (std::size_t k = 0; k < seeds; ++k) {
      const auto& values = per_seed[levels.resample_seeds ? which.below(k, seeds) : k];
      double sum = 0;
      for (std::size_t i = 0; i < values.size(); ++i)
        sum += values[levels.same_samples ? common[i] : within.below(at++, values.size())];
      replicates[b] += sum / static_cast<double>(values.size()) / static_cast<double>(seeds);
    }
  }
  return percentile_interval(replicates, options, levels.resample_seeds ? "samples and seeds" : "samples",
                             levels.resample_seeds ? static_cast<std::int64_t>(seeds) : samples);
}

double bootstrap_p(std::span<const double> difference_replicates) {
  detail::need_numbers("bootstrap", difference_replicates);
  std::size_t below = 0, above = 0;
  for (const double d : difference_replicates) {
    below += d <= 0;
    above += d >= 0;
  }
  const double tail =
      static_cast<double>(1 + std::min(below, above)) / static_cast<double>(1 + difference_replicates.size());
  return std::min(1.0, 2 * tail);
}

Comparison paired_bootstrap(std::span<const double> a, std::span<const double> b, const BootstrapOptions& options,
                            const std::string& over) {
  const auto difference = detail::differences("paired bootstrap", a, b);
  check_options("paired bootstrap", options);
  auto replicates = mean_replicates(difference, options);
  Comparison out;
  out.n = static_cast<std::int64_t>(a.size());
  out.difference = detail::mean_of(difference);
  out.p = bootstrap_p(replicates);
  out.interval = mean_interval(difference, std::move(replicates), options, over);
  return out;
}

}  // namespace assay::stats
