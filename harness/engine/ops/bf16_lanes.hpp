// Sixteen f32 lanes loaded from and stored as BF16, for loops over BF16 storage. On x86-64 everything after
// ASSAY_BF16_TARGET is compiled for AVX-512, to the end of the file that includes this: such loops run only in plans that
// native::has_products(DType::bf16) allowed, and those need AVX-512 anyway. Elsewhere the lanes are an array.
#pragma once

#include "harness/engine/tensor/bf16.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__clang__)
#define ASSAY_BF16_TARGET \
  _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512dq,avx512vl\"))), apply_to = function)")
#define ASSAY_BF16_TARGET_END _Pragma("clang attribute pop")
#else
// The intrinsics' own undefined operands are warned about wrongly by GCC 12 (its bug 105593).
#define ASSAY_BF16_TARGET                                              \
  _Pragma("GCC target(\"avx512f,avx512bw,avx512dq,avx512vl\")")        \
      _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"") _Pragma("GCC diagnostic ignored \"-Wuninitialized\"")
#define ASSAY_BF16_TARGET_END
#endif
#else
#define ASSAY_BF16_TARGET
#define ASSAY_BF16_TARGET_END
#endif

ASSAY_BF16_TARGET

namespace assay::engine {

constexpr std::int64_t kWide = 16;

#if defined(__x86_64__)
struct Wide {
  __m512 v;
  static ASSAY_INLINE Wide all(float x) { return {_mm512_set1_ps(x)}; }
  static ASSAY_INLINE Wide load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static ASSAY_INLINE Wide load(const Bf16* p) {
    const __m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(words, 16))};
  }
  ASSAY_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  ASSAY_INLINE void store(Bf16* p) const {
    const __m512i bits = _mm512_castps_si512(v), high = _mm512_srli_epi32(bits, 16);
    const __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
    __m512i half = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd), 16);
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    half = _mm512_mask_or_epi32(half, nan, high, _mm512_set1_epi32(0x40));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(half));
  }
  ASSAY_INLINE Wide operator+(Wide b) const { return {_mm512_add_ps(v, b.v)}; }
  ASSAY_INLINE Wide operator-(Wide b) const { return {_mm512_sub_ps(v, b.v)}; }
  ASSAY_INLINE Wide operator*(Wide b) const { return {_mm512_mul_ps(v, b.v)}; }
  ASSAY_INLINE Wide at_most(Wide top) const { return {_mm512_min_ps(top.v, v)}; }  // not-a-number stays
  // Lanes where 0 < y < top, others 0.
  ASSAY_INLINE Wide where_inside(Wide y, Wide top) const {
    const __mmask16 positive = _mm512_cmp_ps_mask(y.v, _mm512_setzero_ps(), _CMP_GT_OQ);
    return {_mm512_maskz_mov_ps(_mm512_mask_cmp_ps_mask(positive, y.v, top.v, _CMP_LT_OQ), v)};
  }
  // Lanes where y > 0, others 0.
  ASSAY_INLINE Wide where_positive(Wide y) const {
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y.v, _mm512_setzero_ps(), _CMP_GT_OQ), v)};
  }
};
#else
struct Wide {
  float v[kWide];
  template <class F>
  static ASSAY_INLINE Wide made(const F& f) {
    Wide r;
    for (std::int64_t i = 0; i < kWide; ++i) r.v[i] = f(i);
    return r;
  }
  static ASSAY_INLINE Wide all(float x) {
    return made([x](std::int64_t) { return x; });
  }
  template <class T>
  static ASSAY_INLINE Wide load(const T* p) {
    return made([p](std::int64_t i) { return widened(p[i]); });
  }
  ASSAY_INLINE void store(float* p) const {
    for (std::int64_t i = 0; i < kWide; ++i) p[i] = v[i];
  }
  ASSAY_INLINE void store(Bf16* p) const {
    for (std::int64_t i = 0; i < kWide; ++i) p[i] = to_bf16(v[i]);
  }
  ASSAY_INLINE Wide operator+(const Wide& b) const {
    return made([&](std::int64_t i) { return v[i] + b.v[i]; });
  }
  ASSAY_INLINE Wide operator-(const Wide& b) const {
    return made([&](std::int64_t i) { return v[i] - b.v[i]; });
  }
  ASSAY_INLINE Wide operator*(const Wide& b) const {
    return made([&](std::int64_t i) { return v[i] * b.v[i]; });
  }
  ASSAY_INLINE Wide at_most(const Wide& top) const {
    return made([&](std::int64_t i) { return v[i] > top.v[i] ? top.v[i] : v[i]; });
  }
  ASSAY_INLINE Wide where_inside(const Wide& y, const Wide& top) const {
    return made([&](std::int64_t i) { return y.v[i] > 0.0f && y.v[i] < top.v[i] ? v[i] : 0.0f; });
  }
  ASSAY_INLINE Wide where_positive(const Wide& y) const {
    return made([&](std::int64_t i) { return y.v[i] > 0.0f ? v[i] : 0.0f; });
  }
};
#endif

}  // namespace assay::engine
