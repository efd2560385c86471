// Export of quantisation and of recurrent layers.
#include "harness/graph/onnx/exporter.hpp"

namespace assay::onnx {
namespace {

AttributeMap axis_of(const Exported& e) { return {{"axis", attribute(e.node.attrs.integer("axis", 1))}}; }

Names quantize(const Exported& e) { return {e.to.add("QuantizeLinear", e.node.inputs, axis_of(e))}; }
Names dequantize(const Exported& e) { return {e.to.add("DequantizeLinear", e.node.inputs, axis_of(e))}; }

std::string bound(const Exported& e, std::int64_t value, Element type) {
  return e.to.add("Cast", {e.to.scalar(static_cast<double>(value))}, {{"to", attribute(static_cast<std::int64_t>(type))}});
}

// Rounded to 8 bits and back: the pair of operators by which runtimes know a quantised net.
Names fake_quantize(const Exported& e) {
  const std::int64_t low = e.node.attrs.integer("low", 0), high = e.node.attrs.integer("high", 255);
  if (low < 0 && high > 127) e.unsupported("a range that fits neither 8-bit integer");
  const Element to = low < 0 ? Element::i8 : Element::u8;
  const Shape scales = e.spec(1).shape;
  const std::string zero = e.has(2) ? e.to.add("Round", {e.in(2)}) : e.to.constant(Tensor::full(scales, 0));
  const std::string point = e.to.add("Cast", {zero}, {{"to", attribute(static_cast<std::int64_t>(to))}});
  const AttributeMap axis = {{"axis", attribute(e.node.attrs.integer("axis", 0))}};
  std::string small = e.to.add("QuantizeLinear", {e.in(0), e.in(1), point}, axis);
  if (low > (low < 0 ? -128 : 0) || high < (low < 0 ? 127 : 255)) small = e.to.add("Clip", {small, bound(e, low, to), bound(e, high, to)});
  return {e.to.add("DequantizeLinear", {small, e.in(1), point}, axis)};
}

Names whole(const Exported& e, const char* op, std::size_t outputs) { return e.to.add_all(op, e.node.inputs, outputs); }
Names matmul_integer(const Exported& e) { return whole(e, "MatMulInteger", 1); }
Names qlinear_matmul(const Exported& e) { return whole(e, "QLinearMatMul", 1); }
Names dynamic_quantize(const Exported& e) { return whole(e, "DynamicQuantizeLinear", 3); }

std::string permuted(const Exported& e, const std::string& x, const Shape& perm) {
  return e.to.add("Transpose", {x}, {{"perm", attribute(perm)}});
}

// The engine's recurrences have ONNX's operands and semantics; an absent operand is an empty tensor there. Batch-first
// ones are written time-first between transposes: attribute layout came with opset 14, and runtimes lack it.
Names recurrent(const Exported& e, const char* op, const char* flag, std::size_t outputs) {
  const bool batch_first = e.node.attrs.integer("layout", 0) != 0;
  Names in;
  for (std::size_t i = 0; i < e.node.inputs.size(); ++i) {
    const bool moved = batch_first && (i == 0 || i == 5 || i == 6);  // x and the initial states
    in.push_back(e.spec(i).count() == 0 ? "" : moved ? permuted(e, e.in(i), {1, 0, 2}) : e.in(i));
  }
  AttributeMap attributes = {{"direction", attribute(e.node.attrs.text("direction", "forward"))},
                             {"hidden_size", attribute(e.node.attrs.integer("hidden_size", e.spec(2).shape.back()))}};
  if (flag && e.node.attrs.integer(flag, 0) != 0) attributes[flag] = attribute(e.node.attrs.integer(flag, 0));
  Names made = e.to.add_all(op, in, outputs, attributes);
  for (std::size_t i = 0; batch_first && i < made.size(); ++i) {
    made[i] = permuted(e, made[i], i == 0 ? Shape{2, 0, 1, 3} : Shape{1, 0, 2});
  }
  return made;
}

Names lstm(const Exported& e) { return recurrent(e, "LSTM", "input_forget", 3); }
Names gru(const Exported& e) { return recurrent(e, "GRU", "linear_before_reset", 2); }
Names rnn(const Exported& e) { return recurrent(e, "RNN", nullptr, 2); }

}  // namespace

ExportRows export_quantized_rows() {
  return {{"dequantize_linear", dequantize}, {"dynamic_quantize_linear", dynamic_quantize}, {"fake_quantize", fake_quantize},
          {"gru", gru},                      {"lstm", lstm},                                {"matmul_integer", matmul_integer},
          {"qlinear_matmul", qlinear_matmul}, {"quantize_linear", quantize},                {"rnn", rnn}};
}

}  // namespace assay::onnx
