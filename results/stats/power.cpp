#include "results/stats/power.hpp"

#include <algorithm>
#include <cmath>

#include "results/stats/checks.hpp"
#include "results/stats/distributions.hpp"

namespace assay::stats {
namespace {

constexpr std::int64_t most_pairs = 100'000'000, most_samples = 10'000'000;

void check(const PowerOptions& options) {
  detail::need_share("power", "alpha", options.alpha);
  detail::need_share("power", "power", options.power);
  if (options.power <= options.alpha) detail::refuse("power", "the power must exceed alpha");
}

void need_positive(const char* name, double value) {
  if (!(value > 0) || !std::isfinite(value))
    detail::refuse("power", std::string(name) + " must be positive and finite");
}

void need_finite(double difference) {
  if (!std::isfinite(difference)) detail::refuse("power", "the difference is not finite");
}

// The x in [0, inf) at which the rising function reaches `target`.
template <class Rising>
double solve(const Rising& rising, double target) {
  double lo = 0, hi = 1;
  while (rising(hi) < target) {
    lo = hi;
    hi *= 2;
  }
  while (hi - lo > 1e-13 * hi) {
    const double middle = lo + (hi - lo) / 2;
    (rising(middle) < target ? lo : hi) = middle;
  }
  return hi;
}

// Least n in [from, most] that reaches, for a predicate that stays true once it is.
template <class Reaches>
std::optional<std::int64_t> least(std::int64_t from, std::int64_t most, const Reaches& reaches) {
  std::int64_t lo = from - 1, hi = from;
  while (!reaches(hi)) {
    if (hi >= most) return std::nullopt;
    lo = hi;
    hi = std::min(most, 2 * hi);
  }
  while (hi - lo > 1) {
    const std::int64_t middle = lo + (hi - lo) / 2;
    (reaches(middle) ? hi : lo) = middle;
  }
  return hi;
}

double t_power(double standardized, std::int64_t n, double alpha) {
  const double df = static_cast<double>(n - 1), shift = standardized * std::sqrt(static_cast<double>(n));
  const double critical = detail::student_quantile(1 - alpha / 2, df);
  // So far out the series of the noncentral t is too long, and the normal part of the statistic is nothing beside the
  // shift: what is left is P(shift / (chi / sqrt(df)) > critical), right to 1 / shift^2.
  if (shift > 1e4) return 1 - detail::chi_squared_tail(df * (shift / critical) * (shift / critical), df);
  return 1 - detail::noncentral_t_cdf(critical, df, shift) + detail::noncentral_t_cdf(-critical, df, shift);
}

// Largest smaller count at which the exact test of d discordant samples rejects; -1: it never does.
std::int64_t critical_count(std::int64_t d, double alpha) {
  const double guess =
      (static_cast<double>(d) + detail::normal_quantile(alpha / 2) * std::sqrt(static_cast<double>(d))) / 2;
  auto c = std::max<std::int64_t>(-1, static_cast<std::int64_t>(guess));
  while (c >= 0 && 2 * detail::binomial_cdf(c, d, 0.5) > alpha) --c;
  while (2 * (c + 1) < d && 2 * detail::binomial_cdf(c + 1, d, 0.5) <= alpha) ++c;
  return c;
}

void check(const Discordance& truth) {
  if (!(truth.only_a >= 0 && truth.only_b >= 0 && truth.only_a + truth.only_b <= 1 + 1e-12))
    detail::refuse("power", "shares of discordant samples must be >= 0 and at most 1 together");
}

}  // namespace

double paired_power(double difference, double sd, std::int64_t n, double alpha) {
  detail::need_share("power", "alpha", alpha);
  need_positive("sd", sd);
  need_finite(difference);
  if (n < 2) detail::refuse("power", "needs at least two pairs");
  return t_power(std::abs(difference) / sd, n, alpha);
}

double paired_detectable(double sd, std::int64_t n, const PowerOptions& options) {
  check(options);
  need_positive("sd", sd);
  if (n < 2) detail::refuse("power", "needs at least two pairs");
  return sd * solve([&](double x) { return t_power(x, n, options.alpha); }, options.power);
}

std::optional<std::int64_t> paired_needed(double difference, double sd, const PowerOptions& options) {
  check(options);
  need_positive("sd", sd);
  need_finite(difference);
  if (difference == 0) return std::nullopt;
  const double standardized = std::abs(difference) / sd;
  return least(2, most_pairs, [&](std::int64_t n) { return t_power(standardized, n, options.alpha) >= options.power; });
}

double mcnemar_power(const Discordance& truth, std::int64_t n, double alpha) {
  detail::need_share("power", "alpha", alpha);
  check(truth);
  if (n < 1) detail::refuse("power", "needs at least one sample");
  const double discordant = std::min(1.0, truth.only_a + truth.only_b);
  if (discordant == 0) return 0;
  const double share = truth.only_a / (truth.only_a + truth.only_b), trials = static_cast<double>(n);
  const double centre = trials * discordant, reach = 8 * std::sqrt(centre * (1 - discordant)) + 30;
  const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - reach));
  const auto last = std::min(n, static_cast<std::int64_t>(centre + reach));
  double sum = 0;
  for (std::int64_t d = first; d <= last; ++d) {
    const double weight = detail::binomial_pmf(d, n, discordant);
    if (weight < 1e-16) continue;
    const std::int64_t c = critical_count(d, alpha);
    if (c >= 0) sum += weight * (detail::binomial_cdf(c, d, share) + detail::binomial_cdf(c, d, 1 - share));
  }
  return sum;
}

std::optional<double> mcnemar_detectable(double discordant, std::int64_t n, const PowerOptions& options) {
  check(options);
  if (!(discordant > 0 && discordant <= 1))
    detail::refuse("power", "the share of discordant samples is outside (0, 1]");
  const auto power = [&](double difference) {
    return mcnemar_power({(discordant + difference) / 2, (discordant - difference) / 2}, n, options.alpha);
  };
  if (power(discordant) < options.power) return std::nullopt;
  double lo = 0, hi = discordant;
  while (hi - lo > 1e-12 * discordant) {
    const double middle = lo + (hi - lo) / 2;
    (power(middle) < options.power ? lo : hi) = middle;
  }
  return hi;
}

std::optional<std::int64_t> mcnemar_needed(const Discordance& truth, const PowerOptions& options) {
  check(options);
  check(truth);
  if (truth.only_a == truth.only_b) return std::nullopt;
  return least(1, most_samples,
               [&](std::int64_t n) { return mcnemar_power(truth, n, options.alpha) >= options.power; });
}

double normal_power(double difference, double standard_error, double alpha) {
  detail::need_share("power", "alpha", alpha);
  need_positive("standard error", standard_error);
  need_finite(difference);
  const double z = detail::normal_quantile(1 - alpha / 2), shift = std::abs(difference) / standard_error;
  return detail::normal_cdf(shift - z) + detail::normal_cdf(-shift - z);
}

double normal_detectable(double standard_error, const PowerOptions& options) {
  check(options);
  need_positive("standard error", standard_error);
  return standard_error * solve([&](double x) { return normal_power(x, 1, options.alpha); }, options.power);
}

std::optional<double> normal_growth_needed(double difference, double standard_error, const PowerOptions& options) {
  need_finite(difference);
  const double detectable = normal_detectable(standard_error, options);
  if (difference == 0) return std::nullopt;
  return (detectable / difference) * (detectable / difference);
}

}  // namespace assay::stats
