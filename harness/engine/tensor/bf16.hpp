// BF16 storage: the upper half of an f32 (8 bits of exponent, 7 of fraction). Arithmetic is always done in f32; narrowing
// rounds to nearest, ties to even, and keeps NaN. Vectors of it: ops/bf16_lanes.hpp.
#pragma once

#include <bit>
#include <cstdint>

#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {

struct Bf16 {
  std::uint16_t bits;
};

ASSAY_INLINE float widened(Bf16 v) { return std::bit_cast<float>(static_cast<std::uint32_t>(v.bits) << 16); }
ASSAY_INLINE float widened(float v) { return v; }

ASSAY_INLINE Bf16 to_bf16(float v) {
  const auto bits = std::bit_cast<std::uint32_t>(v);
  if (v != v) return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

}  // namespace assay::engine
