// Lanes never mix, so the bits do not depend on the width of vectors.
#include <algorithm>
#include <cmath>

#include "harness/engine/ops/pool_nd.hpp"
#include "harness/engine/ops/vector_math.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kChunk = 64;  // lanes whose maxima are searched together

// The taps [from, to) of one window that lie inside the input, an axis each, and where tap 0 lies.
struct Taps {
  PoolNd::Three from, to, start;
};

ASSAY_INLINE std::int64_t end_inside(std::int64_t start, std::int64_t dilation, std::int64_t extent,
                                     std::int64_t kernel) {
  const std::int64_t room = extent - start;
  const std::int64_t end = room <= 0 ? 0 : (room + dilation - 1) / dilation;
  return end < kernel ? end : kernel;
}

ASSAY_INLINE Taps taps_at(const PoolNd& s, std::int64_t o0, std::int64_t o1, std::int64_t o2) {
  const std::int64_t o[3] = {o0, o1, o2};
  Taps t;
  for (std::size_t a = 0; a < 3; ++a) {
    t.start[a] = o[a] * s.stride[a] - s.before[a];
    t.from[a] = t.start[a] >= 0 ? 0 : (-t.start[a] + s.dilation[a] - 1) / s.dilation[a];
    t.to[a] = end_inside(t.start[a], s.dilation[a], s.in[a], s.kernel[a]);
  }
  return t;
}

// Calls body(taps, offset of the plane in the input, offset in the output) for every window.
template <class Body>
ASSAY_INLINE void for_each_window(const PoolNd& s, const Body& body) {
  std::int64_t at = 0;
  for (std::int64_t p = 0; p < s.planes; ++p) {
    for (std::int64_t o = 0; o < s.out[0] * s.out[1]; ++o) {
      for (std::int64_t o2 = 0; o2 < s.out[2]; ++o2, at += s.lanes) {
        body(taps_at(s, o / s.out[1], o % s.out[1], o2), p * s.in_plane(), at);
      }
    }
  }
}

// Calls body(offset of the tap within the plane).
template <class Body>
ASSAY_INLINE void for_each_tap(const PoolNd& s, const Taps& t, const Body& body) {
  for (std::int64_t k0 = t.from[0]; k0 < t.to[0]; ++k0) {
    const std::int64_t depth = t.start[0] + k0 * s.dilation[0];
    for (std::int64_t k1 = t.from[1]; k1 < t.to[1]; ++k1) {
      const std::int64_t row = depth * s.in[1] + t.start[1] + k1 * s.dilation[1];
      for (std::int64_t k2 = t.from[2]; k2 < t.to[2]; ++k2) {
        body((row * s.in[2] + t.start[2] + k2 * s.dilation[2]) * s.lanes);
      }
    }
  }
}

// The number of the winning tap of each of `count` lanes, counted among those inside; -1 without taps.
ASSAY_INLINE void find_best(const PoolNd& s, const Taps& t, const float* x, std::int64_t count, std::int32_t* where) {
  float best[kChunk];
  std::fill_n(best, kChunk, -__builtin_inff());
  std::fill_n(where, kChunk, -1);
  std::int32_t tap = 0;
  for_each_tap(s, t, [&](std::int64_t at) {
    const float* from = x + at;
    ASSAY_INDEPENDENT
    for (std::int64_t l = 0; l < count; ++l) {
      const float v = from[l];
      const bool first_nan = (v != v) & (best[l] == best[l]);
      const bool wins = (v > best[l]) | (where[l] < 0) | first_nan;
      best[l] = wins ? v : best[l];
      where[l] = wins ? tap : where[l];
    }
    ++tap;
  });
}

ASSAY_INLINE float divisor(const PoolNd& s, const Taps& t) {
  std::int64_t count = 1;
  for (std::size_t a = 0; a < 3; ++a) {
    count *= s.count_padding ? end_inside(t.start[a], s.dilation[a], s.in[a] + s.after[a], s.kernel[a])
                             : std::max<std::int64_t>(0, t.to[a] - t.from[a]);
  }
  return static_cast<float>(std::max<std::int64_t>(1, count));
}

}  // namespace

ASSAY_WIDE void max_pool_nd(const PoolNd& s, const float* const* in, float* out) {
  const float* x = in[0];
  for_each_window(s, [&](const Taps& t, std::int64_t plane, std::int64_t to) {
    float* y = out + to;
    std::fill_n(y, s.lanes, -__builtin_inff());
    for_each_tap(s, t, [&](std::int64_t at) {
      const float* from = x + plane + at;
      ASSAY_INDEPENDENT
      for (std::int64_t l = 0; l < s.lanes; ++l) y[l] = (from[l] > y[l]) | (from[l] != from[l]) ? from[l] : y[l];
    });
  });
}

