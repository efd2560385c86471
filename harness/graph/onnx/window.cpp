// Sliding windows of the format.
#include "harness/graph/onnx/window.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::onnx {
namespace {

Shape one_each(Call& call, const char* name, std::size_t axes) {
  Shape v = call.ints(name, Shape(axes, 1));
  if (v.size() != axes) call.bad(fmt::format("attribute {} must have {} entries", name, axes));
  for (const std::int64_t k : v) {
    if (k < 1) call.bad(fmt::format("attribute {} must be positive", name));
  }
  return v;
}

std::int64_t reach(const Geometry& g, std::size_t i) { return g.dilation[i] * (g.kernel[i] - 1) + 1; }

// SAME: as many positions as ceil(extent / stride); the odd zero goes to the end (UPPER) or the beginning (LOWER).
void pad_same(Geometry& g, const Shape& extent, bool upper) {
  for (std::size_t i = 0; i < g.axes(); ++i) {
    const std::int64_t positions = (extent[i] + g.stride[i] - 1) / g.stride[i];
    const std::int64_t total = std::max<std::int64_t>(0, (positions - 1) * g.stride[i] + reach(g, i) - extent[i]);
    g.before[i] = upper ? total / 2 : total - total / 2;
    g.after[i] = total - g.before[i];
  }
}

}  // namespace

Attrs Geometry::attrs() const {
  Shape pad = before;
  pad.insert(pad.end(), after.begin(), after.end());
  return {{"stride", stride}, {"pad", pad}, {"dilation", dilation}};
}

Shape spatial(const Operand& x) { return {x.shape().begin() + 2, x.shape().end()}; }

Geometry geometry_of(Call& call, const Shape& kernel, const Shape& extent) {
  Geometry g;
  const std::size_t axes = extent.size();
  g.kernel = kernel;
  if (kernel.size() != axes) call.bad(fmt::format("has a kernel of {} axes for a value with {} spatial ones", kernel.size(), axes));
  for (const std::int64_t k : kernel) {
    if (k < 1) call.bad("has a kernel without extent");
  }
  g.stride = one_each(call, "strides", axes);
  g.dilation = one_each(call, "dilations", axes);
  const Shape pads = call.ints("pads", Shape(2 * axes, 0));
  if (pads.size() != 2 * axes) call.bad(fmt::format("attribute pads must have {} entries", 2 * axes));
  g.before.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(axes));
  g.after.assign(pads.begin() + static_cast<std::ptrdiff_t>(axes), pads.end());
  if (std::any_of(pads.begin(), pads.end(), [](std::int64_t p) { return p < 0; })) call.unsupported("negative pads");
  const std::string automatic = call.text("auto_pad", "NOTSET");
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") pad_same(g, extent, automatic == "SAME_UPPER");
  if (automatic == "VALID") g.before = g.after = Shape(axes, 0);
  if (call.integer("ceil_mode", 0) != 0) {
    for (std::size_t i = 0; i < axes; ++i) {
      const std::int64_t room = extent[i] + g.before[i] + g.after[i] - reach(g, i);
      const std::int64_t over = room < 0 ? 0 : room % g.stride[i];
      if (over > 0) g.after[i] += g.stride[i] - over;
    }
  }
  return g;
}

}  // namespace assay::onnx
