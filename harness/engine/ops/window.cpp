#include "harness/engine/ops/window.hpp"

namespace assay::engine {
namespace {

Shape pair_of(std::string_view op, Specs in, const Attrs& attrs, const char* key, const Shape& fallback) {
  Shape v = attrs.ints(key, fallback);
  if (v.size() == 1) v.push_back(v[0]);
  if (v.size() != 2 || v[0] < 1 || v[1] < 1) {
    op_error(op, in, std::string("attribute ") + key + " must be one or two positive integers");
  }
  return v;
}

}  // namespace

Window window_of(std::string_view op, Specs in, const Attrs& attrs, const Shape& kernel, const Shape& default_stride) {
  Window w;
  w.kernel = kernel;
  if (kernel[0] < 1 || kernel[1] < 1) op_error(op, in, "the kernel must have positive extents");
  w.stride = pair_of(op, in, attrs, "stride", default_stride);
  w.dilation = pair_of(op, in, attrs, "dilation", {1, 1});
  Shape pad = attrs.ints("pad", {0, 0});
  if (pad.size() == 1) pad.push_back(pad[0]);
  if (pad.size() == 2) pad.insert(pad.end(), {pad[0], pad[1]});
  if (pad.size() != 4) op_error(op, in, "attribute pad must be n, [h, w] or [top, left, bottom, right]");
  for (const std::int64_t p : pad) {
    if (p < 0) op_error(op, in, "attribute pad must not be negative");
  }
  w.pad_before = {pad[0], pad[1]};
  w.pad_after = {pad[2], pad[3]};
  return w;
}

}  // namespace assay::engine
