// Loops of the pooling ops over [planes][height][width][lanes], where lanes are the channels of a block.
#pragma once

#include "harness/engine/ops/window.hpp"

namespace assay::engine {

struct PoolShape {
  std::int64_t planes = 0, height = 0, width = 0, lanes = 1, out_height = 0, out_width = 0;
  Window window;
  bool count_padding = false;  // average: divide by the whole window
};

// Attributes kernel, stride (kernel), pad, dilation for `axes` spatial axes. Throws when padding is as wide as the
// kernel.
Window pool_window(std::string_view op, Specs in, const Attrs& attrs, std::size_t axes = 2);
// [N, C, positions ..]. With attribute ceil_mode a last window that is cut off by the end counts, unless it would start
// in the padding after the input.
Shape pooled_shape(std::string_view op, Specs in, const Attrs& attrs, const Shape& x);

using PoolLoop = void (*)(const PoolShape& s, const float* const* in, float* out);

void max_pool_loop(const PoolShape& s, const float* const* in, float* out);          // x -> y
void max_pool_scatter_loop(const PoolShape& s, const float* const* in, float* out);  // x, dL/dy -> dL/dx
void max_pool_gather_loop(const PoolShape& s, const float* const* in, float* out);   // x, u like x -> u at the maxima
void avg_pool_loop(const PoolShape& s, const float* const* in, float* out);          // x -> y
void avg_pool_scatter_loop(const PoolShape& s, const float* const* in, float* out);  // dL/dy -> dL/dx

}  // namespace assay::engine
