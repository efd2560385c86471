// Philox against the published known answers, and the shape of the distributions.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "harness/base/rng.hpp"

using namespace assay;

TEST_CASE("Philox 4x32-10 gives the known answers of the Random123 distribution") {
  using Words = std::array<std::uint32_t, 4>;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a number depends on seed, purpose, stream and index, and on nothing else") {
  const Rng a(1, "noise", 5);
  CHECK(a.bits(3) == Rng(1, "noise", 5).bits(3));
  CHECK(a.bits(3) != Rng(2, "noise", 5).bits(3));
  CHECK(a.bits(3) != Rng(1, "nois", 5).bits(3));
  CHECK(a.bits(3) != Rng(1, "noise", 6).bits(3));
  CHECK(a.bits(3) != a.bits(4));
  CHECK(Rng(1, "1/x").bits(0) != Rng(11, "/x").bits(0));
}

TEST_CASE("uniform, normal and below have their distributions") {
  const Rng rng(7, "moments");
  const std::uint64_t n = 200000;
  double sum = 0, normal_sum = 0, normal_squares = 0;
  std::vector<int> counts(10);
  for (std::uint64_t i = 0; i < n; ++i) {
    const double u = rng.uniform(i), z = rng.normal(i);
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    sum += u;
    normal_sum += z;
    normal_squares += z * z;
    ++counts.at(rng.below(i, 10));
  }
  const double count = static_cast<double>(n);
  CHECK(std::abs(sum / count - 0.5) < 5 * std::sqrt(1.0 / 12 / count));
  CHECK(std::abs(normal_sum / count) < 5 / std::sqrt(count));
  CHECK(std::abs(normal_squares / count - 1) < 5 * std::sqrt(2 / count));
  for (const int c : counts) CHECK(std::abs(c - count / 10) < 5 * std::sqrt(count / 10));
  CHECK(rng.below(3, 1) == 0);
}

TEST_CASE("many bits at a time are the same bits") {
  const Rng rng(4, "fill", 1ULL << 40);
  for (const std::size_t n : {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{200}}) {
    for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{7}, (std::uint64_t{1} << 32) - 10}) {
      std::vector<std::uint64_t> words(n);
      rng.fill_bits(words, first);
      for (std::size_t i = 0; i < n; ++i) CHECK(words[i] == rng.bits(first + i));
    }
  }
}

TEST_CASE("fills go by index, whatever the length") {
  const Rng rng(3, "fill", 9);
  std::vector<float> all(100), half(50), normals(100);
  rng.fill_uniform(all, -2, 3);
  rng.fill_uniform(half, -2, 3);
  CHECK(std::equal(half.begin(), half.end(), all.begin()));
  CHECK(*std::min_element(all.begin(), all.end()) >= -2);
  CHECK(*std::max_element(all.begin(), all.end()) < 3);
  rng.fill_normal(normals, 10, 2);
  CHECK(normals[4] == doctest::Approx(10 + 2 * rng.normal(4)));
  std::vector<float> tight(1000);
  rng.fill_uniform(tight, 1.0F, std::nextafter(1.0F, 2.0F));
  CHECK(std::all_of(tight.begin(), tight.end(), [](float x) { return x == 1.0F; }));
}

TEST_CASE("a permutation holds every index once, and all orders are as likely") {
  std::vector<std::int64_t> order(1000);
  Rng(1, "shuffle").permutation(order);
  std::vector<std::int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::int64_t> expected(1000);
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(sorted == expected);
  CHECK(order != expected);
  int counts[6] = {};
  for (std::uint64_t stream = 0; stream < 6000; ++stream) {
    std::vector<std::int64_t> three(3);
    Rng(1, "shuffle", stream).permutation(three);
    ++counts[three[0] * 2 + (three[1] > three[2] ? 1 : 0)];
  }
  for (const int c : counts) CHECK(std::abs(c - 1000) < 150);
  std::vector<std::int64_t> empty;
  Rng(1, "shuffle").permutation(empty);
}
