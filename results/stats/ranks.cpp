// Holm's correction and rank ranges.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "results/stats/checks.hpp"
#include "results/stats/many.hpp"

namespace assay::stats {

std::vector<double> holm(std::span<const double> p) {
  for (const double each : p)
    if (!(each >= 0 && each <= 1)) detail::refuse("holm", "p value " + std::to_string(each) + " is outside [0, 1]");
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> out(p.size());
  double largest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(p.size() - k) * p[order[k]]));
    out[order[k]] = largest;
  }
  return out;
}

namespace {

double pair_p(const RankInput& x, const RankInput& y) {
  if (x.replicates.size() != y.replicates.size())
    detail::refuse("rank ranges", "methods have different numbers of resamples");
  if (x.replicates.empty()) return 1;  // nothing to tell them apart by
  std::vector<double> difference(x.replicates.size());
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = x.replicates[i] - y.replicates[i];
  return bootstrap_p(difference);
}

}  // namespace

std::vector<RankRange> rank_ranges(const std::vector<RankInput>& methods, bool higher_is_better, double level) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  std::vector<double> p;
  std::vector<RankRange> out(methods.size());
  for (std::size_t a = 0; a < methods.size(); ++a)
    for (std::size_t b = a + 1; b < methods.size(); ++b) {
      if (methods[a].panel != methods[b].panel) continue;
      pairs.emplace_back(a, b);
      p.push_back(pair_p(methods[a], methods[b]));
      ++out[a].hi;
      ++out[b].hi;
    }
  const auto adjusted = holm(p);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    auto [a, b] = pairs[i];
    const double gap = methods[a].value - methods[b].value;
    if (adjusted[i] > 1 - level || gap == 0) continue;
    if ((gap > 0) != higher_is_better) std::swap(a, b);  // a is surely better
    --out[a].hi;
    ++out[b].lo;
  }
  return out;
}

int resamples_for(std::size_t methods, double level, int at_least) {
  // The smallest p a bootstrap can give is 2 / (B + 1); Holm asks the first pair for (1 - level) / pairs. Twice that
  // many resamples leave room for a few on the wrong side.
  const double pairs = static_cast<double>(methods) * (static_cast<double>(methods) - 1) / 2;
  return std::max(at_least, static_cast<int>(std::ceil(4 * pairs / (1 - level))));
}

}  // namespace assay::stats
