// Holm's correction and rank ranges.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "results/stats/checks.hpp"
#include "results/stats/many.hpp"
#include "results/stats/rank_sum.hpp"

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

// Unbiased; at least two values.
double variance(std::span<const double> values) {
  const double mean = detail::mean_of(values);
  double sum = 0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return sum / static_cast<double>(values.size() - 1);
}

// Of the mean over seeds.
double mean_variance(std::span<const double> per_seed) {
  return variance(per_seed) / static_cast<double>(per_seed.size());
}

}  // namespace

double pair_p(const RankInput& x, const RankInput& y) {
  if (!x.rounds.empty() && !y.rounds.empty()) return timing_test(x.rounds, y.rounds).p;
  return x.replicates.empty() || y.replicates.empty() ? 1 : component_test(difference(x, y)).p;
}

Components difference(const RankInput& x, const RankInput& y) {
  if (x.replicates.size() != y.replicates.size())
    detail::refuse("rank ranges", "methods have different numbers of resamples");
  Components out;
  out.estimate = x.value - y.value;
  if (x.replicates.size() > 1) {
    std::vector<double> gap(x.replicates.size());
    for (std::size_t b = 0; b < gap.size(); ++b) gap[b] = x.replicates[b] - y.replicates[b];
    out.sample_variance = variance(gap);
    out.samples = std::min(x.samples, y.samples);
  }
  const std::size_t seeds = std::min(x.per_seed.size(), y.per_seed.size());
  if (seeds < 2) return out;
  out.seeds = static_cast<std::int64_t>(seeds);
  if (x.per_seed.size() != y.per_seed.size()) {
    out.seed_variance = mean_variance(x.per_seed) + mean_variance(y.per_seed);
    return out;
  }
  std::vector<double> gap(seeds);
  for (std::size_t s = 0; s < seeds; ++s) gap[s] = x.per_seed[s] - y.per_seed[s];
  out.seed_variance = mean_variance(gap);
  return out;
}

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

}  // namespace assay::stats
