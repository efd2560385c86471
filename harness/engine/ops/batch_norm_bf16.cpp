// Batch normalisation over BF16 storage: sixteen channels at a time, f32 arithmetic, sums flushed into f64 as in
// batch_norm_loops.cpp.
#include <algorithm>

#include "harness/engine/ops/batch_norm_loops.hpp"
#include "harness/engine/ops/bf16_lanes.hpp"  // last: what follows is compiled for AVX-512

namespace assay::engine {
namespace {

constexpr std::int64_t kFlush = 512;  // pixels between two flushes of f32 sums into f64

ASSAY_INLINE void add_lanes(double* sums, const Wide& terms) {
  float values[kWide];
  terms.store(values);
  for (std::int64_t l = 0; l < kWide; ++l) sums[l] += static_cast<double>(values[l]);
}

template <bool kGrad, bool kRelu, bool kStore>
void sums(const ChannelView& view, const Bf16NormStreams& s, const float* centre, double* u, double* v) {
  const std::int64_t row = view.plane() * view.block, channels = view.channel_blocks * view.block;
  std::fill_n(u, channels, 0.0);
  std::fill_n(v, channels, 0.0);
  [[maybe_unused]] const Wide ceiling = Wide::all(s.ceiling);
  for (std::int64_t channel = 0; channel < channels; channel += kWide) {
    const Wide k = Wide::load(centre + channel);
    const std::int64_t cb = channel / view.block, lane = channel % view.block;
    for (std::int64_t n = 0; n < view.n; ++n) {
      const std::int64_t base = (n * view.channel_blocks + cb) * row + lane;
      for (std::int64_t from = 0; from < view.plane(); from += kFlush) {
        const std::int64_t to = std::min(view.plane(), from + kFlush);
        Wide su = Wide::all(0.0f), sv = su;
        for (std::int64_t p = from; p < to; ++p) {
          const std::int64_t at = base + p * view.block;
          const Wide centred = Wide::load(s.x + at) - k;
          Wide d = centred;
          if constexpr (kGrad) d = Wide::load(s.g + at);
          if constexpr (kRelu) d = d.where_inside(Wide::load(s.y + at), ceiling);
          if constexpr (kStore) d.store(s.dz + at);
          su = su + d;
          sv = sv + d * centred;
        }
        add_lanes(u + channel, su);
        add_lanes(v + channel, sv);
      }
    }
  }
}

// Calls body(offset in memory, channel) for every 16 lanes.
template <class Body>
ASSAY_INLINE void for_each_lanes(const ChannelView& view, const Body& body) {
  const std::int64_t row = view.plane() * view.block;
  for (std::int64_t outer = 0; outer < view.n * view.channel_blocks; ++outer) {
    const std::int64_t channel = (outer % view.channel_blocks) * view.block;
    for (std::int64_t lane = 0; lane < view.block; lane += kWide) body(outer * row + lane, channel + lane);
  }
}

template <bool kRelu, bool kResidual>
void apply(const ChannelView& view, const Bf16NormStreams& s, const NormCoefficients& c) {
  [[maybe_unused]] const Wide ceiling = Wide::all(s.ceiling);
  for_each_lanes(view, [&](std::int64_t base, std::int64_t channel) {
    const Wide scale = Wide::load(c.scale + channel), shift = Wide::load(c.shift + channel);
    for (std::int64_t p = 0; p < view.plane(); ++p) {
      const std::int64_t at = base + p * view.block;
      Wide z = Wide::load(s.x + at) * scale + shift;
      if constexpr (kResidual) z = z + Wide::load(s.residual + at);
      if constexpr (kRelu) z = z.where_positive(z).at_most(ceiling);
      z.store(s.out + at);
    }
  });
}

template <bool kRelu>
void apply_grad(const ChannelView& view, const Bf16NormStreams& s, const NormCoefficients& c) {
  [[maybe_unused]] const Wide ceiling = Wide::all(s.ceiling);
  for_each_lanes(view, [&](std::int64_t base, std::int64_t channel) {
    const Wide scale = Wide::load(c.scale + channel), shift = Wide::load(c.shift + channel);
    const Wide slope = Wide::load(c.slope + channel), centre = Wide::load(c.centre + channel);
    for (std::int64_t p = 0; p < view.plane(); ++p) {
      const std::int64_t at = base + p * view.block;
      Wide d = Wide::load(s.g + at);
      if constexpr (kRelu) d = d.where_inside(Wide::load(s.y + at), ceiling);
      (d * scale + ((Wide::load(s.x + at) - centre) * slope + shift)).store(s.out + at);
    }
  });
}

template <bool kRelu, bool kStore>
void grad_sums(const ChannelView& view, const Bf16NormStreams& s, const float* centre, double* u, double* v) {
  sums<true, kRelu, kStore>(view, s, centre, u, v);
}

}  // namespace

void norm_moments(const ChannelView& view, const Bf16NormStreams& s, const float* centre, double* u, double* v) {
  sums<false, false, false>(view, s, centre, u, v);
}

void norm_grad_sums(const ChannelView& view, const Bf16NormStreams& s, const float* centre, double* u, double* v) {
  if (s.y) return s.dz ? grad_sums<true, true>(view, s, centre, u, v) : grad_sums<true, false>(view, s, centre, u, v);
  s.dz ? grad_sums<false, true>(view, s, centre, u, v) : grad_sums<false, false>(view, s, centre, u, v);
}

void norm_apply(const ChannelView& view, const Bf16NormStreams& s, const NormCoefficients& c, bool relu) {
  if (relu) return s.residual ? apply<true, true>(view, s, c) : apply<true, false>(view, s, c);
  s.residual ? apply<false, true>(view, s, c) : apply<false, false>(view, s, c);
}

void norm_apply_grad(const ChannelView& view, const Bf16NormStreams& s, const NormCoefficients& c) {
  s.y ? apply_grad<true>(view, s, c) : apply_grad<false>(view, s, c);
}

}  // namespace assay::engine

ASSAY_BF16_TARGET_END
