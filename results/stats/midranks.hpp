// Ranks with ties shared evenly. Inside of the statistics. [any-thread]
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace assay::stats::detail {

struct Midranks {
  std::vector<double> ranks;  // 1 for the smallest; equal values share the mean of their places
  double ties = 0;            // sum of t^3 - t over groups of t equal values
};

inline Midranks midranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  Midranks out;
  out.ranks.resize(values.size());
  for (std::size_t from = 0; from < order.size();) {
    std::size_t to = from + 1;
    while (to < order.size() && values[order[to]] == values[order[from]]) ++to;
    const double t = static_cast<double>(to - from);
    for (std::size_t i = from; i < to; ++i) out.ranks[order[i]] = static_cast<double>(from + to + 1) / 2;
    out.ties += t * t * t - t;
    from = to;
  }
  return out;
}

}  // namespace assay::stats::detail
