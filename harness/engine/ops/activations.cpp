// Activation functions. relu's gradient is an op of the output, so that a fused convolution + relu needs no
// pre-activation; those of the others are compositions.
#include <cmath>

#include "harness/engine/ops/unary.hpp"
#include "harness/engine/ops/vector_math.hpp"

namespace assay::engine {
namespace {

constexpr float kRootHalf = 0.70710678f;
constexpr double kRootTwoOverPi = 0.7978845608028654, kGeluCubic = 0.044715;
constexpr double kPhiScale = 0.3989422804014327;  // 1 / sqrt(2 pi)

ASSAY_INLINE float clamp6(float x) { return x < 0.0f ? 0.0f : (x > 6.0f ? 6.0f : x); }

#define ASSAY_SCALAR(Name, expression)                                                                              \
  struct Name {                                                                                                     \
    static ASSAY_INLINE float f(float x, [[maybe_unused]] float a, [[maybe_unused]] float b) { return expression; } \
  };
ASSAY_SCALAR(Relu, x > 0.0f ? x : 0.0f)
ASSAY_SCALAR(Sigmoid, vm::sigmoid(x))
ASSAY_SCALAR(Tanh, vm::tanh(x))
ASSAY_SCALAR(GeluErf, 0.5f * x * (1.0f + vm::erf(x * kRootHalf)))
ASSAY_SCALAR(GeluTanh, 0.5f * x * (1.0f + vm::tanh(0.79788456f * (x + 0.044715f * x * x * x))))
ASSAY_SCALAR(Silu, (x * vm::sigmoid(x)))
ASSAY_SCALAR(HardSwish, (x * clamp6(x + 3.0f) * (1.0f / 6.0f)))
ASSAY_SCALAR(HardSigmoid, clamp6(x + 3.0f) * (1.0f / 6.0f))
ASSAY_SCALAR(Elu, x > 0.0f ? x : a * (vm::exp(x) - 1.0f))
ASSAY_SCALAR(LeakyRelu, x > 0.0f ? x : a * x)
ASSAY_SCALAR(Softplus, vm::softplus(x))

Value gelu_vjp(Value x, Value, Value g, const Attrs&) {
  const Value cdf = call("erf", {x * static_cast<double>(kRootHalf)}) * 0.5 + 0.5;
  const Value density = call("exp", {x * x * -0.5}) * kPhiScale;
  return g * (cdf + x * density);
}

Value gelu_tanh_vjp(Value x, Value, Value g, const Attrs&) {
  const Value square = x * x;
  const Value t = call("tanh", {x * (square * kGeluCubic + 1.0) * kRootTwoOverPi});
  const Value slope = (square * (3 * kGeluCubic) + 1.0) * (0.5 * kRootTwoOverPi);
  return g * (t * 0.5 + 0.5 + x * (-(t * t) + 1.0) * slope);
}

Value silu_vjp(Value x, Value, Value g, const Attrs&) {
  const Value s = call("sigmoid", {x});
  return g * s * (x * (-s + 1.0) + 1.0);
}

Value linear_part(Value x) { return call("in_range", {x}, {{"min", -3.0}, {"max", 3.0}}); }

Value elu_vjp(Value x, Value y, Value g, const Attrs& attrs) {
  const Value positive = call("step", {x});
  return g * (positive + (-positive + 1.0) * (y + attrs.real("alpha", 1)));
}

Value leaky_vjp(Value x, Value, Value g, const Attrs& attrs) {
  const double alpha = attrs.real("alpha", 0.01);
  return g * (call("step", {x}) * (1 - alpha) + alpha);
}

void add_smooth(Registry& r) {
  add_unary(r, {"sigmoid",
                "Sigmoid",
                "1 / (1 + e^-x)",
                unary_loop<Sigmoid>,
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g * (y - y * y); },
                {{}}});
  add_unary(r, {"tanh",
                "Tanh",
                "hyperbolic tangent",
                unary_loop<Tanh>,
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g * (-(y * y) + 1.0); },
                {{}}});
  add_unary(
      r, {"gelu", "Gelu", "x * Phi(x), exact (Hendrycks & Gimpel 2016)", unary_loop<GeluErf>, {}, {}, gelu_vjp, {{}}});
  add_unary(r, {"gelu_tanh", "", "the tanh approximation of gelu", unary_loop<GeluTanh>, {}, {}, gelu_tanh_vjp, {{}}});
  add_unary(r, {"silu", "", "x * sigmoid(x)", unary_loop<Silu>, {}, {}, silu_vjp, {{}}});
  add_unary(r, {"softplus",
                "Softplus",
                "log(1 + e^x)",
                unary_loop<Softplus>,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("sigmoid", {x}); },
                {{}}});
}

void add_piecewise(Registry& r) {
  add_unary(r, {"relu",
                "Relu",
                "max(x, 0)",
                unary_loop<Relu>,
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) {
                  return call("relu_grad", {y, g});
                },
                {{.keep_away = 0.05}}});
  add_unary(r, {"hardswish",
                "HardSwish",
                "x * clamp(x + 3, 0, 6) / 6",
                unary_loop<HardSwish>,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) {
                  return g * (call("hardsigmoid", {x}) + x * linear_part(x) * (1.0 / 6.0));
                },
                {{.lo = -2.9, .hi = 2.9}, {.lo = 3.1, .hi = 5}, {.lo = -5, .hi = -3.1}}});
  add_unary(r, {"hardsigmoid",
                "HardSigmoid",
                "clamp(x + 3, 0, 6) / 6",
                unary_loop<HardSigmoid>,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * linear_part(x) * (1.0 / 6.0); },
                {{.lo = -2.9, .hi = 2.9}, {.lo = 3.1, .hi = 5}}});
  add_unary(r, {"elu",
                "Elu",
                "x, or alpha * (e^x - 1) below 0; attribute alpha (1)",
                unary_loop<Elu>,
                {"alpha", 1},
                {},
                elu_vjp,
                {{.keep_away = 0.05, .attrs = {{"alpha", 0.7}}}}});
  add_unary(r, {"leaky_relu",
                "LeakyRelu",
                "x, or alpha * x below 0; attribute alpha (0.01)",
                unary_loop<LeakyRelu>,
                {"alpha", 0.01},
                {},
                leaky_vjp,
                {{.keep_away = 0.05, .attrs = {{"alpha", 0.2}}}}});
}

}  // namespace

void register_activations(Registry& registry) {
  add_smooth(registry);
  add_piecewise(registry);
}

}  // namespace assay::engine
