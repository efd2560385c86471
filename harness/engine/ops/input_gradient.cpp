// dx = scatter(w^T g): T[c, kh, kw][pixel] = sum_o w[o, c, kh, kw] g[o][pixel] for one sample, then each row of T is
// added to dx at its offset. One sample after the other, so that T stays in cache and the bits do not depend on the
// batch.
#include "harness/engine/ops/input_gradient.hpp"

#include <algorithm>
#include <cstring>

#include "harness/engine/ops/op_tools.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

using native::ConvProblem;

constexpr std::int64_t kMaxChannels = 4;  // from 5 on the library's block of 16 is used well enough

std::int64_t rounded(std::int64_t n) { return (n + 15) / 16 * 16; }

// Positions o of one axis for which o * stride - pad + offset lies in [0, extent).
struct Range {
  std::int64_t from, to, start;  // start: where `from` lands
};

Range range_of(std::int64_t positions, std::int64_t extent, std::int64_t stride, std::int64_t shift) {
  const std::int64_t from = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  const std::int64_t last = extent - 1 - shift;
  const std::int64_t to = last < 0 ? 0 : std::min(positions, last / stride + 1);
  return {from, to, from * stride + shift};
}

ASSAY_WIDE void add_row(const float* from, float* to, std::int64_t n, std::int64_t stride) {
  if (stride == 1) {
    ASSAY_INDEPENDENT
    for (std::int64_t i = 0; i < n; ++i) to[i] += from[i];
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) to[i * stride] += from[i];
}

// One row of T into one channel of dx.
void scatter(const ConvProblem& p, const float* row, std::int64_t kh, std::int64_t kw, float* plane) {
  const std::int64_t width = p.src[3], out_width = p.dst[3];
  const Range rows = range_of(p.dst[2], p.src[2], p.stride[0], kh * p.dilation[0] - p.pad_before[0]);
  const Range columns = range_of(out_width, width, p.stride[1], kw * p.dilation[1] - p.pad_before[1]);
  if (columns.from >= columns.to) return;
  std::int64_t h = rows.start;
  for (std::int64_t oh = rows.from; oh < rows.to; ++oh, h += p.stride[0]) {
    add_row(row + oh * out_width + columns.from, plane + h * width + columns.start, columns.to - columns.from,
            p.stride[1]);
  }
}

struct InputGradient {
  ConvProblem p;
  ChannelView view;
  std::int64_t taps, outputs, pixels;  // C * KH * KW; O rounded up to whole blocks; OH * OW

  // w [O][taps] -> [taps][outputs], zero where outputs are padding.
  void transpose_weights(const float* w, float* to) const {
    std::fill_n(to, taps * outputs, 0.0f);
    for (std::int64_t o = 0; o < p.weights[0]; ++o) {
      for (std::int64_t t = 0; t < taps; ++t) to[t * outputs + o] = w[o * taps + t];
    }
  }

  void multiply(const float* weights, const float* g, float* t) const {
    native::GemmProblem gemm{.m = taps, .n = pixels, .lda = outputs, .ldc = pixels};
    if (view.block == 1) {
      gemm.k = outputs, gemm.ldb = pixels;
      native::gemm(gemm, weights, g, t);
      return;
    }
    gemm.k = gemm.ldb = view.block;
    gemm.transpose_b = true;
    for (std::int64_t cb = 0; cb < view.channel_blocks; ++cb) {
      gemm.accumulate = cb > 0;
      native::gemm(gemm, weights + cb * view.block, g + cb * pixels * view.block, t);
    }
  }

  void operator()(const KernelArgs& args) const {
    float* weights = static_cast<float*>(args.scratch);
    float* t = weights + rounded(taps * outputs);
    transpose_weights(floats(args, 1), weights);
    const std::int64_t plane = p.src[2] * p.src[3], sample = p.src[1] * plane;
    std::fill_n(floats_out(args, 0), p.src[0] * sample, 0.0f);
    for (std::int64_t n = 0; n < p.src[0]; ++n) {
      multiply(weights, floats(args, 0) + n * outputs * pixels, t);
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const std::int64_t kw = tap % p.weights[3], kh = tap / p.weights[3] % p.weights[2];
        const std::int64_t channel = tap / (p.weights[2] * p.weights[3]);
        scatter(p, t + tap * pixels, kh, kw, floats_out(args, 0) + n * sample + channel * plane);
      }
    }
  }
};

}  // namespace

bool suits_input_gradient(const ConvProblem& problem) { return problem.groups == 1 && problem.src[1] <= kMaxChannels; }

Kernel input_gradient_kernel(const ConvProblem& problem, const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const auto found = channel_view(request.in[0]);
  if (found) kernel.in[0] = request.in[0].layout;
  InputGradient run{problem, found.value_or(*channel_view({request.in[0].spec, kernel.in[0]})), 0, 0, 0};
  run.taps = problem.weights[1] * problem.weights[2] * problem.weights[3];
  run.outputs = run.view.channel_blocks * run.view.block;
  run.pixels = problem.dst[2] * problem.dst[3];
  kernel.scratch_bytes =
      static_cast<std::size_t>(rounded(run.taps * run.outputs) + run.taps * run.pixels) * sizeof(float);
  kernel.run = run;
  return kernel;
}

}  // namespace assay::engine
