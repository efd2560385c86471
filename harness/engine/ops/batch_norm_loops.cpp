// Sums: f32 over the pixels of one sample and one lane (16 lanes along a dense plane), f64 over samples. The order
// depends on shape and layout only.
#include "harness/engine/ops/batch_norm_loops.hpp"

#include <algorithm>

#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kTile = 64;
constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kFlush = 512;  // pixels between two flushes of f32 sums into f64

struct Terms {
  float u, v;
};

struct Moments {
  static ASSAY_INLINE Terms at(const NormStreams& s, std::int64_t i, float centre) {
    const float d = s.x[i] - centre;
    return {d, d * d};
  }
};

template <bool kRelu, bool kStore>
struct GradSums {
  static ASSAY_INLINE Terms at(const NormStreams& s, std::int64_t i, float centre) {
    const float g = s.g[i];  // loaded whatever y is, so that the loop has no branch
    const float d = !kRelu || s.y[i] > 0.0f ? g : 0.0f;
    if (kStore) s.dz[i] = d;
    return {d, d * (s.x[i] - centre)};
  }
};

template <class F>
ASSAY_WIDE void sums_blocked(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  const std::int64_t row = view.plane() * view.block;
  for (std::int64_t cb = 0; cb < view.channel_blocks; ++cb) {
    for (std::int64_t lane = 0; lane < view.block; lane += kTile) {
      const std::int64_t width = std::min(kTile, view.block - lane), channel = cb * view.block + lane;
      for (std::int64_t n = 0; n < view.n; ++n) {
        const std::int64_t base = (n * view.channel_blocks + cb) * row + lane;
        for (std::int64_t from = 0; from < view.plane(); from += kFlush) {
          const std::int64_t to = std::min(view.plane(), from + kFlush);
          float su[kTile] = {}, sv[kTile] = {};
          for (std::int64_t p = from; p < to; ++p) {
#pragma GCC ivdep
            for (std::int64_t l = 0; l < width; ++l) {
              const Terms t = F::at(s, base + p * view.block + l, centre[channel + l]);
              su[l] += t.u;
              sv[l] += t.v;
            }
          }
          for (std::int64_t l = 0; l < width; ++l) u[channel + l] += su[l], v[channel + l] += sv[l];
        }
      }
    }
  }
}

// Blocks of exactly 16 channels, the common case: the accumulators stay in registers.
template <class F>
ASSAY_WIDE void sums_16(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  const std::int64_t row = view.plane() * kLanes;
  for (std::int64_t cb = 0; cb < view.channel_blocks; ++cb) {
    const float* k = centre + cb * kLanes;
    for (std::int64_t n = 0; n < view.n; ++n) {
      const std::int64_t base = (n * view.channel_blocks + cb) * row;
      for (std::int64_t from = 0; from < view.plane(); from += kFlush) {
        const std::int64_t to = std::min(view.plane(), from + kFlush);
        float su[kLanes] = {}, sv[kLanes] = {};
        for (std::int64_t p = from; p < to; ++p) {
#pragma GCC ivdep
          for (std::int64_t l = 0; l < kLanes; ++l) {
            const Terms t = F::at(s, base + p * kLanes + l, k[l]);
            su[l] += t.u;
            sv[l] += t.v;
          }
        }
        for (std::int64_t l = 0; l < kLanes; ++l) u[cb * kLanes + l] += su[l], v[cb * kLanes + l] += sv[l];
      }
    }
  }
}

template <class F>
ASSAY_WIDE void sums_dense(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  const std::int64_t plane = view.plane();
  for (std::int64_t n = 0; n < view.n; ++n) {
    for (std::int64_t c = 0; c < view.channel_blocks; ++c) {
      const std::int64_t base = (n * view.channel_blocks + c) * plane;
      for (std::int64_t from = 0; from < plane; from += kFlush * kLanes) {
        const std::int64_t to = std::min(plane, from + kFlush * kLanes);
        float su[kLanes] = {}, sv[kLanes] = {};
        std::int64_t p = from;
        for (; p + kLanes <= to; p += kLanes) {
#pragma GCC ivdep
          for (std::int64_t l = 0; l < kLanes; ++l) {
            const Terms t = F::at(s, base + p + l, centre[c]);
            su[l] += t.u;
            sv[l] += t.v;
          }
        }
        for (std::int64_t l = 0; p + l < to; ++l) {
          const Terms t = F::at(s, base + p + l, centre[c]);
          su[l] += t.u;
          sv[l] += t.v;
        }
        for (std::int64_t l = 0; l < kLanes; ++l) u[c] += su[l], v[c] += sv[l];
      }
    }
  }
}

