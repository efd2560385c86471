// Export of elementwise ops and reductions.
#include <cmath>
#include <limits>

#include "harness/graph/onnx/exporter.hpp"

namespace assay::onnx {
namespace {

// An op that is one ONNX operator of the same operands, without attributes.
struct Same {
  const char *op, *onnx;
};
constexpr Same same[] = {
    {"abs", "Abs"},         {"acos", "Acos"},     {"acosh", "Acosh"},       {"add", "Add"},       {"asin", "Asin"},
    {"asinh", "Asinh"},     {"atan", "Atan"},     {"atanh", "Atanh"},       {"ceil", "Ceil"},     {"cos", "Cos"},
    {"cosh", "Cosh"},       {"div", "Div"},       {"erf", "Erf"},           {"exp", "Exp"},       {"floor", "Floor"},
    {"log", "Log"},         {"maximum", "Max"},   {"mean_of", "Mean"},      {"minimum", "Min"},   {"mul", "Mul"},
    {"neg", "Neg"},         {"reciprocal", "Reciprocal"}, {"relu", "Relu"}, {"round", "Round"},   {"sigmoid", "Sigmoid"},
    {"sign", "Sign"},       {"sin", "Sin"},       {"sinh", "Sinh"},         {"softplus", "Softplus"}, {"softsign", "Softsign"},
    {"sqrt", "Sqrt"},       {"sub", "Sub"},       {"tan", "Tan"},           {"tanh", "Tanh"}};

// The engine's masks are f32, ONNX's are BOOL.
constexpr Same tests[] = {{"greater", "Greater"}, {"greater_equal", "GreaterOrEqual"}, {"less", "Less"},
                          {"less_equal", "LessOrEqual"}, {"equal", "Equal"}, {"isnan", "IsNaN"}};

template <std::size_t N>
const char* onnx_name(const Same (&table)[N], const std::string& op) {
  for (const Same& row : table) {
    if (op == row.op) return row.onnx;
  }
  return nullptr;
}

Names plain(const Exported& e) { return {e.to.add(onnx_name(same, e.node.op), e.node.inputs)}; }
Names test(const Exported& e) { return {e.to.mask_from(e.to.add(onnx_name(tests, e.node.op), e.node.inputs))}; }

Names affine(const Exported& e) {
  const double scale = e.node.attrs.real("scale", 1), shift = e.node.attrs.real("shift", 0);
  std::string made = e.in(0);
  if (scale != 1 || shift == 0) made = e.to.add("Mul", {made, e.to.scalar(scale)});
  if (shift != 0) made = e.to.add("Add", {made, e.to.scalar(shift)});
  return {made};
}

Names clamp(const Exported& e) {
  Names in = {e.in(0), "", ""};
  if (e.node.attrs.has("min")) in[1] = e.to.scalar(e.node.attrs.real("min", 0));
  if (e.node.attrs.has("max")) in[2] = e.to.scalar(e.node.attrs.real("max", 0));
  while (in.back().empty()) in.pop_back();
  return {e.to.add("Clip", in)};
}

Names power(const Exported& e) {
  const std::string exponent = e.has(1) ? e.in(1) : e.to.scalar(e.node.attrs.real("exponent", 2));
  return {e.to.add("Pow", {e.in(0), exponent})};
}

Names square(const Exported& e) { return {e.to.add("Mul", {e.in(0), e.in(0)})}; }
Names rsqrt(const Exported& e) { return {e.to.add("Reciprocal", {e.to.add("Sqrt", {e.in(0)})})}; }
Names silu(const Exported& e) { return {e.to.add("Mul", {e.in(0), e.to.add("Sigmoid", {e.in(0)})})}; }
Names mish(const Exported& e) { return {e.to.add("Mul", {e.in(0), e.to.add("Tanh", {e.to.add("Softplus", {e.in(0)})})})}; }

Names quick_gelu(const Exported& e) {
  return {e.to.add("Mul", {e.in(0), e.to.add("Sigmoid", {e.to.add("Mul", {e.in(0), e.to.scalar(1.702)})})})};
}

// x (1 + g) / 2
std::string half_gate(const Exported& e, const std::string& g) {
  const std::string gate = e.to.add("Mul", {e.to.add("Add", {g, e.to.scalar(1)}), e.to.scalar(0.5)});
  return e.to.add("Mul", {e.in(0), gate});
}

Names gelu(const Exported& e) {
  return {half_gate(e, e.to.add("Erf", {e.to.add("Mul", {e.in(0), e.to.scalar(std::sqrt(0.5))})}))};
}

Names gelu_tanh(const Exported& e) {
  const std::string cube = e.to.add("Mul", {e.to.add("Pow", {e.in(0), e.to.scalar(3)}), e.to.scalar(0.044715)});
  const std::string inner = e.to.add("Mul", {e.to.add("Add", {e.in(0), cube}), e.to.scalar(0.7978845608028654)});
  return {half_gate(e, e.to.add("Tanh", {inner}))};
}

Names with_alpha(const Exported& e, const char* op, double fallback) {
  return {e.to.add(op, {e.in(0)}, {{"alpha", attribute(e.node.attrs.real("alpha", fallback))}})};
}
Names elu(const Exported& e) { return with_alpha(e, "Elu", 1); }
Names celu(const Exported& e) { return with_alpha(e, "Celu", 1); }
Names leaky_relu(const Exported& e) { return with_alpha(e, "LeakyRelu", 0.01); }
Names thresholded_relu(const Exported& e) { return with_alpha(e, "ThresholdedRelu", 1); }

Names selu(const Exported& e) {
  AttributeMap attributes;
  for (const char* key : {"alpha", "gamma"}) {
    if (e.node.attrs.has(key)) attributes[key] = attribute(e.node.attrs.real(key, 0));
  }
  return {e.to.add("Selu", {e.in(0)}, attributes)};
}

std::string hard_gate(const Exported& e, double alpha, double beta) {
  return e.to.add("HardSigmoid", {e.in(0)}, {{"alpha", attribute(alpha)}, {"beta", attribute(beta)}});
}
Names hard_sigmoid(const Exported& e) { return {hard_gate(e, e.node.attrs.real("alpha", 1.0 / 6), e.node.attrs.real("beta", 0.5))}; }
Names hard_swish(const Exported& e) { return {e.to.add("Mul", {e.in(0), hard_gate(e, 1.0 / 6, 0.5)})}; }

Names prelu(const Exported& e) {
  const std::string below = e.to.add("Mul", {e.in(1), e.to.add("Min", {e.in(0), e.to.scalar(0)})});
  return {e.to.add("Add", {e.to.add("Relu", {e.in(0)}), below})};
}

Names where(const Exported& e) { return {e.to.add("Where", {e.to.to_logical(e.in(0)), e.in(1), e.in(2)})}; }

Names clamp_between(const Exported& e) { return {e.to.add("Min", {e.to.add("Max", {e.in(0), e.in(1)}), e.in(2)})}; }

Names cast(const Exported& e) {
  const DType to = engine::dtype_from_name(e.node.attrs.text("to", "F32"));
  return {e.to.add("Cast", {e.in(0)}, {{"to", attribute(static_cast<std::int64_t>(element_of(to)))}})};
}

// log(mean(exp(xi))), stable: the largest is taken out first.
Names log_mean_exp(const Exported& e) {
  const std::string top = e.to.add("Max", e.node.inputs);
  Names terms;
  for (const std::string& x : e.node.inputs) terms.push_back(e.to.add("Exp", {e.to.add("Sub", {x, top})}));
  return {e.to.add("Add", {e.to.add("Log", {e.to.add("Mean", terms)}), top})};
}

constexpr Same reductions[] = {{"reduce_l1", "ReduceL1"},     {"reduce_l2", "ReduceL2"},   {"reduce_log_sum", "ReduceLogSum"},
                               {"reduce_log_sum_exp", "ReduceLogSumExp"}, {"reduce_max", "ReduceMax"},
                               {"reduce_mean", "ReduceMean"}, {"reduce_min", "ReduceMin"}, {"reduce_prod", "ReduceProd"},
                               {"reduce_sum_square", "ReduceSumSquare"}};

Shape reduced_axes(const Exported& e) {
  Shape axes = e.node.attrs.ints("axes", {});
  if (!e.node.attrs.has("axes")) {
    for (std::int64_t a = 0; a < e.rank(); ++a) axes.push_back(a);
  }
  return axes;
}

Names reduction(const Exported& e) {
  const Shape axes = reduced_axes(e);
  if (axes.empty()) e.unsupported("a reduction over no axes");
  return {e.to.add(onnx_name(reductions, e.node.op), {e.in(0)},
                   {{"axes", attribute(axes)}, {"keepdims", attribute(e.node.attrs.integer("keepdims", 0))}})};
}

Names reduce_sum(const Exported& e) {
  const Shape axes = reduced_axes(e);
  if (axes.empty()) e.unsupported("a reduction over no axes");
  return {e.to.add("ReduceSum", {e.in(0), e.to.constant(axes)}, {{"keepdims", attribute(e.node.attrs.integer("keepdims", 0))}})};
}

}  // namespace

ExportRows export_elementwise_rows() {
  ExportRows rows = {{"affine", affine}, {"cast", cast}, {"celu", celu}, {"clamp", clamp}, {"clamp_between", clamp_between},
                     {"elu", elu}, {"gelu", gelu}, {"gelu_tanh", gelu_tanh}, {"hard_sigmoid", hard_sigmoid},
                     {"hard_swish", hard_swish},
                     {"leaky_relu", leaky_relu}, {"log_mean_exp", log_mean_exp}, {"mish", mish}, {"pow", power},
                     {"prelu", prelu}, {"quick_gelu", quick_gelu}, {"reduce_sum", reduce_sum}, {"rsqrt", rsqrt},
                     {"selu", selu}, {"silu", silu}, {"square", square}, {"thresholded_relu", thresholded_relu}, {"where", where}};
  for (const Same& row : same) rows.push_back({row.op, plain});
  for (const Same& row : tests) rows.push_back({row.op, test});
  for (const Same& row : reductions) rows.push_back({row.op, reduction});
  return rows;
}

}  // namespace assay::onnx
