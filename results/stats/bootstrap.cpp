// Resampling. Resample b is drawn from stream b of the generator, so replicates do not depend on how many there are.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "results/stats/checks.hpp"
#include "results/stats/stats.hpp"

namespace assay::stats {
namespace {

void check_options(const char* what, const BootstrapOptions& options) {
  if (options.resamples < 1) detail::refuse(what, "needs at least one resample");
  if (!(options.level > 0 && options.level < 1)) detail::refuse(what, "level " + std::to_string(options.level) + " is outside (0, 1)");
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

Interval bootstrap_mean(std::span<const double> values, const std::string& over, const BootstrapOptions& options) {
  detail::need_numbers("bootstrap", values);
  check_options("bootstrap", options);
  return percentile_interval(mean_replicates(values, options), options, over, static_cast<std::int64_t>(values.size()));
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
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::uint32_t>(rng.below(i, indices.size()));
}

Interval percentile_interval(const std::vector<double>& replicates, const BootstrapOptions& options, const std::string& over,
                             std::int64_t n) {
  check_options("bootstrap", options);
  const double tail = (1 - options.level) / 2;
  return {quantile(replicates, tail), quantile(replicates, 1 - tail), options.level, over, n};
}

Interval bootstrap_samples(std::span<const double> values, const BootstrapOptions& options) {
  return bootstrap_mean(values, "samples", options);
}

Interval bootstrap_seeds(std::span<const double> per_seed, const BootstrapOptions& options) {
  return bootstrap_mean(per_seed, "seeds", options);
}

Interval bootstrap(std::size_t n, const Statistic& statistic, const std::string& over, const BootstrapOptions& options) {
  if (n == 0) detail::refuse("bootstrap", "no values");
  check_options("bootstrap", options);
  std::vector<std::uint32_t> indices(n);
  std::vector<double> replicates(static_cast<std::size_t>(options.resamples));
  for (std::size_t b = 0; b < replicates.size(); ++b) {
    resample_indices(options.seed, b, indices);
    replicates[b] = statistic(indices);
  }
  return percentile_interval(replicates, options, over, static_cast<std::int64_t>(n));
}

double bootstrap_p(std::span<const double> difference_replicates) {
  detail::need_numbers("bootstrap", difference_replicates);
  std::size_t below = 0, above = 0;
  for (const double d : difference_replicates) {
    below += d <= 0;
    above += d >= 0;
  }
  const double tail = static_cast<double>(1 + std::min(below, above)) / static_cast<double>(1 + difference_replicates.size());
  return std::min(1.0, 2 * tail);
}

Comparison paired_bootstrap(std::span<const double> a, std::span<const double> b, const BootstrapOptions& options) {
  detail::need_pairs("paired bootstrap", a, b);
  check_options("paired bootstrap", options);
  std::vector<double> difference(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  const auto replicates = mean_replicates(difference, options);
  Comparison out;
  out.n = static_cast<std::int64_t>(a.size());
  out.difference = std::accumulate(difference.begin(), difference.end(), 0.0) / static_cast<double>(a.size());
  out.interval = percentile_interval(replicates, options, "samples", out.n);
  out.p = bootstrap_p(replicates);
  return out;
}

}  // namespace assay::stats
