// Where each element of a resized axis comes from: ONNX Resize 13, of which Resize 10 (asymmetric, floor) and Upsample
// are cases.
#pragma once

#include "harness/engine/ops/separable.hpp"

namespace assay::engine {

struct ResizedAxis {
  AxisTaps taps;              // one tap for nearest
  std::vector<bool> outside;  // results outside of x (tf_crop_and_resize); empty: none
};

// One entry an axis of x. Throws Error(bad_input) naming the wrong attribute.
std::vector<ResizedAxis> resized_axes(const char* op, Specs in, const Attrs& attrs, const Shape& x);
// The extents alone.
Shape resized_shape(const char* op, Specs in, const Attrs& attrs, const Shape& x);

}  // namespace assay::engine
