// Smooth activation functions, and relu. relu's gradient is an op of the output, so that a fused convolution + relu needs no
// pre-activation; those of the others are compositions.
#include <cmath>

#include "harness/engine/ops/unary.hpp"
#include "harness/engine/ops/vector_math.hpp"

namespace assay::engine {
namespace {

constexpr float kRootHalf = 0.70710678f;
constexpr double kRootTwoOverPi = 0.7978845608028654, kGeluCubic = 0.044715;

double phi(double x) { return 0.5 * std::erfc(-x * 0.70710678118654752); }
double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

ASSAY_SCALAR_ANY(Relu, x > 0.0f ? x : 0.0f, x > 0 ? x : W{0})
ASSAY_SCALAR_REAL(Sigmoid, vm::sigmoid(x), logistic(x))
ASSAY_SCALAR_REAL(Tanh, vm::tanh(x), std::tanh(x))
ASSAY_SCALAR_REAL(GeluErf, 0.5f * x * (1.0f + vm::erf(x * kRootHalf)), (x * phi(x)))
ASSAY_SCALAR_REAL(GeluTanh, 0.5f * x * (1.0f + vm::tanh(0.79788456f * (x + 0.044715f * x * x * x))),
                  0.5 * x * (1.0 + std::tanh(kRootTwoOverPi * (x + kGeluCubic * x * x * x))))
ASSAY_SCALAR_REAL(Silu, (x * vm::sigmoid(x)), (x * logistic(x)))
ASSAY_SCALAR_REAL(QuickGelu, (x * vm::sigmoid(a * x)), (x * logistic(a * x)))
ASSAY_SCALAR_REAL(Softplus, vm::softplus(x), (x > 0 ? x : 0.0) + std::log1p(std::exp(-std::fabs(x))))
ASSAY_SCALAR_REAL(LogSigmoid, -vm::softplus(-x), (x < 0 ? x : 0.0) - std::log1p(std::exp(-std::fabs(x))))
ASSAY_SCALAR_REAL(Softsign, x / (1.0f + vm::absolute(x)), x / (1.0 + std::fabs(x)))
ASSAY_SCALAR_REAL(Mish, (x * vm::tanh(vm::softplus(x))), (x * std::tanh(Softplus::wide_f(x, 0, 0))))

Value gelu_vjp(Value x, Value, Value g, const Attrs&) { return call("gelu_grad", {x, g}); }

Value gelu_tanh_vjp(Value x, Value, Value g, const Attrs&) {
  const Value square = x * x;
  const Value t = call("tanh", {x * (square * kGeluCubic + 1.0) * kRootTwoOverPi});
  const Value slope = (square * (3 * kGeluCubic) + 1.0) * (0.5 * kRootTwoOverPi);
  return g * (t * 0.5 + 0.5 + x * (-(t * t) + 1.0) * slope);
}

Value silu_vjp(Value x, Value, Value g, const Attrs&) { return call("silu_grad", {x, g}); }

// The derivative of x * sigmoid(a x).
Value quick_gelu_vjp(Value x, Value, Value g, const Attrs& attrs) {
  const double a = attrs.real("alpha", 1.702);
  const Value s = call("sigmoid", {x * a});
  return g * s * (x * a * (-s + 1.0) + 1.0);
}

Value mish_vjp(Value x, Value, Value g, const Attrs&) {
  const Value t = call("tanh", {call("softplus", {x})});
  return g * (t + x * (-(t * t) + 1.0) * call("sigmoid", {x}));
}

Value softsign_vjp(Value x, Value, Value g, const Attrs&) {
  return g * call("square", {call("reciprocal", {call("abs", {x}) + 1.0})});
}

void add_smooth(Registry& r) {
  add_unary(r, {"sigmoid",
                "Sigmoid",
                "1 / (1 + e^-x)",
                unary<Sigmoid>(),
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g * (y - y * y); },
                {{}}});
  add_unary(r, {"tanh",
                "Tanh",
                "hyperbolic tangent",
                unary<Tanh>(),
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g * (-(y * y) + 1.0); },
                {{}}});
  add_unary(
      r, {"gelu", "Gelu", "x * Phi(x), exact (Hendrycks & Gimpel 2016)", unary<GeluErf>(), {}, {}, gelu_vjp, {{}}});
  add_unary(r, {"gelu_tanh", "", "the tanh approximation of gelu", unary<GeluTanh>(), {}, {}, gelu_tanh_vjp, {{}}});
  add_unary(r, {"silu", "", "x * sigmoid(x)", unary<Silu>(), {}, {}, silu_vjp, {{}}});
  add_unary(r, {"softplus",
                "Softplus",
                "log(1 + e^x)",
                unary<Softplus>(),
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("sigmoid", {x}); },
                {{}}});
  add_unary(r, {"quick_gelu",
                "",
                "x * sigmoid(alpha * x); attribute alpha (1.702; Hendrycks & Gimpel 2016)",
                unary<QuickGelu>(),
                {"alpha", 1.702},
                {},
                quick_gelu_vjp,
                {{}}});
  add_unary(r, {"log_sigmoid",
                "",
                "log(sigmoid(x))",
                unary<LogSigmoid>(),
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("sigmoid", {-x}); },
                {{}, {.lo = -60, .hi = 60}}});
  add_unary(r, {"softsign",
                "Softsign",
                "x / (1 + |x|)",
                unary<Softsign>(),
                {},
                {},
                softsign_vjp,
                {{.keep_away = 0.05}}});
  add_unary(r, {"mish", "Mish", "x * tanh(softplus(x)) (Misra 2019)", unary<Mish>(), {}, {}, mish_vjp, {{}}});
}

void add_relu(Registry& r) {
  add_unary(r, {"relu",
                "Relu",
                "max(x, 0)",
                unary<Relu>(),
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) {
                  return call("relu_grad", {y, g});
                },
                {{.keep_away = 0.05}}});
}

}  // namespace

void register_activations(Registry& registry) {
  add_smooth(registry);
  add_relu(registry);
}

}  // namespace assay::engine
