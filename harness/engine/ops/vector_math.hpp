// Elementary functions without branches, so that loops over them vectorise, with the same bits for any vector width.
// Polynomials are weighted minimax fits made for this file (Lawson-weighted Chebyshev least squares in double);
// tests/ops measures every function against the C library in double: at most 4 units in the last place of f32, but
// for erf (2e-7 absolute).
#pragma once

#include <bit>
#include <cstdint>

#include "harness/engine/tensor/simd.hpp"

namespace assay::engine::vm {

constexpr float kRoundMagic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low mantissa bits

// 2^n for n in [-126, 127] from the bits of n + kRoundMagic's mantissa.
ASSAY_INLINE float power_of_two(std::int32_t n) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(n + 127) << 23);
}

// e^x; 0 and inf beyond the f32 range, NaN stays.
ASSAY_INLINE float exp(float x) {
  const float low = x < -104.0f ? -104.0f : x;
  const float bounded = low > 89.0f ? 89.0f : low;
  const float shifted = bounded * 1.44269504f + kRoundMagic;
  const float n = shifted - kRoundMagic;
  const float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts
  float p = 1.395038443e-03f;
  p = p * r + 8.368850634e-03f;
  p = p * r + 4.166620817e-02f;
  p = p * r + 1.666651933e-01f;
  p = p * r + 5.000000094e-01f;
  const float mantissa = (p * r * r + r) + 1.0f;
  const auto whole =
      static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(kRoundMagic));
  const std::int32_t bounded_n = whole < -160 ? -160 : (whole > 160 ? 160 : whole);  // NaN leaves any bits
  const std::int32_t half = bounded_n >> 1;  // two factors, so that the ends of the range round once
  return mantissa * power_of_two(half) * power_of_two(bounded_n - half);
}

// e^x - 1 without cancellation near 0: the same reduction as exp, 1 taken off in parts.
ASSAY_INLINE float expm1(float x) {
  const float low = x < -30.0f ? -30.0f : x;
  const float bounded = low > 89.0f ? 89.0f : low;
  const float shifted = bounded * 1.44269504f + kRoundMagic;
  const float n = shifted - kRoundMagic;
  const float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.395038443e-03f;
  p = p * r + 8.368850634e-03f;
  p = p * r + 4.166620817e-02f;
  p = p * r + 1.666651933e-01f;
  p = p * r + 5.000000094e-01f;
  const auto whole =
      static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(kRoundMagic));
  const std::int32_t bounded_n = whole < -64 ? -64 : (whole > 160 ? 160 : whole);  // NaN leaves any bits
  const std::int32_t half = bounded_n >> 1;
  const float scale = power_of_two(half), rest = power_of_two(bounded_n - half);
  return ((p * r * r + r) * scale + (scale - power_of_two(half - bounded_n))) * rest;
}

// Natural logarithm; -inf at 0, NaN below.
ASSAY_INLINE float log(float x) {
  const bool tiny = x < 1.17549435e-38f;
  const float scaled = tiny ? x * 8388608.0f : x;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(scaled);
  // Mantissa in [sqrt(1/2), sqrt(2)), exponent to match.
  const std::uint32_t offset = bits - 0x3f3504f3u;
  const auto exponent = static_cast<std::int32_t>(offset) >> 23;
  const float m = std::bit_cast<float>((offset & 0x007fffffu) + 0x3f3504f3u);
  const float f = m - 1.0f;
  float p = 6.915578326e-02f;
  p = p * f - 1.178879941e-01f;
  p = p * f + 1.187230924e-01f;
  p = p * f - 1.238449427e-01f;
  p = p * f + 1.421878042e-01f;
  p = p * f - 1.666924531e-01f;
  p = p * f + 2.000221928e-01f;
  p = p * f - 2.499998663e-01f;
  p = p * f + 3.333331058e-01f;
  const float e = static_cast<float>(exponent) - (tiny ? 23.0f : 0.0f);
  const float z = f * f;
  const float tail = (p * f * z - e * 2.12194440e-4f) - 0.5f * z;
  const float finite = (f + tail) + e * 0.693359375f;
  const float inf = std::bit_cast<float>(0x7f800000u);
  const float nan = std::bit_cast<float>(0x7fc00000u);
  const float upper = x == inf ? inf : finite;
  const float at_zero = x == 0.0f ? -inf : upper;
  return x >= 0.0f ? at_zero : nan;
}

ASSAY_INLINE float absolute(float x) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x7fffffffu); }
ASSAY_INLINE float copy_sign(float magnitude, float sign) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(magnitude) & 0x7fffffffu) |
                              (std::bit_cast<std::uint32_t>(sign) & 0x80000000u));
}

ASSAY_INLINE float sigmoid(float x) {
  const float e = exp(-absolute(x));
  const float at_least_half = 1.0f / (1.0f + e);
  return x >= 0.0f ? at_least_half : e * at_least_half;
}

ASSAY_INLINE float tanh(float x) {
  const float z = x * x;
  float p = -5.721629883e-03f;
  p = p * z + 2.065521840e-02f;
  p = p * z - 5.374514459e-02f;
  p = p * z + 1.333151517e-01f;
  p = p * z - 3.333328508e-01f;
  const float small = p * z * x + x;
  const float a = absolute(x);
  const float large = copy_sign(1.0f - 2.0f / (exp(2.0f * a) + 1.0f), x);
  return a < 0.625f ? small : (x == x ? large : x);
}

ASSAY_INLINE float erf(float x) {
  const float z = x * x;
  float p = 7.889119483e-05f;
  p = p * z - 8.020841267e-04f;
  p = p * z + 5.189535338e-03f;
  p = p * z - 2.685444459e-02f;
  p = p * z + 1.128360018e-01f;
  p = p * z - 3.761262714e-01f;
  p = p * z + 1.128379166e+00f;
  const float a = absolute(x);
  const float t = 1.0f / (1.0f + 0.5f * a);  // erfc(a) e^(a^2) is a polynomial in t
  float q = -5.783797090e-02f;
  q = q * t - 4.414414278e-02f;
  q = q * t + 3.871243134e-01f;
  q = q * t + 1.124443165e-01f;
  q = q * t + 3.266817961e-01f;
  q = q * t + 2.744345019e-01f;
  q = q * t + 5.403915575e-04f;
  const float large = copy_sign(1.0f - exp(-z) * q, x);
  return a < 1.0f ? p * x : (a > 4.2f ? copy_sign(1.0f, x) : (x == x ? large : x));
}

// log(1 + e^x), and without overflow.
ASSAY_INLINE float softplus(float x) {
  const float e = exp(-absolute(x));
  // log1p(e) for e in [0, 1]: the rounding of 1 + e is given back.
  const float u = 1.0f + e;
  const float correction = (e - (u - 1.0f)) / u;
  return (x > 0.0f ? x : 0.0f) + (log(u) + correction) + (x == x ? 0.0f : x);
}

}  // namespace assay::engine::vm
