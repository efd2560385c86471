// Products of two shifted bytes are below 2^16: sums of 2^13 of them are kept in 32 bits.
#include <algorithm>

#include "harness/engine/ops/integer_products.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kTerms = 8192, kColumns = 512;

// acc[0, n) += factor * row[0, n) for columns of one piece of b.
ASSAY_WIDE void multiply_add(std::int32_t factor, const std::int32_t* row, std::int32_t* acc, std::int64_t n) {
  ASSAY_INDEPENDENT
  for (std::int64_t j = 0; j < n; ++j) acc[j] += factor * row[j];
}

// Outputs [from, to) of one axis whose tap lies inside the input.
struct Range {
  std::int64_t from, to, start;  // start: where `from` reads
};

Range range_of(const IntegerConv& s, std::size_t axis, std::int64_t tap) {
  const std::int64_t shift = tap * s.dilation[axis] - s.before[axis], stride = s.stride[axis];
  const std::int64_t from = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  const std::int64_t last = s.in[axis] - 1 - shift;
  const std::int64_t to = last < 0 ? 0 : std::min(s.out[axis], last / stride + 1);
  return {from, to, from * stride + shift};
}

ASSAY_WIDE void strided_multiply_add(std::int32_t factor, const std::int32_t* x, std::int64_t step, std::int64_t* acc,
                                     std::int64_t n) {
  for (std::int64_t j = 0; j < n; ++j) acc[j] += static_cast<std::int64_t>(factor * x[j * step]);
}

// Adds one tap of one input channel to one output channel.
void add_tap(const IntegerConv& s, const std::int32_t* x, std::int32_t factor, const IntegerConv::Three& tap,
             std::int64_t* y) {
  const Range d = range_of(s, 0, tap[0]), h = range_of(s, 1, tap[1]), w = range_of(s, 2, tap[2]);
  if (w.from >= w.to) return;
  for (std::int64_t od = d.from; od < d.to; ++od) {
    const std::int64_t id = d.start + (od - d.from) * s.stride[0];
    for (std::int64_t oh = h.from; oh < h.to; ++oh) {
      const std::int64_t ih = h.start + (oh - h.from) * s.stride[1];
      strided_multiply_add(factor, x + (id * s.in[1] + ih) * s.in[2] + w.start, s.stride[2],
                           y + (od * s.out[1] + oh) * s.out[2] + w.from, w.to - w.from);
    }
  }
}

}  // namespace

void integer_matmul(const std::int32_t* a, const std::int32_t* b, std::int64_t* c, std::int64_t m, std::int64_t k,
                    std::int64_t n) {
  std::fill_n(c, m * n, std::int64_t{0});
  std::int32_t acc[kColumns];
  for (std::int64_t column = 0; column < n; column += kColumns) {
    const std::int64_t width = std::min(kColumns, n - column);
    for (std::int64_t r = 0; r < m; ++r) {
      for (std::int64_t from = 0; from < k; from += kTerms) {
        std::fill_n(acc, width, 0);
        const std::int64_t to = std::min(k, from + kTerms);
        for (std::int64_t i = from; i < to; ++i) multiply_add(a[r * k + i], b + i * n + column, acc, width);
        for (std::int64_t j = 0; j < width; ++j) c[r * n + column + j] += acc[j];
      }
    }
  }
}

void integer_conv(const IntegerConv& s, const std::int32_t* x, const std::int32_t* w, std::int64_t* y) {
  const std::int64_t in_plane = s.in[0] * s.in[1] * s.in[2], out_plane = s.out[0] * s.out[1] * s.out[2];
  const std::int64_t taps = s.kernel[0] * s.kernel[1] * s.kernel[2];
  const std::int64_t channels = s.channels / s.groups, outputs = s.outputs / s.groups;
  std::fill_n(y, s.outputs * out_plane, std::int64_t{0});
  for (std::int64_t o = 0; o < s.outputs; ++o) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int32_t *factors = w + (o * channels + c) * taps, *plane = x + (o / outputs * channels + c) * in_plane;
      for (std::int64_t t = 0; t < taps; ++t) {
        const IntegerConv::Three tap = {t / (s.kernel[1] * s.kernel[2]), t / s.kernel[2] % s.kernel[1],
                                        t % s.kernel[2]};
        add_tap(s, plane, factors[t], tap, y + o * out_plane);
      }
    }
  }
}

}  // namespace assay::engine
