// A window's maximum is its first one in row-major order; NaN counts as larger than everything. Lanes never mix, so
// the bits do not depend on the width of vectors.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "harness/engine/ops/lanes.hpp"
#include "harness/engine/ops/pool.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

using FullChunk = std::integral_constant<std::int64_t, kLanes>;  // a constant count, so that loops unroll

// The part of one window that lies inside the image.
struct Region {
  std::int64_t h0, h1, w0, w1;  // positions of the kernel, in steps of the dilation
  std::int64_t top, left;       // of position (0, 0), may be negative
};

ASSAY_INLINE std::int64_t first_inside(std::int64_t start, std::int64_t dilation) {
  return start >= 0 ? 0 : (-start + dilation - 1) / dilation;
}

ASSAY_INLINE std::int64_t end_inside(std::int64_t start, std::int64_t dilation, std::int64_t extent,
                                     std::int64_t kernel) {
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

// Calls body(region, lanes, offset in the input, offset in the output) for every output position and chunk of lanes.
template <class Body>
ASSAY_INLINE void for_each_window(const PoolShape& s, const Body& body) {
  const std::int64_t in_plane = s.height * s.width * s.lanes;
  std::int64_t at = 0;
  for (std::int64_t p = 0; p < s.planes; ++p) {
    for (std::int64_t oh = 0; oh < s.out_height; ++oh) {
      for (std::int64_t ow = 0; ow < s.out_width; ++ow, at += s.lanes) {
        const Region region = region_at(s, oh, ow);
        std::int64_t lane = 0;
        for (; lane + kLanes <= s.lanes; lane += kLanes) body(region, FullChunk{}, p * in_plane + lane, at + lane);
        if (lane < s.lanes) body(region, s.lanes - lane, p * in_plane + lane, at + lane);
      }
    }
  }
}

// `count` lanes; missing ones read as 0 and stay unwritten.
template <class Count>
ASSAY_INLINE Lanes load(const float* from, Count count) {
  if constexpr (std::is_same_v<Count, FullChunk>) {
    return Lanes::load(from);
  } else {
    return load_part(from, count, 0.0f);
  }
}

template <class Count>
ASSAY_INLINE void store(float* to, const Lanes& from, Count count) {
  if constexpr (std::is_same_v<Count, FullChunk>) {
    from.store(to);
  } else {
    store_part(from, to, count);
  }
}

// Calls body(offset in the plane) for every input position of a window, in row-major order.
template <class Body>
ASSAY_INLINE void for_each_position(const PoolShape& s, const Region& r, const Body& body) {
  for (std::int64_t kh = r.h0; kh < r.h1; ++kh) {
    for (std::int64_t kw = r.w0; kw < r.w1; ++kw) body(input_at(s, r, kh, kw));
  }
}

// The largest value of each lane and the position (counted within the window) where it is first, -1 without positions.
// Positions are small integers, exact as floats.
struct Best {
  Lanes value, where;
};

template <class Count>
ASSAY_INLINE Best find_best(const PoolShape& s, const Region& r, Count count, const float* x) {
  Best best{Lanes::all(-__builtin_inff()), Lanes::all(-1.0f)};
  float position = 0;
  for_each_position(s, r, [&](std::int64_t at) {
    const Lanes v = load(x + at, count);
    // The first NaN wins for good: nothing compares larger, and a later one meets a best that is NaN.
    LaneMask first_nan = is_nan(v);
    first_nan.without(is_nan(best.value));
    const LaneMask wins = (v > best.value) | (best.where < Lanes::all(0.0f)) | first_nan;
    best.value.choose(v, wins);
    best.where.choose(Lanes::all(position), wins);
    position += 1.0f;
  });
  return best;
}

ASSAY_INLINE float divisor(const PoolShape& s, const Region& r) {
  if (s.count_padding) {  // all of the window but what is cut off beyond the padding
    const Window& w = s.window;
    return static_cast<float>(end_inside(r.top, w.dilation[0], s.height + w.pad_after[0], w.kernel[0]) *
                              end_inside(r.left, w.dilation[1], s.width + w.pad_after[1], w.kernel[1]));
  }
  return static_cast<float>(std::max<std::int64_t>(1, (r.h1 - r.h0) * (r.w1 - r.w0)));
}

// No input position belongs to two windows: a scatter may write instead of adding.
bool disjoint(const PoolShape& s) {
  return s.window.reach(0) <= s.window.stride[0] && s.window.reach(1) <= s.window.stride[1];
}

template <class Count>
ASSAY_INLINE void scatter(float* to, const Lanes& share, bool alone, Count count) {
  store(to, alone ? share : load(to, count) + share, count);
}

void clear(const PoolShape& s, float* out) {
  std::memset(out, 0, static_cast<std::size_t>(s.planes * s.height * s.width * s.lanes) * sizeof(float));
}

}  // namespace

ASSAY_WIDE void max_pool_loop(const PoolShape& s, const float* const* in, float* out) {
  const float* x = in[0];
  for_each_window(s, [&](const Region& r, auto count, std::int64_t from, std::int64_t to) {
    Lanes best = Lanes::all(-__builtin_inff());
    for_each_position(s, r, [&](std::int64_t at) { take_larger(best, load(x + from + at, count)); });
    store(out + to, best, count);
  });
}

ASSAY_WIDE void max_pool_scatter_loop(const PoolShape& s, const float* const* in, float* out) {
  const float* x = in[0];
  const float* g = in[1];
  clear(s, out);
  const bool alone = disjoint(s);
  for_each_window(s, [&](const Region& r, auto count, std::int64_t from, std::int64_t to) {
    const Best best = find_best(s, r, count, x + from);
    const Lanes share = load(g + to, count);
    float position = 0;
    for_each_position(s, r, [&](std::int64_t at) {
      Lanes here = share;
      here.keep(best.where == Lanes::all(position));
      scatter(out + from + at, here, alone, count);
      position += 1.0f;
    });
  });
}

ASSAY_WIDE void max_pool_gather_loop(const PoolShape& s, const float* const* in, float* out) {
  const float* x = in[0];
  const float* u = in[1];
  for_each_window(s, [&](const Region& r, auto count, std::int64_t from, std::int64_t to) {
    const Best best = find_best(s, r, count, x + from);
    Lanes picked = Lanes::all(0.0f);
    float position = 0;
    for_each_position(s, r, [&](std::int64_t at) {
      picked.choose(load(u + from + at, count), best.where == Lanes::all(position));
      position += 1.0f;
    });
    store(out + to, picked, count);
  });
}

ASSAY_WIDE void avg_pool_loop(const PoolShape& s, const float* const* in, float* out) {
  const float* x = in[0];
  for_each_window(s, [&](const Region& r, auto count, std::int64_t from, std::int64_t to) {
    Lanes sum = Lanes::all(0.0f);
    for_each_position(s, r, [&](std::int64_t at) { sum += load(x + from + at, count); });
    store(out + to, sum / Lanes::all(divisor(s, r)), count);
  });
}

ASSAY_WIDE void avg_pool_scatter_loop(const PoolShape& s, const float* const* in, float* out) {
  const float* g = in[0];
  clear(s, out);
  const bool alone = disjoint(s);
  for_each_window(s, [&](const Region& r, auto count, std::int64_t from, std::int64_t to) {
    const Lanes share = load(g + to, count) / Lanes::all(divisor(s, r));
    for_each_position(s, r, [&](std::int64_t at) { scatter(out + from + at, share, alone, count); });
  });
}

}  // namespace assay::engine
