// Convolution and transposed convolution of one, two and three spatial axes.
#include <fmt/format.h>

#include "harness/graph/onnx/window.hpp"

namespace assay::onnx {
namespace {

std::string sized(const char* op, std::size_t axes) { return fmt::format("{}{}d", op, axes); }

void check_operands(Call& call, const Operand& x, const Operand& w) {
  if (x.rank() < 3 || x.rank() > 5) call.unsupported(fmt::format("takes a value of 3 to 5 axes, not {}", x.spec.str()));
  if (w.rank() != x.rank()) call.bad(fmt::format("has weights of {} for a value of {}", w.spec.str(), x.spec.str()));
}

Operands with_bias(Call& call, std::size_t index, Operands operands) {
  if (call.has(index)) operands.push_back(Call::as(call.in(index), Role::weight));
  return operands;
}

Operands convolution(Call& call) {
  const Operand &x = call.in(0), &w = call.in(1);
  check_operands(call, x, w);
  const Geometry g = geometry_of(call, spatial(w), spatial(x));
  const Shape declared = call.ints("kernel_shape", g.kernel);
  if (declared != g.kernel) call.bad("attribute kernel_shape is not that of the weights");
  Attrs attrs = g.attrs();
  attrs.set("groups", call.integer("group", 1));
  return {call.emit(sized("conv", g.axes()), with_bias(call, 2, {x, Call::as(w, Role::weight)}), attrs)};
}

// Total padding that makes the result `shape`, split as auto_pad says.
void pad_for_output(Geometry& g, const Shape& extent, const Shape& output_pad, const Shape& shape, bool upper) {
  for (std::size_t i = 0; i < g.axes(); ++i) {
    const std::int64_t full = g.stride[i] * (extent[i] - 1) + output_pad[i] + (g.kernel[i] - 1) * g.dilation[i] + 1;
    const std::int64_t total = full - shape[i];
    g.before[i] = upper ? total / 2 : total - total / 2;
    g.after[i] = total - g.before[i];
  }
}

Operands transposed(Call& call) {
  const Operand &x = call.in(0), &w = call.in(1);
  check_operands(call, x, w);
  Geometry g = geometry_of(call, spatial(w), spatial(x));
  const Shape output_pad = call.ints("output_padding", Shape(g.axes(), 0));
  Shape wanted = call.ints("output_shape");
  const std::string automatic = call.text("auto_pad", "NOTSET");
  const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  if (output_pad.size() != g.axes()) call.bad("attribute output_padding must have one entry a spatial axis");
  if (wanted.size() == g.axes() + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (wanted.empty() && same) {
    for (std::size_t i = 0; i < g.axes(); ++i) wanted.push_back(spatial(x)[i] * g.stride[i]);
  }
  Shape extra(g.axes(), 0);
  if (!wanted.empty()) {
    if (wanted.size() != g.axes()) call.bad("attribute output_shape must have one entry a spatial axis");
    pad_for_output(g, spatial(x), output_pad, wanted, automatic == "SAME_UPPER");
    for (std::size_t i = 0; i < g.axes(); ++i) {  // more than the full result: zeros at its end
      extra[i] = std::max<std::int64_t>(0, -(g.before[i] + g.after[i]));
      if (extra[i] > 0) g.before[i] = g.after[i] = 0;
    }
  }
  Attrs attrs = g.attrs();
  attrs.set("groups", call.integer("group", 1));
  Shape end(g.axes(), 0);
  for (std::size_t i = 0; i < g.axes(); ++i) end[i] = output_pad[i] + extra[i];
  attrs.set("output_pad", end);
  return {call.emit(sized("conv_transpose", g.axes()), with_bias(call, 2, {x, Call::as(w, Role::weight)}), attrs)};
}

}  // namespace

Rows convolution_rows() { return {{"Conv", convolution}, {"ConvTranspose", transposed}}; }

}  // namespace assay::onnx
