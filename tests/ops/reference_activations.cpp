// Activation functions.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

double phi(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void add_smooth(Table& t) {
  t["sigmoid"] = plain(sigmoid);
  t["tanh"] = plain([](double x) { return std::tanh(x); });
  t["gelu"] = plain([](double x) { return x * phi(x); });
  t["gelu_tanh"] = plain([](double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * std::pow(x, 3))));
  });
  t["quick_gelu"] = unary([](double x, const Attrs& a) { return x * sigmoid(a.real("alpha", 1.702) * x); });
  t["silu"] = plain([](double x) { return x * sigmoid(x); });
  t["softplus"] = plain([](double x) { return std::log1p(std::exp(x)); });
  t["log_sigmoid"] = plain([](double x) { return x < -30 ? x - std::exp(x) : std::log(sigmoid(x)); });
  t["softsign"] = plain([](double x) { return x / (1 + std::fabs(x)); });
  t["mish"] = plain([](double x) { return x * std::tanh(std::log1p(std::exp(x))); });
}

void add_pieces(Table& t) {
  t["relu"] = plain([](double x) { return std::max(x, 0.0); });
  t["hard_swish"] = plain([](double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; });
  t["hard_sigmoid"] = unary([](double x, const Attrs& a) {
    return std::clamp(a.real("alpha", 1.0 / 6) * x + a.real("beta", 0.5), 0.0, 1.0);
  });
  t["elu"] = unary([](double x, const Attrs& a) { return x > 0 ? x : a.real("alpha", 1) * std::expm1(x); });
  t["selu"] = unary([](double x, const Attrs& a) {
    const double alpha = a.real("alpha", 1.6732632423543772), gamma = a.real("gamma", 1.0507009873554805);
    return gamma * (std::max(x, 0.0) + std::min(0.0, alpha * std::expm1(x)));
  });
  t["celu"] = unary([](double x, const Attrs& a) {
    const double alpha = a.real("alpha", 1);
    return std::max(x, 0.0) + std::min(0.0, alpha * std::expm1(x / alpha));
  });
  t["leaky_relu"] = unary([](double x, const Attrs& a) { return x > 0 ? x : a.real("alpha", 0.01) * x; });
  t["thresholded_relu"] = unary([](double x, const Attrs& a) { return x > a.real("alpha", 1) ? x : 0.0; });
  t["shrink"] = unary([](double x, const Attrs& a) {
    const double lambda = a.real("lambd", 0.5), bias = a.real("bias", 0);
    if (x < -lambda) return x + bias;
    return x > lambda ? x - bias : 0.0;
  });
}

}  // namespace

void add_activations(Table& t) {
  add_smooth(t);
  add_pieces(t);
}

}  // namespace assay::engine::reference
