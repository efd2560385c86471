// A uniform choice of positions, in their order: what `random-subset` keeps, and what a method that alters records starts
// from when fewer are asked for. One method seed gives one choice, whichever reducer makes it.
#pragma once

#include <algorithm>

#include "assay/sdk.hpp"

namespace reducers {

// min(n, size) of 0 .. n-1, increasing.
inline std::vector<std::int64_t> choose(const assay::Run& run, std::int64_t n, std::int64_t size) {
  std::vector<std::pair<std::uint64_t, std::int64_t>> draws;
  draws.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) draws.emplace_back(run.random("subset", static_cast<std::uint64_t>(i)), i);
  const auto kept = static_cast<std::ptrdiff_t>(std::min(n, size));
  std::partial_sort(draws.begin(), draws.begin() + kept, draws.end());
  std::vector<std::int64_t> positions;
  positions.reserve(static_cast<std::size_t>(kept));
  for (auto draw = draws.begin(); draw != draws.begin() + kept; ++draw) positions.push_back(draw->second);
  std::sort(positions.begin(), positions.end());
  return positions;
}

}  // namespace reducers
