// Unary and binary elementwise ops, where, expand_like.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

using Scalar = std::function<double(double x, const Attrs& a)>;
using Pair = std::function<double(double a, double b)>;

Function unary(const Scalar& f) {
  return [f](const Arrays& in, const Attrs& attrs) {
    Array out(in[0].shape);
    for (std::size_t i = 0; i < out.v.size(); ++i) out.v[i] = f(in[0].v[i], attrs);
    return Arrays{out};
  };
}

Shape broadcast(const Arrays& in) {
  std::size_t rank = 0;
  for (const Array& a : in) rank = std::max(rank, a.shape.size());
  Shape shape(rank, 1);
  for (const Array& a : in) {
    for (std::size_t i = 0; i < a.shape.size(); ++i) {
      std::int64_t& extent = shape[rank - a.shape.size() + i];
      if (a.shape[i] != 1) extent = a.shape[i];
    }
  }
  return shape;
}

Function pairwise(const Pair& f) {
  return [f](const Arrays& in, const Attrs&) {
    Array out(broadcast(in));
    for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = f(in[0].at(i), in[1].at(i)); });
    return Arrays{out};
  };
}

double phi(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double sign(double x) { return x > 0 ? 1 : (x < 0 ? -1 : 0); }

void add_unary(Table& t) {
  const auto plain = [&](const char* name, double (*f)(double)) {
    t[name] = unary([f](double x, const Attrs&) { return f(x); });
  };
  plain("neg", [](double x) { return -x; });
  plain("exp", [](double x) { return std::exp(x); });
  plain("log", [](double x) { return std::log(x); });
  plain("sqrt", [](double x) { return std::sqrt(x); });
  plain("rsqrt", [](double x) { return 1 / std::sqrt(x); });
  plain("abs", [](double x) { return std::fabs(x); });
  plain("sign", sign);
  plain("step", [](double x) { return x > 0 ? 1.0 : 0.0; });
  plain("square", [](double x) { return x * x; });
  plain("reciprocal", [](double x) { return 1 / x; });
  plain("safe_reciprocal", [](double x) { return x == 0 ? 0 : 1 / x; });
  plain("erf", [](double x) { return std::erf(x); });
  plain("sin", [](double x) { return std::sin(x); });
  plain("cos", [](double x) { return std::cos(x); });
  plain("floor", [](double x) { return std::floor(x); });
  plain("ceil", [](double x) { return std::ceil(x); });
  plain("round", [](double x) { return std::nearbyint(x); });
  plain("relu", [](double x) { return std::max(x, 0.0); });
  plain("sigmoid", sigmoid);
  plain("tanh", [](double x) { return std::tanh(x); });
  plain("gelu", [](double x) { return x * phi(x); });
  plain("gelu_tanh", [](double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * std::pow(x, 3))));
  });
  plain("silu", [](double x) { return x * sigmoid(x); });
  plain("hardswish", [](double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; });
  plain("hardsigmoid", [](double x) { return std::clamp(x + 3, 0.0, 6.0) / 6; });
  plain("softplus", [](double x) { return std::log1p(std::exp(x)); });
  t["affine"] = unary([](double x, const Attrs& a) { return x * a.real("scale", 1) + a.real("shift", 0); });
  t["pow"] = unary([](double x, const Attrs& a) { return std::pow(x, a.real("exponent", 2)); });
  t["elu"] = unary([](double x, const Attrs& a) { return x > 0 ? x : a.real("alpha", 1) * std::expm1(x); });
  t["leaky_relu"] = unary([](double x, const Attrs& a) { return x > 0 ? x : a.real("alpha", 0.01) * x; });
  t["clamp"] = unary([](double x, const Attrs& a) {
    return std::min(std::max(x, a.real("min", -INFINITY)), a.real("max", INFINITY));
  });
  t["in_range"] = unary([](double x, const Attrs& a) {
    return x >= a.real("min", -INFINITY) && x <= a.real("max", INFINITY) ? 1.0 : 0.0;
  });
}

void add_binary(Table& t) {
  t["add"] = pairwise([](double a, double b) { return a + b; });
  t["sub"] = pairwise([](double a, double b) { return a - b; });
  t["mul"] = pairwise([](double a, double b) { return a * b; });
  t["div"] = pairwise([](double a, double b) { return a / b; });
  t["maximum"] = pairwise([](double a, double b) { return std::max(a, b); });
  t["minimum"] = pairwise([](double a, double b) { return std::min(a, b); });
  t["greater"] = pairwise([](double a, double b) { return a > b ? 1.0 : 0.0; });
  t["greater_equal"] = pairwise([](double a, double b) { return a >= b ? 1.0 : 0.0; });
  t["less"] = pairwise([](double a, double b) { return a < b ? 1.0 : 0.0; });
  t["less_equal"] = pairwise([](double a, double b) { return a <= b ? 1.0 : 0.0; });
  t["equal"] = pairwise([](double a, double b) { return a == b ? 1.0 : 0.0; });
  t["relu6_grad"] = pairwise([](double y, double g) { return y > 0 && y < 6 ? g : 0.0; });
  t["relu_grad"] = pairwise([](double y, double g) { return y > 0 ? g : 0.0; });
  t["expand_like"] = pairwise([](double, double b) { return b; });
}

Function three(const std::function<double(double, double, double)>& f) {
  return [f](const Arrays& in, const Attrs&) {
    Array out(broadcast(in));
    for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = f(in[0].at(i), in[1].at(i), in[2].at(i)); });
    return Arrays{out};
  };
}

}  // namespace

void add_eltwise(Table& t) {
  add_unary(t);
  add_binary(t);
  t["where"] = three([](double mask, double a, double b) { return mask != 0 ? a : b; });
  t["clamp_between"] = three([](double x, double lo, double hi) { return std::min(std::max(x, lo), hi); });
  t["fake_quantize"] = [](const Arrays& in, const Attrs& attrs) {
    Array y(in[0].shape);
    const std::size_t channel = axis(attrs.integer("axis", 0), y.shape.size());
    for_each_index(y.shape, [&](const Shape& i) {
      const double scale = in[1].shape.empty() ? in[1].v[0] : in[1].at({i[channel]});
      const double low = static_cast<double>(attrs.integer("low", 0)), high = static_cast<double>(attrs.integer("high", 255));
      y.ref(i) = std::min(high, std::max(low, std::nearbyint(in[0].at(i) / scale))) * scale;
    });
    return Arrays{y};
  };
}

}  // namespace assay::engine::reference
