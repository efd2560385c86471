// The gradients of smooth activations as ops of their own: one pass over x and g instead of a composition of ten. Each is
// differentiable in turn.
#include <cmath>

#include "harness/engine/ops/pair.hpp"
#include "harness/engine/ops/vector_math.hpp"

namespace assay::engine {
namespace {

constexpr float kRootHalf = 0.70710678f, kPhiScale = 0.39894228f;
constexpr double kWidePhiScale = 0.3989422804014327;  // 1 / sqrt(2 pi)

double gelu_slope(double x) {
  return 0.5 * std::erfc(-x * 0.70710678118654752) + x * kWidePhiScale * std::exp(-0.5 * x * x);
}

double silu_slope(double x) {
  const double s = 1.0 / (1.0 + std::exp(-x));
  return s * (1.0 + x * (1.0 - s));
}

ASSAY_PAIR_ANY(GeluGrad, b * (0.5f + 0.5f * vm::erf(a * kRootHalf) + a * kPhiScale * vm::exp(-0.5f * a * a)),
               static_cast<W>(static_cast<double>(b) * gelu_slope(static_cast<double>(a))))
struct SiluGrad {
  static ASSAY_INLINE float f(float a, float b) {
    const float s = vm::sigmoid(a);
    return b * s * (1.0f + a * (1.0f - s));
  }
  template <class W>
  static W wide_f(W a, W b) {
    return static_cast<W>(static_cast<double>(b) * silu_slope(static_cast<double>(a)));
  }
};

// `self` is linear in b; `curvature` is the derivative of its slope at a.
VjpFn linear_in_b(const char* self, Value (*curvature)(Value a)) {
  return [self, curvature](const VjpArgs& v) {
    std::vector<Value> grads(2);
    const Value a = v.in[0], b = v.in[1], g = v.cotangents[0];
    if (v.wanted[0]) grads[0] = reduce_to(g * b * curvature(a), shape_of(a));
    if (v.wanted[1]) grads[1] = reduce_to(call(self, {a, g}), shape_of(b));
    return grads;
  };
}

// phi(a) (2 - a^2)
Value gelu_curvature(Value a) {
  const Value square = a * a;
  return call("exp", {square * -0.5}) * kWidePhiScale * (-square + 2.0);
}

// s (1 - s) (2 + a (1 - 2 s))
Value silu_curvature(Value a) {
  const Value s = call("sigmoid", {a});
  return s * (-s + 1.0) * (a * (s * -2.0 + 1.0) + 2.0);
}

}  // namespace

void register_activation_grads(Registry& registry) {
  add_pair(registry, pair_op<GeluGrad>("gelu_grad", "", "b times the slope of gelu at a", kReals),
           linear_in_b("gelu_grad", gelu_curvature));
  add_pair(registry, pair_op<SiluGrad>("silu_grad", "", "b times the slope of silu at a", kReals),
           linear_in_b("silu_grad", silu_curvature));
}

}  // namespace assay::engine
