#include "results/stats/rank_sum.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "results/stats/checks.hpp"
#include "results/stats/distributions.hpp"
#include "results/stats/midranks.hpp"

namespace assay::stats {
namespace {

// P(sum of `chosen` of the ranks >= sum), every choice being equally likely. Midranks are multiples of 1/2, so twice a rank
// is an integer. mass[k][s]: P(k of the ranks seen so far are chosen, with sum s / 2), by hypergeometric steps, which stay in
// [0, 1] where counts of choices would overflow.
using Mass = std::vector<std::vector<double>>;

// One more rank, with `left` still to come, itself included.
void see(Mass& mass, std::size_t shift, double left) {
  const std::size_t chosen = mass.size() - 1;
  for (std::size_t k = mass.size(); k-- > 0;) {
    const double skip = std::max(0.0, 1 - static_cast<double>(chosen - k) / left);
    for (double& share : mass[k]) share *= skip;
    if (k == 0) continue;
    const double take = std::min(1.0, static_cast<double>(chosen - k + 1) / left);
    for (std::size_t s = shift; s < mass[k].size(); ++s) mass[k][s] += mass[k - 1][s - shift] * take;
  }
}

double exact_upper_tail(const std::vector<double>& ranks, std::size_t chosen, double sum) {
  std::size_t most = 0;
  for (const double rank : ranks) most += static_cast<std::size_t>(std::lround(2 * rank));
  Mass mass(chosen + 1, std::vector<double>(most + 1));
  mass[0][0] = 1;
  for (std::size_t i = 0; i < ranks.size(); ++i)
    see(mass, static_cast<std::size_t>(std::lround(2 * ranks[i])), static_cast<double>(ranks.size() - i));
  double tail = 0;
  for (auto s = static_cast<std::size_t>(std::lround(2 * sum)); s <= most; ++s) tail += mass[chosen][s];
  return std::min(1.0, tail);
}

// P(U >= u) of a normal with U's mean and variance.
double normal_upper_tail(double u, double n, double m, double ties) {
  const double both = n + m;
  const double variance = n * m / 12 * (both + 1 - ties / (both * (both - 1)));
  if (!(variance > 0)) return 1;  // all values are equal
  return detail::normal_cdf(-(u - n * m / 2 - 0.5) / std::sqrt(variance));
}

double median(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

std::vector<double> scaled(std::span<const double> values, double factor) {
  std::vector<double> out(values.begin(), values.end());
  for (double& v : out) v *= factor;
  return out;
}

}  // namespace

RankSum rank_sum(std::span<const double> x, std::span<const double> y, const RankSumOptions& options) {
  if (options.exact_up_to < 0 || options.exact_up_to > 100)
    detail::refuse("rank sum test", "exact_up_to " + std::to_string(options.exact_up_to) + " is outside [0, 100]");
  detail::need_numbers("rank sum test", x);
  detail::need_numbers("rank sum test", y);
  std::vector<double> all(x.begin(), x.end());
  all.insert(all.end(), y.begin(), y.end());
  const auto ranked = detail::midranks(all);
  const double n = static_cast<double>(x.size()), m = static_cast<double>(y.size());
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += ranked.ranks[i];
  RankSum out;
  out.u = sum - n * (n + 1) / 2;
  out.superiority = out.u / (n * m);
  out.exact = std::max(x.size(), y.size()) <= static_cast<std::size_t>(options.exact_up_to);
  double p_less = 1;
  if (out.exact) {
    const double total = (n + m) * (n + m + 1) / 2;
    out.p_greater = exact_upper_tail(ranked.ranks, x.size(), sum);
    p_less = exact_upper_tail(ranked.ranks, y.size(), total - sum);
  } else {
    out.p_greater = std::min(1.0, normal_upper_tail(out.u, n, m, ranked.ties));
    p_less = std::min(1.0, normal_upper_tail(n * m - out.u, n, m, ranked.ties));
  }
  out.p = std::min(1.0, 2 * std::min(out.p_greater, p_less));
  return out;
}

TimingTest timing_test(std::span<const double> x, std::span<const double> y, double factor) {
  if (!(factor >= 1)) detail::refuse("timing test", "factor " + std::to_string(factor) + " is below 1");
  for (const auto side : {x, y})
    for (const double v : side)
      if (!(v > 0)) detail::refuse("timing test", "a time of " + std::to_string(v) + " is not above 0");
  TimingTest out;
  const double longer = rank_sum(x, scaled(y, factor)).p_greater, shorter = rank_sum(y, scaled(x, factor)).p_greater;
  out.ratio = median(x) / median(y);
  out.p = std::min(1.0, 2 * std::min(longer, shorter));
  return out;
}

}  // namespace assay::stats
