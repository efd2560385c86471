// Quantisation to 8 bits, back, and products of 8-bit integers. Scales and zero points are buffers: they are measured,
// not trained.
#include "harness/graph/onnx/window.hpp"

namespace assay::onnx {
namespace {

Operand measured(Call& call, std::size_t index) { return Call::as(call.in(index), Role::statistic); }

// Operands from `first` on as measured ones, up to the first that is absent.
Operands with_measured(Call& call, Operands operands, std::size_t first) {
  for (std::size_t i = first; call.has(i); ++i) operands.push_back(measured(call, i));
  return operands;
}

Operands quantize(Call& call) {
  const DType to = call.has(2) ? call.in(2).spec.dtype : DType::u8;
  if (to != DType::u8 && to != DType::s8) call.unsupported("to a type other than UINT8 and INT8");
  return {call.emit("quantize_linear", with_measured(call, {call.in(0)}, 1), {{"axis", call.integer("axis", 1)}})};
}

Operands dequantize(Call& call) {
  return {call.emit("dequantize_linear", with_measured(call, {call.in(0)}, 1), {{"axis", call.integer("axis", 1)}})};
}

Operands dynamic_quantize(Call& call) { return call.emit_all("dynamic_quantize_linear", {call.in(0)}); }

// Zero points come last; one that is given alone gets a 0 of the other operand's type in front.
Operands with_zero_points(Call& call) {
  Operands operands = {call.in(0), call.in(1)};
  if (call.has(2)) operands.push_back(measured(call, 2));
  if (call.has(3)) {
    if (!call.has(2)) operands.push_back(call.scalar_like(call.in(0), 0));
    operands.push_back(measured(call, 3));
  }
  return operands;
}

Operands mat_mul_integer(Call& call) { return {call.emit("matmul_integer", with_zero_points(call))}; }

Attrs convolution_attrs(Call& call, const Operand& x, const Operand& w) {
  if (x.rank() < 3 || w.rank() != x.rank()) call.bad("takes a value [N, C, ...] and weights of equally many axes");
  Attrs attrs = geometry_of(call, spatial(w), spatial(x)).attrs();
  attrs.set("groups", call.integer("group", 1));
  return attrs;
}

Operands conv_integer(Call& call) {
  return {call.emit("conv_integer", with_zero_points(call), convolution_attrs(call, call.in(0), call.in(1)))};
}

// x, x scale, x zero, w, w scale, w zero, y scale, y zero
Operands qlinear_operands(Call& call) {
  Operands operands;
  for (std::size_t i = 0; i < 8; ++i) operands.push_back(i == 0 || i == 3 ? call.in(i) : measured(call, i));
  return operands;
}

Operands qlinear_mat_mul(Call& call) { return {call.emit("qlinear_matmul", qlinear_operands(call))}; }

Operands qlinear_conv(Call& call) {
  Operands operands = qlinear_operands(call);
  if (call.has(8)) operands.push_back(measured(call, 8));
  return {call.emit("qlinear_conv", operands, convolution_attrs(call, call.in(0), call.in(3)))};
}

}  // namespace

Rows quantize_rows() {
  return {{"ConvInteger", conv_integer},      {"DequantizeLinear", dequantize}, {"DynamicQuantizeLinear", dynamic_quantize},
          {"MatMulInteger", mat_mul_integer}, {"QLinearConv", qlinear_conv},    {"QLinearMatMul", qlinear_mat_mul},
          {"QuantizeLinear", quantize}};
}

}  // namespace assay::onnx
