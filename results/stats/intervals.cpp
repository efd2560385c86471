// Closed-form intervals, and the bias-corrected one of given replicates.
#include "results/stats/intervals.hpp"

#include <algorithm>
#include <cmath>

#include "results/stats/checks.hpp"
#include "results/stats/distributions.hpp"

namespace assay::stats {

Interval wilson(std::int64_t k, std::int64_t n, double level) {
  if (n <= 0 || k < 0 || k > n)
    detail::refuse("wilson", std::to_string(k) + " of " + std::to_string(n) + " is no proportion");
  detail::need_share("wilson", "level", level);
  const double z = detail::normal_quantile(0.5 + level / 2);
  const double trials = static_cast<double>(n), p = static_cast<double>(k) / trials, z2 = z * z;
  const double centre = (p + z2 / (2 * trials)) / (1 + z2 / trials);
  const double half = z / (1 + z2 / trials) * std::sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials));
  // The closed form reaches 0 and 1 only up to rounding.
  return {k == 0 ? 0 : centre - half, k == n ? 1 : centre + half, level, "binomial", n, "Wilson"};
}

Interval student(std::span<const double> values, const std::string& over, double level) {
  detail::need_numbers("student", values);
  detail::need_at_least("student", values.size(), 2);
  detail::need_share("student", "level", level);
  const double n = static_cast<double>(values.size()), mean = detail::mean_of(values);
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  if (!std::isfinite(squares)) detail::refuse("student", "a value is not finite");
  const double half = detail::student_quantile(0.5 + level / 2, n - 1) * std::sqrt(squares / (n - 1) / n);
  return {mean - half, mean + half, level, over, static_cast<std::int64_t>(values.size()), "Student"};
}

namespace {

double acceleration(const std::vector<double>& jackknife) {
  const double mean = detail::mean_of(jackknife);
  double squares = 0, cubes = 0;
  for (const double v : jackknife) {
    squares += (mean - v) * (mean - v);
    cubes += (mean - v) * (mean - v) * (mean - v);
  }
  return squares == 0 ? 0 : cubes / (6 * std::pow(squares, 1.5));
}

}  // namespace

Interval bca_interval(const BcaInput& input, const BootstrapOptions& options, const std::string& over, std::int64_t n) {
  detail::need_numbers("BCa bootstrap", input.replicates);
  detail::need_numbers("BCa bootstrap", input.jackknife);
  detail::need_numbers("BCa bootstrap", std::span(&input.estimate, 1));
  detail::need_at_least("BCa bootstrap", input.jackknife.size(), 2);
  detail::need_share("BCa bootstrap", "level", options.level);
  double below = 0;
  for (const double r : input.replicates) below += r < input.estimate ? 1 : r == input.estimate ? 0.5 : 0;
  const double count = static_cast<double>(input.replicates.size());
  const double z0 = detail::normal_quantile(std::clamp(below / count, 0.5 / count, 1 - 0.5 / count));
  const double a = acceleration(input.jackknife), tail = (1 - options.level) / 2;
  const auto end = [&](double z) {
    const double shifted = z0 + z, scale = 1 - a * shifted;
    // Beyond its pole the transform has no meaning: the outermost replicate is the end.
    if (scale <= 0) return quantile(input.replicates, shifted > 0 ? 1.0 : 0.0);
    return quantile(input.replicates, detail::normal_cdf(z0 + shifted / scale));
  };
  const double z = detail::normal_quantile(tail);
  return {end(z), end(-z), options.level, over, n, "BCa bootstrap"};
}

}  // namespace assay::stats
