// The sliding window of convolution and pooling: attributes stride, pad and dilation.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

// One entry a spatial axis, e.g. height and width.
struct Window {
  Shape kernel, stride = {1, 1}, dilation = {1, 1}, pad_before = {0, 0}, pad_after = {0, 0};
  std::int64_t reach(std::size_t axis) const { return dilation[axis] * (kernel[axis] - 1) + 1; }
  // Positions along one axis, rounded down; below 1 when the window does not fit.
  std::int64_t output(std::size_t axis, std::int64_t extent) const {
    const std::int64_t room = extent + pad_before[axis] + pad_after[axis] - reach(axis);
    return room < 0 ? 0 : room / stride[axis] + 1;
  }
};

// As many axes as `kernel` has. stride and dilation: n or one an axis; pad: n, one an axis, or first those before and
// then those after every axis ([top, left, bottom, right]). `default_stride` empty: 1.
Window window_of(std::string_view op, Specs in, const Attrs& attrs, const Shape& kernel,
                 const Shape& default_stride = {});

}  // namespace assay::engine
