// A window's maximum is its first one in row-major order; NaN counts as larger than everything. Lanes never mix, so
// the bits do not depend on the width of vectors.
#include <algorithm>
#include <cstring>

#include "harness/engine/ops/pool.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kChunk = 16;  // lanes handled together

// The part of one window that lies inside the image.
struct Region {
  std::int64_t h0, h1, w0, w1;  // positions of the kernel, in steps of the dilation
  std::int64_t top, left;       // of position (0, 0), may be negative
};

ASSAY_INLINE std::int64_t first_inside(std::int64_t start, std::int64_t dilation) {
  return start >= 0 ? 0 : (-start + dilation - 1) / dilation;
}

ASSAY_INLINE std::int64_t end_inside(std::int64_t start, std::int64_t dilation, std::int64_t extent, std::int64_t kernel) {
  const std::int64_t room = extent - start;
  const std::int64_t end = room <= 0 ? 0 : (room + dilation - 1) / dilation;
  return end < kernel ? end : kernel;
}

ASSAY_INLINE Region region_at(const PoolShape& s, std::int64_t oh, std::int64_t ow) {
  const Window& w = s.window;
  Region r;
  r.top = oh * w.stride[0] - w.pad_before[0];
  r.left = ow * w.stride[1] - w.pad_before[1];
  r.h0 = first_inside(r.top, w.dilation[0]);
  r.w0 = first_inside(r.left, w.dilation[1]);
  r.h1 = end_inside(r.top, w.dilation[0], s.height, w.kernel[0]);
  r.w1 = end_inside(r.left, w.dilation[1], s.width, w.kernel[1]);
  return r;
}

ASSAY_INLINE std::int64_t input_at(const PoolShape& s, const Region& r, std::int64_t kh, std::int64_t kw) {
  const std::int64_t h = r.top + kh * s.window.dilation[0], w = r.left + kw * s.window.dilation[1];
  return (h * s.width + w) * s.lanes;
}

// Calls body(region, lane, lanes, in_plane, out_at) for every output position and chunk of lanes.
template <class Body>
ASSAY_INLINE void for_each_window(const PoolShape& s, const Body& body) {
  const std::int64_t in_plane = s.height * s.width * s.lanes;
  std::int64_t at = 0;
  for (std::int64_t p = 0; p < s.planes; ++p) {
    for (std::int64_t oh = 0; oh < s.out_height; ++oh) {
      for (std::int64_t ow = 0; ow < s.out_width; ++ow, at += s.lanes) {
        const Region region = region_at(s, oh, ow);
        for (std::int64_t lane = 0; lane < s.lanes; lane += kChunk) {
          body(region, std::min(kChunk, s.lanes - lane), p * in_plane + lane, at + lane);
        }
      }
    }
  }
}

// The largest value of each lane and where it is first.
struct Best {
  float value[kChunk];
  std::int32_t where[kChunk];
};

ASSAY_INLINE Best best_of(const PoolShape& s, const Region& r, std::int64_t lanes, const float* x) {
  Best best;
  for (std::int64_t l = 0; l < kChunk; ++l) best.value[l] = -__builtin_inff(), best.where[l] = -1;
  for (std::int64_t kh = r.h0; kh < r.h1; ++kh) {
    for (std::int64_t kw = r.w0; kw < r.w1; ++kw) {
      const std::int64_t from = input_at(s, r, kh, kw);
      const auto here = static_cast<std::int32_t>(from);
      for (std::int64_t l = 0; l < lanes; ++l) {
        const float v = x[from + l];
        const bool wins = v > best.value[l] || best.where[l] < 0 || (v != v && best.value[l] == best.value[l]);
        best.value[l] = wins ? v : best.value[l];
        best.where[l] = wins ? here : best.where[l];
      }
    }
  }
  return best;
}

ASSAY_INLINE float divisor(const PoolShape& s, const Region& r) {
  if (s.count_padding) return static_cast<float>(s.window.kernel[0] * s.window.kernel[1]);
  return static_cast<float>(std::max<std::int64_t>(1, (r.h1 - r.h0) * (r.w1 - r.w0)));
}

void clear(const PoolShape& s, float* out) {
  std::memset(out, 0, static_cast<std::size_t>(s.planes * s.height * s.width * s.lanes) * sizeof(float));
}

}  // namespace

ASSAY_WIDE void max_pool_loop(const PoolShape& s, const float* const* in, float* out) {
  const float* x = in[0];
  for_each_window(s, [&](const Region& r, std::int64_t lanes, std::int64_t from, std::int64_t at) {
    float best[kChunk];
    for (float& b : best) b = -__builtin_inff();
    for (std::int64_t kh = r.h0; kh < r.h1; ++kh) {
      for (std::int64_t kw = r.w0; kw < r.w1; ++kw) {
        const float* row = x + from + input_at(s, r, kh, kw);
        for (std::int64_t l = 0; l < lanes; ++l) best[l] = row[l] > best[l] || row[l] != row[l] ? row[l] : best[l];
      }
    }
    for (std::int64_t l = 0; l < lanes; ++l) out[at + l] = best[l];
  });
}

ASSAY_WIDE void max_pool_scatter_loop(const PoolShape& s, const float* const* in, float* out) {
  const float* x = in[0];
  const float* g = in[1];
  clear(s, out);
  for_each_window(s, [&](const Region& r, std::int64_t lanes, std::int64_t from, std::int64_t at) {
    const Best best = best_of(s, r, lanes, x + from);
    for (std::int64_t l = 0; l < lanes; ++l) {
      if (best.where[l] >= 0) out[from + best.where[l] + l] += g[at + l];
    }
  });
}

ASSAY_WIDE void max_pool_gather_loop(const PoolShape& s, const float* const* in, float* out) {
  const float* x = in[0];
  const float* u = in[1];
  for_each_window(s, [&](const Region& r, std::int64_t lanes, std::int64_t from, std::int64_t at) {
    const Best best = best_of(s, r, lanes, x + from);
    for (std::int64_t l = 0; l < lanes; ++l) out[at + l] = best.where[l] < 0 ? 0.0f : u[from + best.where[l] + l];
  });
}

ASSAY_WIDE void avg_pool_loop(const PoolShape& s, const float* const* in, float* out) {
  const float* x = in[0];
  for_each_window(s, [&](const Region& r, std::int64_t lanes, std::int64_t from, std::int64_t at) {
    float sum[kChunk] = {};
    for (std::int64_t kh = r.h0; kh < r.h1; ++kh) {
      for (std::int64_t kw = r.w0; kw < r.w1; ++kw) {
        const float* row = x + from + input_at(s, r, kh, kw);
        for (std::int64_t l = 0; l < lanes; ++l) sum[l] += row[l];
      }
    }
    const float by = divisor(s, r);
    for (std::int64_t l = 0; l < lanes; ++l) out[at + l] = sum[l] / by;
  });
}

ASSAY_WIDE void avg_pool_scatter_loop(const PoolShape& s, const float* const* in, float* out) {
  const float* g = in[0];
  clear(s, out);
  for_each_window(s, [&](const Region& r, std::int64_t lanes, std::int64_t from, std::int64_t at) {
    const float by = divisor(s, r);
    for (std::int64_t kh = r.h0; kh < r.h1; ++kh) {
      for (std::int64_t kw = r.w0; kw < r.w1; ++kw) {
        float* row = out + from + input_at(s, r, kh, kw);
        for (std::int64_t l = 0; l < lanes; ++l) row[l] += g[at + l] / by;
      }
    }
  });
}

}  // namespace assay::engine
