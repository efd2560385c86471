// Elementwise functions of one operand, and PRelu.
#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

// An ONNX operator that is one op of ours, of one operand and without attributes.
template <const char* const& Op>
Operands plain(Call& call) {
  return {call.emit(Op, {call.in(0)})};
}

// The same with a mask as the result.
template <const char* const& Op>
Operands test(Call& call) {
  return {Call::logical(call.emit(Op, {call.in(0)}))};
}

#define ASSAY_PLAIN(Name, op) constexpr const char* const Name = op;
ASSAY_PLAIN(kAbs, "abs")
ASSAY_PLAIN(kAcos, "acos")
ASSAY_PLAIN(kAcosh, "acosh")
ASSAY_PLAIN(kAsin, "asin")
ASSAY_PLAIN(kAsinh, "asinh")
ASSAY_PLAIN(kAtan, "atan")
ASSAY_PLAIN(kAtanh, "atanh")
ASSAY_PLAIN(kCeil, "ceil")
ASSAY_PLAIN(kCos, "cos")
ASSAY_PLAIN(kCosh, "cosh")
ASSAY_PLAIN(kErf, "erf")
ASSAY_PLAIN(kExp, "exp")
ASSAY_PLAIN(kFloor, "floor")
ASSAY_PLAIN(kLog, "log")
ASSAY_PLAIN(kNeg, "neg")
ASSAY_PLAIN(kReciprocal, "reciprocal")
ASSAY_PLAIN(kRelu, "relu")
ASSAY_PLAIN(kRound, "round")
ASSAY_PLAIN(kSigmoid, "sigmoid")
ASSAY_PLAIN(kSign, "sign")
ASSAY_PLAIN(kSin, "sin")
ASSAY_PLAIN(kSinh, "sinh")
ASSAY_PLAIN(kSoftplus, "softplus")
ASSAY_PLAIN(kSoftsign, "softsign")
ASSAY_PLAIN(kSqrt, "sqrt")
ASSAY_PLAIN(kTan, "tan")
ASSAY_PLAIN(kTanh, "tanh")
ASSAY_PLAIN(kMish, "mish")
ASSAY_PLAIN(kHardSwish, "hard_swish")
ASSAY_PLAIN(kIsNan, "isnan")
#undef ASSAY_PLAIN

Operands elu(Call& call) { return {call.emit("elu", {call.in(0)}, {{"alpha", call.real("alpha", 1)}})}; }
Operands celu(Call& call) { return {call.emit("celu", {call.in(0)}, {{"alpha", call.real("alpha", 1)}})}; }

Operands selu(Call& call) {
  // The format's defaults, with which Klambauer et al. 2017 keep mean 0 and variance 1.
  const double alpha = call.real("alpha", 1.67326319217681884765625), gamma = call.real("gamma", 1.05070102214813232421875);
  return {call.emit("selu", {call.in(0)}, {{"alpha", alpha}, {"gamma", gamma}})};
}

Operands leaky_relu(Call& call) { return {call.emit("leaky_relu", {call.in(0)}, {{"alpha", call.real("alpha", 0.01)}})}; }

Operands hard_sigmoid(Call& call) {
  return {call.emit("hard_sigmoid", {call.in(0)}, {{"alpha", call.real("alpha", 0.2)}, {"beta", call.real("beta", 0.5)}})};
}

Operands thresholded_relu(Call& call) {
  return {call.emit("thresholded_relu", {call.in(0)}, {{"alpha", call.real("alpha", 1)}})};
}

Operands shrink(Call& call) {
  return {call.emit("shrink", {call.in(0)}, {{"lambd", call.real("lambd", 0.5)}, {"bias", call.real("bias", 0)}})};
}

Operands is_inf(Call& call) {
  const Attrs sides = {{"detect_positive", call.integer("detect_positive", 1)}, {"detect_negative", call.integer("detect_negative", 1)}};
  return {Call::logical(call.emit("isinf", {call.in(0)}, sides))};
}