ASSAY_WIDE void max_pool_nd_scatter(const PoolNd& s, const float* const* in, float* out) {
  std::fill_n(out, s.planes * s.in_plane(), 0.0f);
  for_each_window(s, [&](const Taps& t, std::int64_t plane, std::int64_t from) {
    for (std::int64_t lane = 0; lane < s.lanes; lane += kChunk) {
      const std::int64_t count = std::min(kChunk, s.lanes - lane);
      std::int32_t where[kChunk], tap = 0;
      find_best(s, t, in[0] + plane + lane, count, where);
      const float* g = in[1] + from + lane;
      for_each_tap(s, t, [&](std::int64_t at) {
        float* to = out + plane + at + lane;
        ASSAY_INDEPENDENT
        for (std::int64_t l = 0; l < count; ++l) to[l] += where[l] == tap ? g[l] : 0.0f;
        ++tap;
      });
    }
  });
}

ASSAY_WIDE void max_pool_nd_gather(const PoolNd& s, const float* const* in, float* out) {
  for_each_window(s, [&](const Taps& t, std::int64_t plane, std::int64_t to) {
    for (std::int64_t lane = 0; lane < s.lanes; lane += kChunk) {
      const std::int64_t count = std::min(kChunk, s.lanes - lane);
      std::int32_t where[kChunk], tap = 0;
      find_best(s, t, in[0] + plane + lane, count, where);
      float* y = out + to + lane;
      std::fill_n(y, count, 0.0f);
      for_each_tap(s, t, [&](std::int64_t at) {
        const float* u = in[1] + plane + at + lane;
        ASSAY_INDEPENDENT
        for (std::int64_t l = 0; l < count; ++l) y[l] = where[l] == tap ? u[l] : y[l];
        ++tap;
      });
    }
  });
}

void max_pool_nd_indices(const PoolNd& s, const float* x, std::int64_t* out) {
  const std::int64_t plane_size = s.in_plane();
  for_each_window(s, [&](const Taps& t, std::int64_t plane, std::int64_t to) {
    std::int32_t where[kChunk], tap = 0;
    find_best(s, t, x + plane, 1, where);
    out[to] = -1;
    for_each_tap(s, t, [&](std::int64_t at) {
      if (where[0] != tap++) return;
      const std::int64_t d = at / (s.in[1] * s.in[2]), h = at / s.in[2] % s.in[1], w = at % s.in[2];
      const std::int64_t inside = s.columns_first ? (w * s.in[1] + h) * s.in[0] + d : at;
      out[to] = plane / plane_size * plane_size + inside;
    });
  });
}

ASSAY_WIDE void avg_pool_nd(const PoolNd& s, const float* const* in, float* out) {
  for_each_window(s, [&](const Taps& t, std::int64_t plane, std::int64_t to) {
    float* y = out + to;
    std::fill_n(y, s.lanes, 0.0f);
    for_each_tap(s, t, [&](std::int64_t at) {
      const float* from = in[0] + plane + at;
      ASSAY_INDEPENDENT
      for (std::int64_t l = 0; l < s.lanes; ++l) y[l] += from[l];
    });
    const float count = divisor(s, t);
    for (std::int64_t l = 0; l < s.lanes; ++l) y[l] /= count;
  });
}

ASSAY_WIDE void avg_pool_nd_scatter(const PoolNd& s, const float* const* in, float* out) {
  std::fill_n(out, s.planes * s.in_plane(), 0.0f);
  for_each_window(s, [&](const Taps& t, std::int64_t plane, std::int64_t from) {
    const float* g = in[0] + from;
    const float count = divisor(s, t);
    for_each_tap(s, t, [&](std::int64_t at) {
      float* to = out + plane + at;
      ASSAY_INDEPENDENT
      for (std::int64_t l = 0; l < s.lanes; ++l) to[l] += g[l] / count;
    });
  });
}

ASSAY_WIDE void lp_pool_nd(const PoolNd& s, const float* const* in, float* out) {
  const bool square = s.power == 2.0f;
  for_each_window(s, [&](const Taps& t, std::int64_t plane, std::int64_t to) {
    float* y = out + to;
    std::fill_n(y, s.lanes, 0.0f);
    for_each_tap(s, t, [&](std::int64_t at) {
      const float* from = in[0] + plane + at;
      if (square) {
        ASSAY_INDEPENDENT
        for (std::int64_t l = 0; l < s.lanes; ++l) y[l] += from[l] * from[l];
      } else {
        for (std::int64_t l = 0; l < s.lanes; ++l) y[l] += vm::exp(s.power * vm::log(vm::absolute(from[l])));
      }
    });
    for (std::int64_t l = 0; l < s.lanes; ++l) y[l] = square ? std::sqrt(y[l]) : vm::exp(vm::log(y[l]) / s.power);
  });
}

}  // namespace assay::engine