template <class F>
void sums(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  std::fill_n(u, view.channel_blocks * view.block, 0.0);
  std::fill_n(v, view.channel_blocks * view.block, 0.0);
  if (view.block == 1) return sums_dense<F>(view, s, centre, u, v);
  if (view.block == kLanes) return sums_16<F>(view, s, centre, u, v);
  sums_blocked<F>(view, s, centre, u, v);
}

struct Coefficient {
  float scale, shift, slope, centre;
};

template <bool kRelu, bool kResidual>
struct Forward {
  static ASSAY_INLINE Coefficient load(const NormCoefficients& c, std::int64_t channel) {
    return {c.scale[channel], c.shift[channel], 0.0f, 0.0f};
  }
  static ASSAY_INLINE float at(const NormStreams& s, std::int64_t i, const Coefficient& c) {
    float z = s.x[i] * c.scale + c.shift;
    if (kResidual) z += s.residual[i];
    return !kRelu || z > 0.0f ? z : 0.0f;
  }
};

template <bool kRelu>
struct Backward {
  static ASSAY_INLINE Coefficient load(const NormCoefficients& c, std::int64_t channel) {
    return {c.scale[channel], c.shift[channel], c.slope[channel], c.centre[channel]};
  }
  static ASSAY_INLINE float at(const NormStreams& s, std::int64_t i, const Coefficient& c) {
    const float g = s.g[i];
    const float d = !kRelu || s.y[i] > 0.0f ? g : 0.0f;
    return d * c.scale + ((s.x[i] - c.centre) * c.slope + c.shift);
  }
};

template <class F>
ASSAY_WIDE void map_loop(const ChannelView& view, const NormStreams& s, const NormCoefficients& c) {
  const std::int64_t plane = view.plane();
  for (std::int64_t outer = 0; outer < view.n * view.channel_blocks; ++outer) {
    const std::int64_t base = outer * plane * view.block, channel = (outer % view.channel_blocks) * view.block;
    if (view.block == 1) {
      const Coefficient k = F::load(c, channel);
#pragma GCC ivdep
      for (std::int64_t p = 0; p < plane; ++p) s.out[base + p] = F::at(s, base + p, k);
      continue;
    }
    for (std::int64_t p = 0; p < plane; ++p) {
      const std::int64_t at = base + p * view.block;
#pragma GCC ivdep
      for (std::int64_t l = 0; l < view.block; ++l) s.out[at + l] = F::at(s, at + l, F::load(c, channel + l));
    }
  }
}

}  // namespace

void norm_moments(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  sums<Moments>(view, s, centre, u, v);
}

void norm_grad_sums(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  if (s.y) return s.dz ? sums<GradSums<true, true>>(view, s, centre, u, v) : sums<GradSums<true, false>>(view, s, centre, u, v);
  s.dz ? sums<GradSums<false, true>>(view, s, centre, u, v) : sums<GradSums<false, false>>(view, s, centre, u, v);
}

void norm_apply(const ChannelView& view, const NormStreams& s, const NormCoefficients& c, bool relu) {
  if (relu) return s.residual ? map_loop<Forward<true, true>>(view, s, c) : map_loop<Forward<true, false>>(view, s, c);
  s.residual ? map_loop<Forward<false, true>>(view, s, c) : map_loop<Forward<false, false>>(view, s, c);
}

void norm_apply_grad(const ChannelView& view, const NormStreams& s, const NormCoefficients& c) {
  s.y ? map_loop<Backward<true>>(view, s, c) : map_loop<Backward<false>>(view, s, c);
}

}  // namespace assay::engine
