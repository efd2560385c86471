#include "harness/engine/ops/window.hpp"

#include <algorithm>

namespace assay::engine {
namespace {

// One value for every axis of the window, or one an axis.
Shape per_axis(std::string_view op, Specs in, const Attrs& attrs, const char* key, const Shape& fallback) {
  Shape v = attrs.ints(key, fallback);
  if (v.size() == 1) v.resize(fallback.size(), v[0]);
  if (v.size() != fallback.size() || std::any_of(v.begin(), v.end(), [](std::int64_t x) { return x < 1; })) {
    op_error(
        op, in,
        std::string("attribute ") + key + " must be one or " + std::to_string(fallback.size()) + " positive integers");
  }
  return v;
}

}  // namespace

Window window_of(std::string_view op, Specs in, const Attrs& attrs, const Shape& kernel, const Shape& default_stride) {
  const std::size_t axes = kernel.size();
  Window w;
  w.kernel = kernel;
  if (std::any_of(kernel.begin(), kernel.end(), [](std::int64_t k) { return k < 1; })) {
    op_error(op, in, "the kernel must have positive extents");
  }
  w.stride = per_axis(op, in, attrs, "stride", default_stride.empty() ? Shape(axes, 1) : default_stride);
  w.dilation = per_axis(op, in, attrs, "dilation", Shape(axes, 1));
  Shape pad = attrs.ints("pad", Shape(axes, 0));
  if (pad.size() == 1) pad.resize(axes, pad[0]);
  if (pad.size() == axes) pad.insert(pad.end(), pad.begin(), pad.begin() + static_cast<std::ptrdiff_t>(axes));
  if (pad.size() != 2 * axes) {
    op_error(op, in, "attribute pad must be one integer, one an axis, or those before and then those after every axis");
  }
  for (const std::int64_t p : pad) {
    if (p < 0) op_error(op, in, "attribute pad must not be negative");
  }
  w.pad_before.assign(pad.begin(), pad.begin() + static_cast<std::ptrdiff_t>(axes));
  w.pad_after.assign(pad.begin() + static_cast<std::ptrdiff_t>(axes), pad.end());
  return w;
}

}  // namespace assay::engine
