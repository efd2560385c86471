// Wilcoxon's signed rank test, exact with ties and zeros.
#include <algorithm>
#include <cmath>

#include "results/stats/checks.hpp"
#include "results/stats/distributions.hpp"
#include "results/stats/midranks.hpp"
#include "results/stats/paired.hpp"

namespace assay::stats {
namespace {

// P(sum of the ranks with a random half of the signs <= w). Midranks are multiples of 1/2, so twice a rank is an
// integer and the distribution is a convolution of two-point ones.
double exact_lower_tail(const std::vector<double>& ranks, double w) {
  std::vector<double> mass{1};
  for (const double rank : ranks) {
    const auto shift = static_cast<std::size_t>(std::lround(2 * rank));
    std::vector<double> next(mass.size() + shift);
    for (std::size_t s = 0; s < mass.size(); ++s) {
      next[s] += mass[s] / 2;
      next[s + shift] += mass[s] / 2;
    }
    mass.swap(next);
  }
  const auto last = std::min(mass.size() - 1, static_cast<std::size_t>(std::lround(2 * w)));
  double sum = 0;
  for (std::size_t s = 0; s <= last; ++s) sum += mass[s];
  return sum;
}

double normal_p(const std::vector<double>& ranks, double w_smaller) {
  double total = 0, squares = 0;
  for (const double rank : ranks) {
    total += rank;
    squares += rank * rank;
  }
  const double gap = std::max(0.0, total / 2 - w_smaller - 0.5);  // continuity: half a rank towards the mean
  return std::min(1.0, 2 * detail::normal_cdf(-gap / std::sqrt(squares / 4)));
}

}  // namespace

Wilcoxon wilcoxon(std::span<const double> a, std::span<const double> b, const WilcoxonOptions& options) {
  if (options.exact_up_to < 0 || options.exact_up_to > 1000)
    detail::refuse("wilcoxon", "exact_up_to " + std::to_string(options.exact_up_to) + " is outside [0, 1000]");
  auto difference = detail::tied_differences("wilcoxon", a, b);
  Wilcoxon out;
  out.zeros = static_cast<std::int64_t>(std::count(difference.begin(), difference.end(), 0.0));
  out.n = static_cast<std::int64_t>(difference.size()) - out.zeros;
  if (out.n == 0) return out;
  if (options.zeros == Zeros::wilcoxon) std::erase(difference, 0.0);
  std::vector<double> size(difference.size()), ranks;
  for (std::size_t i = 0; i < size.size(); ++i) size[i] = std::abs(difference[i]);
  const auto all = detail::midranks(size).ranks;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (difference[i] == 0) continue;
    ranks.push_back(all[i]);
    (difference[i] > 0 ? out.w_plus : out.w_minus) += all[i];
  }
  out.effect = (out.w_plus - out.w_minus) / (out.w_plus + out.w_minus);
  out.exact = out.n <= options.exact_up_to;
  const double smaller = std::min(out.w_plus, out.w_minus);
  out.p = out.exact ? std::min(1.0, 2 * exact_lower_tail(ranks, smaller)) : normal_p(ranks, smaller);
  return out;
}

}  // namespace assay::stats
