// Loops of batch normalisation over [n][channel block][pixel][lane]: per-channel sums and per-channel affine maps.
#pragma once

#include <limits>

#include "harness/engine/ops/op_tools.hpp"
#include "harness/engine/tensor/bf16.hpp"

namespace assay::engine {

// Arrays indexed like the tensor, stored as T; those an operation does not use are null.
template <class T>
struct NormStreamsOf {
  const T *x = nullptr, *g = nullptr, *y = nullptr, *residual = nullptr;
  T *out = nullptr, *dz = nullptr;
  float ceiling = std::numeric_limits<float>::infinity();  // of relu: 6 for relu6
};
using NormStreams = NormStreamsOf<float>;

// Per channel, padded to channel_blocks * block entries.
struct NormCoefficients {
  const float *scale = nullptr, *shift = nullptr, *slope = nullptr, *centre = nullptr;
};

// sums of (x - centre) and its square into u and v (f64, padded channel count).
void norm_moments(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v);
// sums of d and d * (x - centre), where d = g, or g where 0 < y < ceiling when y is given. Writes d to dz when given.
void norm_grad_sums(const ChannelView& view, const NormStreams& s, const float* centre, double* u, double* v);
// out = x * scale + shift [+ residual] [limited to 0 .. ceiling when relu].
void norm_apply(const ChannelView& view, const NormStreams& s, const NormCoefficients& c, bool relu);
// out = d * scale + (x - centre) * slope + shift, d as above.
void norm_apply_grad(const ChannelView& view, const NormStreams& s, const NormCoefficients& c);

// The same over BF16 storage, for views whose blocks are multiples of 16; sums in the same order.
using Bf16NormStreams = NormStreamsOf<Bf16>;
void norm_moments(const ChannelView& view, const Bf16NormStreams& s, const float* centre, double* u, double* v);
void norm_grad_sums(const ChannelView& view, const Bf16NormStreams& s, const float* centre, double* u, double* v);
void norm_apply(const ChannelView& view, const Bf16NormStreams& s, const NormCoefficients& c, bool relu);
void norm_apply_grad(const ChannelView& view, const Bf16NormStreams& s, const NormCoefficients& c);

}  // namespace assay::engine
