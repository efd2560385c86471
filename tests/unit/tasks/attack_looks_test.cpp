// Sequential stopping of a chain: which samples a look attacks, when it ends, and what its judge counts.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "harness/base/rng.hpp"
#include "harness/tasks/attack_looks.hpp"

using namespace assay;
using namespace assay::tasks;

namespace {

std::vector<std::int64_t> ids_of(std::int64_t n) {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < n; ++i) ids.push_back(7 * i + 3);
  return ids;
}

// A share of robust samples at one radius, none at the other.
ChainState state_of(std::int64_t n, double share, std::uint64_t seed = 1) {
  ChainState state;
  state.ids = ids_of(n);
  const Rng rng(seed, "robust");
  for (std::int64_t i = 0; i < n; ++i) {
    state.conditions["eps=1/10"].robust.push_back(rng.uniform(static_cast<std::uint64_t>(i)) < share ? 1 : 0);
    state.conditions["eps=1/2"].robust.push_back(0);
  }
  return state;
}

Looks looks(std::int64_t look, const char* half_width = "1/20") { return {look, 4, *Rational::parse(half_width)}; }

}  // namespace

TEST_CASE("looks: parts double, are drawn by id alone, and make up the list") {
  CHECK(samples_at(0, 4, 1000) == 125);
  CHECK(samples_at(1, 4, 1000) == 250);
  CHECK(samples_at(3, 4, 1000) == 1000);
  CHECK(samples_at(0, 4, 5) == 1);
  const auto ids = ids_of(1000);
  const auto parts = parts_of(ids, 4);
  for (std::int64_t look = 0; look < 4; ++look)
    CHECK(std::count_if(parts.begin(), parts.end(), [&](std::int64_t part) { return part <= look; }) == samples_at(look, 4, 1000));
  // No run of neighbours: a list sorted by class is taken evenly.
  const auto first_half = std::count(parts.begin(), parts.begin() + 500, 0);
  CHECK(first_half > 40);
  CHECK(first_half < 85);
  auto reversed = ids;
  std::reverse(reversed.begin(), reversed.end());
  auto other = parts_of(reversed, 4);
  std::reverse(other.begin(), other.end());
  CHECK(other == parts);
}

TEST_CASE("looks: a chain stops at the first interval that is narrow enough in every condition, and attacks no more") {
  const ChainState state = state_of(4000, 0.3);
  CHECK_FALSE(reached(state, looks(1), 0).stopped);
  const Reached first = reached(state, looks(1), 1);  // 500 samples: about 0.3 +- 0.052 at level 1 - 0.05 / 4
  CHECK_FALSE(first.stopped);
  CHECK(first.samples == 500);
  const Reached second = reached(state, looks(2), 2);
  CHECK(second.stopped);
  CHECK(second.look == 1);
  CHECK(second.samples == 1000);
  CHECK((second.hi - second.lo) / 2 <= 0.05);
  CHECK(second.lo < 0.3);
  CHECK(second.hi > 0.3);
  CHECK(reached(state, looks(3), 3).look == 1);  // what came later does not matter
  CHECK(attacked_rows(state, looks(2), "eps=1/10").empty());
  CHECK(attacked_rows(state, looks(3), "eps=1/10").empty());
  CHECK(counted_rows(state, looks(3)).size() == 1000);

  const auto parts = parts_of(state.ids, 4);
  const auto rows = attacked_rows(state, looks(1), "eps=1/10");
  CHECK_FALSE(rows.empty());
  for (const std::int64_t row : rows) {
    CHECK(parts[static_cast<std::size_t>(row)] == 1);
    CHECK(state.conditions.at("eps=1/10").robust[static_cast<std::size_t>(row)] == 1);
  }
  CHECK(attacked_rows(state, looks(1), "eps=1/2").empty());
  CHECK(attacked_rows(state, std::nullopt, "eps=1/10") == state.standing("eps=1/10"));
}

TEST_CASE("looks: one that is never narrow enough counts the whole list") {
  const ChainState state = state_of(4000, 0.3);
  CHECK_FALSE(reached(state, looks(3, "1/1000"), 4).stopped);
  CHECK(counted_rows(state, looks(3, "1/1000")).size() == 4000);
}

TEST_CASE("looks: the interval at the stop holds the share in 95 of 100 runs at least") {
  int held = 0, runs = 0;
  double samples = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Reached at = reached(state_of(800, 0.4, seed), looks(3, "1/12"), 4);
    held += at.lo <= 0.4 && 0.4 <= at.hi ? 1 : 0;
    samples += static_cast<double>(at.samples);
    ++runs;
  }
  CHECK(held >= 0.95 * runs);
  CHECK(samples / runs < 800);  // and it did stop
}
