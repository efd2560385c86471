// Activation functions in pieces that are linear or exponential. Gradients at the joints are those of the piece with the
// smaller slope where the function has a corner.
#include <algorithm>
#include <cmath>

#include "harness/engine/ops/unary.hpp"
#include "harness/engine/ops/vector_math.hpp"

namespace assay::engine {
namespace {

constexpr double kSeluAlpha = 1.67326319217681884765625, kSeluGamma = 1.05070102214813232421875;

ASSAY_INLINE float unit(float x) { return x < 0.0f ? 0.0f : (x > 1.0f ? 1.0f : x); }
double unit(double x) { return x < 0 ? 0.0 : (x > 1 ? 1.0 : x); }

// On integers the result is cut towards zero.
template <class W>
W shrunk(W x, double threshold, double bias) {
  const auto real = static_cast<double>(x);
  if (real < -threshold) return saturated<W>(real + bias);
  return real > threshold ? saturated<W>(real - bias) : W{0};
}

ASSAY_SCALAR_REAL(HardSigmoid, unit(x * a + b), unit(x * a + b))
ASSAY_SCALAR_REAL(HardSwish, (x * unit(x * (1.0f / 6.0f) + 0.5f)), (x * unit(x / 6.0 + 0.5)))
ASSAY_SCALAR_REAL(Elu, x > 0.0f ? x : a * vm::expm1(x), x > 0 ? x : a * std::expm1(x))
ASSAY_SCALAR_REAL(Selu, b * (x > 0.0f ? x : a * vm::expm1(x)), b * (x > 0 ? x : a * std::expm1(x)))
ASSAY_SCALAR_REAL(Celu, x > 0.0f ? x : a * vm::expm1(x / a), x > 0 ? x : a * std::expm1(x / a))
ASSAY_SCALAR_REAL(LeakyRelu, x > 0.0f ? x : a * x, x > 0 ? x : a * x)
ASSAY_SCALAR_REAL(ThresholdedRelu, x > a ? x : 0.0f, x > a ? x : 0.0)
// a: the threshold, b: the bias.
ASSAY_SCALAR_ANY(Shrink, x < -a ? x + b : (x > a ? x - b : 0.0f), shrunk(x, a, b))

Value between(Value x, double low, double high) { return call("in_range", {x}, {{"min", low}, {"max", high}}); }

// 1 - step(x), from the step.
Value other_side(Value step) { return -step + 1.0; }

Value hard_sigmoid_vjp(Value x, Value, Value g, const Attrs& attrs) {
  const double a = attrs.real("alpha", 1.0 / 6), b = attrs.real("beta", 0.5);
  if (a == 0) return {};
  const double at_zero = -b / a, at_one = (1 - b) / a;
  return g * between(x, std::min(at_zero, at_one), std::max(at_zero, at_one)) * a;
}

Value hard_swish_vjp(Value x, Value, Value g, const Attrs&) {
  return g * (call("hard_sigmoid", {x}) + x * between(x, -3, 3) * (1.0 / 6));
}

Value elu_vjp(Value x, Value y, Value g, const Attrs& attrs) {
  const Value positive = call("step", {x});
  return g * (positive + other_side(positive) * (y + attrs.real("alpha", 1)));
}

Value selu_vjp(Value x, Value y, Value g, const Attrs& attrs) {
  const double gamma = attrs.real("gamma", kSeluGamma);
  const Value positive = call("step", {x});
  return g * (positive * gamma + other_side(positive) * (y + gamma * attrs.real("alpha", kSeluAlpha)));
}

// y / alpha + 1 = e^(x / alpha) below 0.
Value celu_vjp(Value x, Value y, Value g, const Attrs& attrs) {
  const Value positive = call("step", {x});
  return g * (positive + other_side(positive) * (y * (1 / attrs.real("alpha", 1)) + 1.0));
}

Value leaky_vjp(Value x, Value, Value g, const Attrs& attrs) {
  const double alpha = attrs.real("alpha", 0.01);
  return g * (call("step", {x}) * (1 - alpha) + alpha);
}

Value thresholded_vjp(Value x, Value, Value g, const Attrs& attrs) {
  return g * call("step", {x + -attrs.real("alpha", 1)});
}

Value shrink_vjp(Value x, Value, Value g, const Attrs& attrs) {
  const double lambda = attrs.real("lambd", 0.5);
  return g * other_side(between(x, -lambda, lambda));
}

void add_hard(Registry& r) {
  add_unary(r, {"hard_sigmoid",
                "HardSigmoid",
                "alpha * x + beta limited to [0, 1]; attributes alpha (1/6; ONNX says 0.2), beta (0.5)",
                unary<HardSigmoid>(),
                {"alpha", 1.0 / 6},
                {"beta", 0.5},
                hard_sigmoid_vjp,
                {{.lo = -2.9, .hi = 2.9},
                 {.lo = 3.1, .hi = 5},
                 {.lo = -2.4, .hi = 2.4, .attrs = {{"alpha", 0.2}}},
                 {.lo = -2.9, .hi = 1.9, .attrs = {{"alpha", -0.2}, {"beta", 0.4}}}}});
  add_unary(r, {"hard_swish",
                "HardSwish",
                "x * hard_sigmoid(x) (Howard et al. 2019)",
                unary<HardSwish>(),
                {},
                {},
                hard_swish_vjp,
                {{.lo = -2.9, .hi = 2.9}, {.lo = 3.1, .hi = 5}, {.lo = -5, .hi = -3.1}}});
  add_unary(r, {"thresholded_relu",
                "ThresholdedRelu",
                "x where x > alpha, else 0; attribute alpha (1)",
                unary<ThresholdedRelu>(),
                {"alpha", 1},
                {},
                thresholded_vjp,
                {{.keep_away = 0.05, .kink = 1}, {.keep_away = 0.05, .kink = -0.5, .attrs = {{"alpha", -0.5}}}}});
  add_unary(r, {"shrink",
                "Shrink",
                "x + bias below -lambd, x - bias above lambd, else 0; attributes lambd (0.5), bias (0)",
                unary<Shrink>(),
                {"lambd", 0.5},
                {"bias", 0},
                shrink_vjp,
                {{.lo = -0.45, .hi = 2, .keep_away = 0.05, .kink = 0.5, .attrs = {{"bias", 0.5}}},
                 {.lo = -2, .hi = 1.4, .keep_away = 0.05, .kink = -1.5, .attrs = {{"lambd", 1.5}, {"bias", 1.5}}}}});
}

void add_linear_units(Registry& r) {
  add_unary(r, {"elu",
                "Elu",
                "x, or alpha * (e^x - 1) below 0; attribute alpha (1)",
                unary<Elu>(),
                {"alpha", 1},
                {},
                elu_vjp,
                {{.keep_away = 0.05, .attrs = {{"alpha", 0.7}}}}});
  add_unary(r, {"selu",
                "Selu",
                "gamma * x, or gamma * alpha * (e^x - 1) below 0; attributes alpha, gamma (Klambauer et al. 2017)",
                unary<Selu>(),
                {"alpha", kSeluAlpha},
                {"gamma", kSeluGamma},
                selu_vjp,
                {{.keep_away = 0.05}, {.keep_away = 0.05, .attrs = {{"alpha", 2.0}, {"gamma", 3.0}}}}});
  add_unary(r, {"celu",
                "Celu",
                "x, or alpha * (e^(x / alpha) - 1) below 0; attribute alpha (1; Barron 2017)",
                unary<Celu>(),
                {"alpha", 1},
                {},
                celu_vjp,
                {{.keep_away = 0.05, .attrs = {{"alpha", 2.0}}}}});
  add_unary(r, {"leaky_relu",
                "LeakyRelu",
                "x, or alpha * x below 0; attribute alpha (0.01)",
                unary<LeakyRelu>(),
                {"alpha", 0.01},
                {},
                leaky_vjp,
                {{.keep_away = 0.05, .attrs = {{"alpha", 0.2}}}}});
}

}  // namespace

void register_activations_piecewise(Registry& registry) {
  add_hard(registry);
  add_linear_units(registry);
}

}  // namespace assay::engine
