// Sixteen f32 lanes as one value: four vectors of four, which every x86-64 has, so that comparisons are never taken
// apart lane by lane (GCC lowers longer vectors before it clones a function for wider instruction sets). The arithmetic
// of a lane is the same everywhere.
#pragma once

#include <cstdint>

#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {

constexpr std::int64_t kLanes = 16;
constexpr int kQuads = 4;
typedef float Quad __attribute__((vector_size(16), aligned(4), may_alias));
typedef std::int32_t QuadMask __attribute__((vector_size(16), aligned(4), may_alias));

#define ASSAY_EACH_QUAD(...)         \
  for (int i = 0; i < kQuads; ++i) { \
    __VA_ARGS__;                     \
  }
// All bits of a lane, or none.
struct LaneMask {
  QuadMask q[kQuads];
  ASSAY_INLINE void without(const LaneMask& b) { ASSAY_EACH_QUAD(q[i] &= ~b.q[i]) }
};

ASSAY_INLINE LaneMask operator|(const LaneMask& a, const LaneMask& b) {
  LaneMask r;
  ASSAY_EACH_QUAD(r.q[i] = a.q[i] | b.q[i])
  return r;
}
struct Lanes {
  Quad q[kQuads];

  static ASSAY_INLINE Lanes all(float v) {
    Lanes r;
    ASSAY_EACH_QUAD(r.q[i] = Quad{v, v, v, v})
    return r;
  }
  static ASSAY_INLINE Lanes load(const float* p) {
    Lanes r;
    ASSAY_EACH_QUAD(r.q[i] = *reinterpret_cast<const Quad*>(p + 4 * i))
    return r;
  }
  ASSAY_INLINE void store(float* p) const {ASSAY_EACH_QUAD(*reinterpret_cast<Quad*>(p + 4 * i) = q[i])} ASSAY_INLINE
      void
      operator+=(const Lanes& b){ASSAY_EACH_QUAD(q[i] += b.q[i])} ASSAY_INLINE
      void keep(const LaneMask& mask){ASSAY_EACH_QUAD(q[i] = (Quad)((QuadMask)q[i] & mask.q[i]))} ASSAY_INLINE
      void choose(const Lanes& b, const LaneMask& take_b) {
    ASSAY_EACH_QUAD(q[i] = (Quad)(((QuadMask)q[i] & ~take_b.q[i]) | ((QuadMask)b.q[i] & take_b.q[i])))
  }
};

#define ASSAY_LANES_OPERATOR(op)                                   \
  ASSAY_INLINE Lanes operator op(const Lanes& a, const Lanes& b) { \
    Lanes r;                                                       \
    ASSAY_EACH_QUAD(r.q[i] = a.q[i] op b.q[i])                     \
    return r;                                                      \
  }
ASSAY_LANES_OPERATOR(+)
ASSAY_LANES_OPERATOR(-)
ASSAY_LANES_OPERATOR(*)
ASSAY_LANES_OPERATOR(/)

#define ASSAY_LANES_COMPARISON(op)                                    \
  ASSAY_INLINE LaneMask operator op(const Lanes& a, const Lanes& b) { \
    LaneMask r;                                                       \
    ASSAY_EACH_QUAD(r.q[i] = (QuadMask)(a.q[i] op b.q[i]))            \
    return r;                                                         \
  }
ASSAY_LANES_COMPARISON(<)
ASSAY_LANES_COMPARISON(>)
ASSAY_LANES_COMPARISON(==)

ASSAY_INLINE LaneMask is_nan(const Lanes& a) {
  LaneMask r;
  ASSAY_EACH_QUAD(r.q[i] = (QuadMask)(a.q[i] != a.q[i]))
  return r;
}
ASSAY_INLINE Lanes absolute(const Lanes& a) {
  Lanes r;
  ASSAY_EACH_QUAD(r.q[i] = (Quad)((QuadMask)a.q[i] & 0x7fffffff))
  return r;
}
ASSAY_INLINE void zero_unless_positive(Lanes& d, const Lanes& y) { d.keep(y > Lanes::all(0.0f)); }
// Keeps d where 0 < y < ceiling.
ASSAY_INLINE void zero_unless_inside(Lanes& d, const Lanes& y, const Lanes& ceiling) {
  d.keep(y > Lanes::all(0.0f));
  d.keep(y < ceiling);
}
// The larger or smaller one; NaN wins.
ASSAY_INLINE void take_larger(Lanes& a, const Lanes& b) { a.choose(b, (b > a) | is_nan(b)); }
ASSAY_INLINE void take_smaller(Lanes& a, const Lanes& b) { a.choose(b, (b < a) | is_nan(b)); }

// Writes `count` < 16 floats and reads them; missing lanes become `fill`.
ASSAY_INLINE Lanes load_part(const float* p, std::int64_t count, float fill) {
  float padded[kLanes];
  for (std::int64_t l = 0; l < kLanes; ++l) padded[l] = l < count ? p[l] : fill;
  return Lanes::load(padded);
}
ASSAY_INLINE void store_part(const Lanes& v, float* p, std::int64_t count) {
  float padded[kLanes];
  v.store(padded);
  for (std::int64_t l = 0; l < count; ++l) p[l] = padded[l];
}

}  // namespace assay::engine
