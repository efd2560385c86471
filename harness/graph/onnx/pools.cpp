// Pooling over windows and over everything.
#include <fmt/format.h>

#include <algorithm>

#include "harness/graph/onnx/window.hpp"

namespace assay::onnx {
namespace {

void check_rank(Call& call, const Operand& x) {
  if (x.rank() < 3 || x.rank() > 5) call.unsupported(fmt::format("takes a value of 3 to 5 axes, not {}", x.spec.str()));
}

Operand pooled(Call& call, const std::string& op, const Geometry& g, Attrs attrs) {
  attrs.set("kernel", g.kernel);
  return call.emit(fmt::format("{}{}d", op, g.axes()), {call.in(0)}, attrs);
}

Geometry pool_geometry(Call& call) {
  check_rank(call, call.in(0));
  return geometry_of(call, call.ints("kernel_shape"), spatial(call.in(0)));
}

Operands max_pool(Call& call) {
  const Geometry g = pool_geometry(call);
  const Operand& x = call.in(0);
  if (x.spec.dtype == DType::f32) {
    Operands made = {pooled(call, "max_pool", g, g.attrs())};
    Attrs attrs = g.attrs();
    attrs.set("kernel", g.kernel);
    attrs.set("storage_order", call.integer("storage_order", 0));
    if (call.wants(1)) made.push_back(call.emit("max_pool_indices", {x}, attrs));
    return made;
  }
  if (call.wants(1)) call.unsupported("the indices of the maxima of " + x.spec.str());
  if (x.spec.dtype != DType::u8 && x.spec.dtype != DType::s8) call.unsupported("takes FLOAT, UINT8 or INT8");
  Attrs attrs = g.attrs();  // f32 holds every 8-bit integer
  attrs.set("kernel", g.kernel);
  return {call.cast(call.emit(fmt::format("max_pool{}d", g.axes()), {call.cast(x, DType::f32)}, attrs), x.spec.dtype)};
}

Operands average_pool(Call& call) {
  const Geometry g = pool_geometry(call);
  Attrs attrs = g.attrs();
  attrs.set("count_include_pad", call.integer("count_include_pad", 0));
  return {pooled(call, "avg_pool", g, attrs)};
}

// Puts x at its positions in the plane of the pool's input, in which positions count. An output_shape beyond it adds zeros
// at the end.
Operands max_unpool(Call& call) {
  const Operand& x = call.in(0);
  const Geometry g = geometry_of(call, call.ints("kernel_shape"), Shape(static_cast<std::size_t>(x.rank()) - 2, 1));
  Shape size;
  for (std::size_t i = 0; i < g.axes(); ++i) {
    size.push_back((spatial(x)[i] - 1) * g.stride[i] + g.kernel[i] - g.before[i] - g.after[i]);
  }
  const Operand positions = call.index(call.in(1));
  const Operand plane = call.emit("max_unpool", {x, positions}, {{"size", size}});
  if (!call.has(2)) return {plane};
  const Shape whole = call.known_ints(2, "output shape");
  if (whole.size() != x.shape().size()) call.bad("must have one extent an axis in its output shape");
  Shape after(whole.size(), 0);
  for (std::size_t i = 0; i < g.axes(); ++i) {
    after[i + 2] = whole[i + 2] - size[i];
    if (after[i + 2] < 0) call.unsupported("an output shape below that of the pool's input");
  }
  return {call.emit("pad", {plane}, {{"before", Shape(whole.size(), 0)}, {"after", after}})};
}

Operands lp_pool(Call& call) {
  const Geometry g = pool_geometry(call);
  Attrs attrs = g.attrs();
  attrs.set("p", call.integer("p", 2));
  return {pooled(call, "lp_pool", g, attrs)};
}

Shape spatial_axes(const Operand& x) {
  Shape axes;
  for (std::int64_t a = 2; a < x.rank(); ++a) axes.push_back(a);
  return axes;
}

Operands global(Call& call, const char* op) {
  const Operand& x = call.in(0);
  if (x.rank() < 2) call.bad("takes a value [N, C, ...]");
  return {call.emit(op, {x}, {{"axes", spatial_axes(x)}, {"keepdims", std::int64_t{1}}})};
}

Operands global_average(Call& call) {
  if (call.in(0).rank() == 4) return {call.emit("global_avg_pool", {call.in(0)})};
  return global(call, "reduce_mean");
}

Operands global_max(Call& call) { return global(call, "reduce_max"); }

}  // namespace

Rows pool_rows() {
  return {{"AveragePool", average_pool},
          {"GlobalAveragePool", global_average},
          {"GlobalMaxPool", global_max},
          {"LpPool", lp_pool},
          {"MaxPool", max_pool},
          {"MaxUnpool", max_unpool}};
}

}  // namespace assay::onnx
