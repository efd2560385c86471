// Kernel, strides, pads and dilations of ONNX convolutions and pools, of any number of spatial axes.
#pragma once

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {

struct Geometry {
  Shape kernel, stride, dilation, before, after;  // one entry a spatial axis
  std::size_t axes() const { return kernel.size(); }
  Attrs attrs() const;  // stride, pad, dilation as the engine's ops take them
};

// `kernel`: of the weights; `extent`: the spatial extents of x. auto_pad is resolved, ceil_mode adds padding at the end.
// Throws Error(bad_input) for lists of other lengths, strides below 1 or windows that do not fit.
Geometry geometry_of(Call& call, const Shape& kernel, const Shape& extent);

Shape spatial(const Operand& x);  // the axes behind [N, C]; throws nothing, x has at least two

}  // namespace assay::onnx
