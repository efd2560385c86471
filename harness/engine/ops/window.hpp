// The sliding window of convolution and pooling: attributes stride, pad and dilation.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

struct Window {
  Shape kernel, stride = {1, 1}, dilation = {1, 1}, pad_before = {0, 0}, pad_after = {0, 0};
  std::int64_t reach(std::size_t axis) const { return dilation[axis] * (kernel[axis] - 1) + 1; }
  // Positions along one axis (0: height, 1: width), rounded down; below 1 when the window does not fit.
  std::int64_t output(std::size_t axis, std::int64_t extent) const {
    const std::int64_t room = extent + pad_before[axis] + pad_after[axis] - reach(axis);
    return room < 0 ? 0 : room / stride[axis] + 1;
  }
};

// stride and dilation: n or [h, w]; pad: n, [h, w] or [top, left, bottom, right].
Window window_of(std::string_view op, Specs in, const Attrs& attrs, const Shape& kernel,
                 const Shape& default_stride = {1, 1});

}  // namespace assay::engine
