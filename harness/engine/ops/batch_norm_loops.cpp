// Sums: f32 over the pixels of one sample and one lane (16 lanes along a dense plane), f64 over samples. The order
// depends on shape and layout only.
#include "harness/engine/ops/batch_norm_loops.hpp"

#include <algorithm>

#include "harness/engine/ops/lanes.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kTile = 64;
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
    const float d = !kRelu || ((s.y[i] > 0.0f) & (s.y[i] < s.ceiling)) ? g : 0.0f;
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
            ASSAY_INDEPENDENT
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

ASSAY_INLINE void add_lanes(double* sums, const Lanes& terms) {
  float values[kLanes];
  terms.store(values);
  for (std::int64_t l = 0; l < kLanes; ++l) sums[l] += static_cast<double>(values[l]);
}

// Blocks of a multiple of 16 channels, the common case, 16 at a time with the sums in registers.
template <bool kGrad, bool kRelu, bool kStore>
ASSAY_WIDE void sums_lanes(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  const std::int64_t row = view.plane() * view.block;
  const Lanes ceiling = Lanes::all(s.ceiling);
  for (std::int64_t channel = 0; channel < view.channel_blocks * view.block; channel += kLanes) {
    const Lanes k = Lanes::load(centre + channel);
    const std::int64_t cb = channel / view.block, lane = channel % view.block;
    for (std::int64_t n = 0; n < view.n; ++n) {
      const std::int64_t base = (n * view.channel_blocks + cb) * row + lane;
      for (std::int64_t from = 0; from < view.plane(); from += kFlush) {
        const std::int64_t to = std::min(view.plane(), from + kFlush);
        Lanes su = Lanes::all(0.0f), sv = su;
        for (std::int64_t p = from; p < to; ++p) {
          const std::int64_t at = base + p * view.block;
          const Lanes centred = Lanes::load(s.x + at) - k;
          Lanes d = centred;
          if (kGrad) d = Lanes::load(s.g + at);
          if (kRelu) zero_unless_inside(d, Lanes::load(s.y + at), ceiling);
          if (kStore) d.store(s.dz + at);
          su += d;
          sv += d * centred;
        }
        add_lanes(u + channel, su);
        add_lanes(v + channel, sv);
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
          ASSAY_INDEPENDENT
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

template <class F, bool kGrad, bool kRelu, bool kStore>
void sums(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  std::fill_n(u, view.channel_blocks * view.block, 0.0);
  std::fill_n(v, view.channel_blocks * view.block, 0.0);
  if (view.block == 1) return sums_dense<F>(view, s, centre, u, v);
  if (view.block % kLanes == 0) return sums_lanes<kGrad, kRelu, kStore>(view, s, centre, u, v);
  sums_blocked<F>(view, s, centre, u, v);
}

template <bool kRelu, bool kStore>
void grad_sums(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  sums<GradSums<kRelu, kStore>, true, kRelu, kStore>(view, s, centre, u, v);
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
    const float low = !kRelu || z > 0.0f ? z : 0.0f;
    return kRelu && low > s.ceiling ? s.ceiling : low;
  }
};

template <bool kRelu>
struct Backward {
  static ASSAY_INLINE Coefficient load(const NormCoefficients& c, std::int64_t channel) {
    return {c.scale[channel], c.shift[channel], c.slope[channel], c.centre[channel]};
  }
  static ASSAY_INLINE float at(const NormStreams& s, std::int64_t i, const Coefficient& c) {
    const float g = s.g[i];
    const float d = !kRelu || ((s.y[i] > 0.0f) & (s.y[i] < s.ceiling)) ? g : 0.0f;
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
      ASSAY_INDEPENDENT
      for (std::int64_t p = 0; p < plane; ++p) s.out[base + p] = F::at(s, base + p, k);
      continue;
    }
    for (std::int64_t p = 0; p < plane; ++p) {
      const std::int64_t at = base + p * view.block;
      ASSAY_INDEPENDENT
      for (std::int64_t l = 0; l < view.block; ++l) s.out[at + l] = F::at(s, at + l, F::load(c, channel + l));
    }
  }
}

// Calls body(lanes' offset in memory, first channel) for every 16 lanes of a view whose blocks are multiples of 16.
template <class Body>
ASSAY_INLINE void for_each_lanes(const ChannelView& view, const Body& body) {
  const std::int64_t row = view.plane() * view.block;
  for (std::int64_t outer = 0; outer < view.n * view.channel_blocks; ++outer) {
    const std::int64_t channel = (outer % view.channel_blocks) * view.block;
    for (std::int64_t lane = 0; lane < view.block; lane += kLanes) body(outer * row + lane, channel + lane);
  }
}

template <bool kRelu, bool kResidual>
ASSAY_WIDE void forward_lanes(const ChannelView& view, const NormStreams& s, const NormCoefficients& c) {
  const Lanes ceiling = Lanes::all(s.ceiling);
  for_each_lanes(view, [&](std::int64_t base, std::int64_t channel) {
    const Lanes scale = Lanes::load(c.scale + channel), shift = Lanes::load(c.shift + channel);
    for (std::int64_t p = 0; p < view.plane(); ++p) {
      const std::int64_t at = base + p * view.block;
      Lanes z = Lanes::load(s.x + at) * scale + shift;
      if (kResidual) z += Lanes::load(s.residual + at);
      if (kRelu) zero_unless_positive(z, z);
      if (kRelu) z.choose(ceiling, z > ceiling);
      z.store(s.out + at);
    }
  });
}

template <bool kRelu>
ASSAY_WIDE void backward_lanes(const ChannelView& view, const NormStreams& s, const NormCoefficients& c) {
  const Lanes ceiling = Lanes::all(s.ceiling);
  for_each_lanes(view, [&](std::int64_t base, std::int64_t channel) {
    const Lanes scale = Lanes::load(c.scale + channel), shift = Lanes::load(c.shift + channel);
    const Lanes slope = Lanes::load(c.slope + channel), centre = Lanes::load(c.centre + channel);
    for (std::int64_t p = 0; p < view.plane(); ++p) {
      const std::int64_t at = base + p * view.block;
      Lanes d = Lanes::load(s.g + at);
      if (kRelu) zero_unless_inside(d, Lanes::load(s.y + at), ceiling);
      (d * scale + ((Lanes::load(s.x + at) - centre) * slope + shift)).store(s.out + at);
    }
  });
}

template <bool kRelu, bool kResidual>
void forward(const ChannelView& view, const NormStreams& s, const NormCoefficients& c) {
  view.block % kLanes == 0 ? forward_lanes<kRelu, kResidual>(view, s, c)
                           : map_loop<Forward<kRelu, kResidual>>(view, s, c);
}

template <bool kRelu>
void backward(const ChannelView& view, const NormStreams& s, const NormCoefficients& c) {
  view.block % kLanes == 0 ? backward_lanes<kRelu>(view, s, c) : map_loop<Backward<kRelu>>(view, s, c);
}

}  // namespace

void norm_moments(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  sums<Moments, false, false, false>(view, s, centre, u, v);
}

void norm_grad_sums(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v) {
  if (s.y) return s.dz ? grad_sums<true, true>(view, s, centre, u, v) : grad_sums<true, false>(view, s, centre, u, v);
  s.dz ? grad_sums<false, true>(view, s, centre, u, v) : grad_sums<false, false>(view, s, centre, u, v);
}

void norm_apply(const ChannelView& view, const NormStreams& s, const NormCoefficients& c, bool relu) {
  if (relu) return s.residual ? forward<true, true>(view, s, c) : forward<true, false>(view, s, c);
  s.residual ? forward<false, true>(view, s, c) : forward<false, false>(view, s, c);
}

void norm_apply_grad(const ChannelView& view, const NormStreams& s, const NormCoefficients& c) {
  s.y ? backward<true>(view, s, c) : backward<false>(view, s, c);
}

}  // namespace assay::engine