// The slope broadcasts towards x; engine's prelu wants it that way too.
Operands prelu(Call& call) {
  const Operand& x = call.in(0);
  Operand slope = Call::as(call.in(1), Role::weight);
  // Before opset 7 a slope had one entry a channel.
  if (call.opset < 7 && slope.rank() == 1 && x.rank() > 2 && slope.shape()[0] > 1) {
    Shape shape(static_cast<std::size_t>(x.rank()) - 1, 1);
    shape[0] = slope.shape()[0];
    slope = Call::as(call.reshape(slope, shape), Role::weight);
  }
  const Operand zero = call.scalar_like(x, 0);
  if (x.spec.dtype != DType::f32) {
    return {call.emit("where", {call.emit("less", {x, zero}), call.emit("mul", {x, slope}), x})};
  }
  return {call.emit("add", {call.emit("relu", {x}), call.emit("mul", {slope, call.emit("minimum", {x, zero})})})};
}

// Opset 11 moved the bounds to operands and left either out.
Operands clip(Call& call) {
  const Operand& x = call.in(0);
  if (call.opset < 11) {
    Attrs attrs;
    if (call.given("min")) attrs.set("min", call.real("min", 0));
    if (call.given("max")) attrs.set("max", call.real("max", 0));
    return {call.emit("clamp", {x}, attrs)};
  }
  // Bounds that are known belong to the layer: as parameters they would be trained.
  const auto fixed = [&](std::size_t i) {
    const Operand bound = call.has(i) ? call.in(i) : Operand{};
    return !call.has(i) || (bound.known() && bound.constant.dtype() == DType::f32 && bound.constant.count() == 1);
  };
  if (x.spec.dtype == DType::f32 && fixed(1) && fixed(2)) {
    Attrs attrs;
    if (call.has(1)) attrs.set("min", static_cast<double>(call.in(1).constant.to_f32()[0]));
    if (call.has(2)) attrs.set("max", static_cast<double>(call.in(2).constant.to_f32()[0]));
    return {call.emit("clamp", {x}, attrs)};
  }
  Operand made = x;
  if (call.has(1)) made = call.emit("maximum", {made, call.in(1)});
  if (call.has(2)) made = call.emit("minimum", {made, call.in(2)});
  return {made};
}

}  // namespace

Rows activation_rows() {
  return {{"Abs", plain<kAbs>},         {"Acos", plain<kAcos>},           {"Acosh", plain<kAcosh>},
          {"Asin", plain<kAsin>},       {"Asinh", plain<kAsinh>},         {"Atan", plain<kAtan>},
          {"Atanh", plain<kAtanh>},     {"Ceil", plain<kCeil>},           {"Celu", celu},
          {"Clip", clip},               {"Cos", plain<kCos>},             {"Cosh", plain<kCosh>},
          {"Elu", elu},                 {"Erf", plain<kErf>},             {"Exp", plain<kExp>},
          {"Floor", plain<kFloor>},     {"HardSigmoid", hard_sigmoid},    {"HardSwish", plain<kHardSwish>},
          {"IsInf", is_inf},            {"IsNaN", test<kIsNan>},          {"LeakyRelu", leaky_relu},
          {"Log", plain<kLog>},         {"Mish", plain<kMish>},           {"Neg", plain<kNeg>},
          {"PRelu", prelu},             {"Reciprocal", plain<kReciprocal>}, {"Relu", plain<kRelu>},
          {"Round", plain<kRound>},     {"Selu", selu},                   {"Shrink", shrink},
          {"Sigmoid", plain<kSigmoid>}, {"Sign", plain<kSign>},           {"Sin", plain<kSin>},
          {"Sinh", plain<kSinh>},       {"Softplus", plain<kSoftplus>},   {"Softsign", plain<kSoftsign>},
          {"Sqrt", plain<kSqrt>},       {"Tan", plain<kTan>},             {"Tanh", plain<kTanh>},
          {"ThresholdedRelu", thresholded_relu}};
}

}  // namespace assay::onnx
