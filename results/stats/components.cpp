#include "results/stats/components.hpp"

#include <cmath>

#include "results/stats/checks.hpp"
#include "results/stats/distributions.hpp"

namespace assay::stats {
namespace {

double degrees(const Components& c) {
  const double total = c.sample_variance + c.seed_variance;
  double below = 0;
  if (c.samples > 1) below += c.sample_variance * c.sample_variance / static_cast<double>(c.samples - 1);
  if (c.seeds > 1) below += c.seed_variance * c.seed_variance / static_cast<double>(c.seeds - 1);
  return below > 0 ? std::max(1.0, total * total / below) : 1;
}

const char* over(const Components& c) { return c.samples > 0 ? c.seeds > 0 ? "samples and seeds" : "samples" : "seeds"; }

// Power of the two-sided test, t with Satterthwaite's degrees of freedom taken as exact; both tails.
double power_of(const Components& c, double alpha) {
  const double se = std::sqrt(c.sample_variance + c.seed_variance);
  if (se == 0) return 1;
  const double df = degrees(c), bound = detail::student_quantile(1 - alpha / 2, df), shift = std::abs(c.estimate) / se;
  if (df > 1e5 || shift > 30) return detail::normal_cdf(shift - bound);
  return 1 - detail::noncentral_t_cdf(bound, df, shift) + detail::noncentral_t_cdf(-bound, df, shift);
}

// Least n in (from, most] with enough power, by doubling and bisection.
std::optional<std::int64_t> least(std::int64_t from, std::int64_t most, const auto& enough) {
  std::int64_t low = from, high = from + 1;
  while (!enough(high)) {
    if (high >= most) return std::nullopt;
    low = high;
    high = std::min(most, high * 2);
  }
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (enough(middle) ? high : low) = middle;
  }
  return high;
}

void need_fine(const Components& c) {
  if (!(c.sample_variance >= 0) || !(c.seed_variance >= 0) || !std::isfinite(c.estimate))
    detail::refuse("components", "a variance is negative or a value is not finite");
}

}  // namespace

double jackknife_variance(std::span<const double> without) {
  detail::need_numbers("jackknife", without);
  detail::need_at_least("jackknife", without.size(), 2);
  const double mean = detail::mean_of(without), n = static_cast<double>(without.size());
  double sum = 0;
  for (const double v : without) sum += (v - mean) * (v - mean);
  return sum * (n - 1) / n;
}

ComponentTest component_test(const Components& c, double level) {
  detail::need_share("components", "level", level);
  need_fine(c);
  ComponentTest out;
  out.standard_error = std::sqrt(c.sample_variance + c.seed_variance);
  out.df = degrees(c);
  const double half = out.standard_error == 0 ? 0 : detail::student_quantile((1 + level) / 2, out.df) * out.standard_error;
  out.interval = {c.estimate - half, c.estimate + half, level, over(c), c.seeds > 0 ? c.seeds : c.samples, "Student"};
  if (out.standard_error == 0)
    out.p = c.estimate == 0 ? 1 : 0;
  else
    out.p = 2 * detail::student_cdf(-std::abs(c.estimate) / out.standard_error, out.df);
  return out;
}

std::optional<std::int64_t> seeds_needed(const Components& c, const PowerOptions& options) {
  need_fine(c);
  if (c.seeds < 2 || c.estimate == 0) return std::nullopt;
  return least(c.seeds, 100'000, [&](std::int64_t n) {
    Components more = c;
    more.seeds = n;
    more.seed_variance *= static_cast<double>(c.seeds) / static_cast<double>(n);
    return power_of(more, options.alpha) >= options.power;
  });
}

std::optional<std::int64_t> samples_needed(const Components& c, const PowerOptions& options) {
  need_fine(c);
  if (c.samples < 2 || c.estimate == 0) return std::nullopt;
  return least(c.samples, 1'000'000'000, [&](std::int64_t n) {
    Components more = c;
    more.samples = n;
    more.sample_variance *= static_cast<double>(c.samples) / static_cast<double>(n);
    return power_of(more, options.alpha) >= options.power;
  });
}

}  // namespace assay::stats
