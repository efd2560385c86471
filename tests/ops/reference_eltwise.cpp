// Unary and binary elementwise ops, where, expand_like.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {

Function unary(const std::function<double(double x, const Attrs& attrs)>& f) {
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

Function plain(double (*f)(double)) {
  return unary([f](double x, const Attrs&) { return f(x); });
}

Function pairwise(const std::function<double(double a, double b)>& f) {
  return [f](const Arrays& in, const Attrs&) {
    Array out(broadcast(in));
    for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = f(in[0].at(i), in[1].at(i)); });
    return Arrays{out};
  };
}

namespace {

double sign(double x) { return x > 0 ? 1 : (x < 0 ? -1 : 0); }

void add_unary(Table& t) {
  t["neg"] = plain([](double x) { return -x; });
  t["exp"] = plain([](double x) { return std::exp(x); });
  t["log"] = plain([](double x) { return std::log(x); });
  t["sqrt"] = plain([](double x) { return std::sqrt(x); });
  t["rsqrt"] = plain([](double x) { return 1 / std::sqrt(x); });
  t["abs"] = plain([](double x) { return std::fabs(x); });
  t["sign"] = plain(sign);
  t["step"] = plain([](double x) { return x > 0 ? 1.0 : 0.0; });
  t["square"] = plain([](double x) { return x * x; });
  t["reciprocal"] = plain([](double x) { return 1 / x; });
  t["safe_reciprocal"] = plain([](double x) { return x == 0 ? 0 : 1 / x; });
  t["erf"] = plain([](double x) { return std::erf(x); });
  t["sin"] = plain([](double x) { return std::sin(x); });
  t["cos"] = plain([](double x) { return std::cos(x); });
  t["floor"] = plain([](double x) { return std::floor(x); });
  t["ceil"] = plain([](double x) { return std::ceil(x); });
  t["round"] = plain([](double x) { return std::nearbyint(x); });
  t["affine"] = unary([](double x, const Attrs& a) { return x * a.real("scale", 1) + a.real("shift", 0); });
  t["expm1"] = plain([](double x) { return std::expm1(x); });
  t["log1p"] = plain([](double x) { return std::log1p(x); });
  t["trunc"] = plain([](double x) { return std::trunc(x); });
  t["tan"] = plain([](double x) { return std::sin(x) / std::cos(x); });
  t["asin"] = plain([](double x) { return std::asin(x); });
  t["acos"] = plain([](double x) { return std::acos(x); });
  t["atan"] = plain([](double x) { return std::atan(x); });
  t["sinh"] = plain([](double x) { return (std::exp(x) - std::exp(-x)) / 2; });
  t["cosh"] = plain([](double x) { return (std::exp(x) + std::exp(-x)) / 2; });
  t["asinh"] = plain([](double x) { return std::log(x + std::sqrt(x * x + 1)); });
  t["acosh"] = plain([](double x) { return std::log(x + std::sqrt(x * x - 1)); });
  t["atanh"] = plain([](double x) { return std::log((1 + x) / (1 - x)) / 2; });
  t["isnan"] = plain([](double x) { return std::isnan(x) ? 1.0 : 0.0; });
  t["isinf"] = plain([](double x) { return std::isinf(x) ? 1.0 : 0.0; });
  t["safe_pow"] = unary([](double x, const Attrs& a) { return x > 0 ? std::pow(x, a.real("exponent", 2)) : 0.0; });
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
  t["not_equal"] = pairwise([](double a, double b) { return a != b ? 1.0 : 0.0; });
  t["prelu"] = pairwise([](double a, double b) { return a > 0 ? a : a * b; });
  t["relu6_grad"] = pairwise([](double y, double g) { return y > 0 && y < 6 ? g : 0.0; });
  t["relu_grad"] = pairwise([](double y, double g) { return y > 0 ? g : 0.0; });
  // By finite differences of the activation itself, to which the slope was not known.
  const auto slope = [](double (*f)(double)) {
    return pairwise([f](double x, double g) { return g * (f(x + 1e-5) - f(x - 1e-5)) / 2e-5; });
  };
  t["gelu_grad"] = slope([](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); });
  t["silu_grad"] = slope([](double x) { return x / (1 + std::exp(-x)); });
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
}

}  // namespace assay::engine::reference
