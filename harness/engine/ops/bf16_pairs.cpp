#include "harness/engine/ops/bf16_pairs.hpp"

#include <algorithm>
#include <array>

#include "harness/engine/ops/bf16_lanes.hpp"  // last: what follows is compiled for AVX-512

namespace assay::engine {
namespace {

template <class F>
ASSAY_INLINE void each(const Bf16* a, const Bf16* b, Bf16* out, std::size_t n, F f) {
  constexpr auto width = static_cast<std::size_t>(kWide);
  std::size_t at = 0;
  for (; at + width <= n; at += width) f(Wide::load(a + at), Wide::load(b + at)).store(out + at);
  if (at == n) return;
  std::array<Bf16, width> x{}, y{};
  std::copy(a + at, a + n, x.begin());
  std::copy(b + at, b + n, y.begin());
  f(Wide::load(x.data()), Wide::load(y.data())).store(x.data());
  std::copy_n(x.begin(), n - at, out + at);
}

}  // namespace

void add_stored(const Bf16* a, const Bf16* b, Bf16* out, std::size_t n) {
  each(a, b, out, n, [](Wide x, Wide y) { return x + y; });
}

void relu_grad_stored(const Bf16* a, const Bf16* b, Bf16* out, std::size_t n) {
  each(a, b, out, n, [](Wide x, Wide y) { return y.where_positive(x); });
}

}  // namespace assay::engine

ASSAY_BF16_TARGET_END
