// Exact tests of paired counts: McNemar's and the sign test.
#include <algorithm>
#include <limits>

#include "harness/metrics/binomial.hpp"
#include "results/stats/checks.hpp"
#include "results/stats/distributions.hpp"
#include "results/stats/paired.hpp"

namespace assay::stats {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Two-sided binomial test of a fair coin that showed x heads and y tails.
double coin_p(std::int64_t x, std::int64_t y) {
  return x + y == 0 ? 1 : std::min(1.0, 2 * detail::binomial_cdf(std::min(x, y), x + y, 0.5));
}

double coin_mid_p(std::int64_t x, std::int64_t y) {
  if (x + y == 0) return 1;
  const double here = detail::binomial_pmf(std::min(x, y), x + y, 0.5);
  // At x = y nothing is as extreme but the point itself; elsewhere its mirror image is too.
  return x == y ? 1 - here / 2 : 2 * detail::binomial_cdf(std::min(x, y), x + y, 0.5) - here;
}

double odds(double share) { return share >= 1 ? infinity : share / (1 - share); }

}  // namespace

McNemar mcnemar(std::int64_t only_a, std::int64_t only_b, double level) {
  if (only_a < 0 || only_b < 0) detail::refuse("mcnemar", "a count is negative");
  detail::need_share("mcnemar", "level", level);
  const std::int64_t total = only_a + only_b;
  McNemar out;
  out.only_a = only_a;
  out.only_b = only_b;
  out.p = coin_p(only_a, only_b);
  out.mid_p = coin_mid_p(only_a, only_b);
  out.odds_interval = {0, infinity, level, "discordant samples", total, "Clopper-Pearson"};
  if (total == 0) return out;
  out.odds_ratio = only_b == 0 ? infinity : static_cast<double>(only_a) / static_cast<double>(only_b);
  const double tail = (1 - level) / 2;
  out.odds_interval.lo = odds(metrics::binomial_lower(only_a, total, tail));
  out.odds_interval.hi = odds(metrics::binomial_upper(only_a, total, tail));
  return out;
}

McNemar mcnemar(std::span<const double> a, std::span<const double> b, double level) {
  detail::need_pairs("mcnemar", a, b);
  std::int64_t only_a = 0, only_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if ((a[i] != 0 && a[i] != 1) || (b[i] != 0 && b[i] != 1))
      detail::refuse("mcnemar", "outcome " + std::to_string(i) + " is not 0 or 1");
    only_a += a[i] > b[i];
    only_b += b[i] > a[i];
  }
  return mcnemar(only_a, only_b, level);
}

SignTest sign_test(std::span<const double> a, std::span<const double> b) {
  SignTest out;
  for (const double d : detail::tied_differences("sign test", a, b)) {
    out.a_larger += d > 0;
    out.b_larger += d < 0;
    out.equal += d == 0;
  }
  out.p = coin_p(out.a_larger, out.b_larger);
  return out;
}

}  // namespace assay::stats
