#include "results/claims/numbers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace assay::claims {
namespace {

constexpr double least_defined = 0.95;  // of resamples; a correlation may not exist on a few

std::vector<double> defined(const std::vector<double>& values) {
  std::vector<double> out;
  for (const double v : values)
    if (std::isfinite(v)) out.push_back(v);
  if (static_cast<double>(out.size()) < least_defined * static_cast<double>(values.size()) || out.size() < 2)
    throw Void("the value exists on only " + std::to_string(out.size()) + " of " + std::to_string(values.size()) + " resamples");
  return out;
}

std::vector<double> resampled_values(const Numbers& numbers, const Layout& layout) {
  const auto first = numbers.at.begin() + 1;
  return defined({first, first + static_cast<std::ptrdiff_t>(layout.resamples)});
}

double variance(const std::vector<double>& values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  double sum = 0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return sum / static_cast<double>(values.size() - 1);
}

}  // namespace

stats::Components components(const Numbers& numbers, const Layout& layout, bool resampled) {
  stats::Components out;
  out.estimate = numbers.at[0];
  if (!std::isfinite(out.estimate)) throw Void("the value is not defined (a division by 0, a curve that never crosses, or a side that does not vary)");
  if (resampled && numbers.samples && !numbers.unsampled) {
    out.sample_variance = variance(resampled_values(numbers, layout));
    out.samples = numbers.units;
  }
  if (numbers.over_seeds()) {
    out.seed_variance = stats::jackknife_variance(defined(without_seeds(numbers, layout)));
    out.seeds = static_cast<std::int64_t>(numbers.seed_count());
  }
  return out;
}

std::vector<double> without_seeds(const Numbers& numbers, const Layout& layout) {
  std::vector<double> out;
  for (std::size_t s = 0; s < numbers.seeds.size(); ++s)
    if (numbers.seeds[s] != 0) out.push_back(numbers.at[layout.without(s)]);
  return out;
}

stats::Interval percentile(const Numbers& numbers, const Layout& layout, double level) {
  stats::BootstrapOptions options;
  options.level = level;
  return stats::percentile_interval(resampled_values(numbers, layout), options, "samples", numbers.units);
}

double summary(const std::string& name, std::vector<double> values, double q) {
  if (values.empty()) return undefined;
  const double n = static_cast<double>(values.size());
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  if (name == "sum") return sum;
  if (name == "mean") return sum / n;
  if (name == "std") return values.size() < 2 ? undefined : std::sqrt(variance(values));
  if (std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) return undefined;
  if (name == "min") return *std::min_element(values.begin(), values.end());
  if (name == "max") return *std::max_element(values.begin(), values.end());
  return stats::quantile(std::move(values), name == "median" ? 0.5 : q);
}

}  // namespace assay::claims
