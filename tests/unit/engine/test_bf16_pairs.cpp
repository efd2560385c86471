// Loops over BF16 storage against the same functions on widened values, rounded: all bits, ends of rows, results in place.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "harness/base/rng.hpp"
#include "harness/engine/ops/bf16_pairs.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine {
namespace {

std::vector<Bf16> values(std::size_t n, std::uint64_t seed) {
  std::vector<float> drawn(n);
  Rng(seed, "bf16 pairs").fill_normal(drawn, 0, 1);
  const std::vector<float> special = {0.0F, -0.0F, std::numeric_limits<float>::infinity(),
                                      std::numeric_limits<float>::quiet_NaN(), 1e-40F, -1e38F};
  for (std::size_t i = seed; i < n; i += 7) drawn[i] = special[i % special.size()];
  std::vector<Bf16> out;
  for (const float v : drawn) out.push_back(to_bf16(v));
  return out;
}

template <class F>
void check(StoredPair loop, F f) {
  for (const std::size_t n : {1U, 15U, 16U, 33U, 1000U}) {
    CAPTURE(n);
    const std::vector<Bf16> a = values(n, 0), b = values(n, 3);
    std::vector<Bf16> out(n), in_place = a;
    loop(a.data(), b.data(), out.data(), n);
    loop(in_place.data(), b.data(), in_place.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      CAPTURE(i);
      CHECK(out[i].bits == to_bf16(f(widened(a[i]), widened(b[i]))).bits);
      CHECK(in_place[i].bits == out[i].bits);
    }
  }
}

}  // namespace

TEST_CASE("sums and masks of BF16 storage have the bits of the f32 loop") {
  if (!native::has_products(DType::bf16)) return;  // such plans, and these loops, are not made there
  check(add_stored, [](float x, float y) { return x + y; });
  check(relu_grad_stored, [](float x, float y) { return x > 0.0F ? y : 0.0F; });
}

}  // namespace assay::engine
