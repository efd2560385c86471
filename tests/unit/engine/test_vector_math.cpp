// The vectorised elementary functions against the C library in double.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "harness/engine/ops/vector_math.hpp"

using namespace assay::engine;

namespace {

// The largest error over a sweep, in units in the last place of the f32 result, or absolute.
double worst(double lo, double hi, float (*f)(float), const std::function<double(double)>& exact, bool absolute) {
  double largest = 0;
  const int steps = 200000;
  for (int i = 0; i <= steps; ++i) {
    const float x = static_cast<float>(lo + (hi - lo) * i / steps);
    const double want = exact(static_cast<double>(x));
    const float rounded = static_cast<float>(want);
    const double unit =
        static_cast<double>(std::nextafter(std::fabs(rounded), INFINITY)) - std::fabs(static_cast<double>(rounded));
    const double gap = std::fabs(static_cast<double>(f(x)) - want);
    largest = std::max(largest, absolute ? gap : gap / unit);
  }
  return largest;
}

float exp_of(float x) { return vm::exp(x); }
float expm1_of(float x) { return vm::expm1(x); }
float log_of(float x) { return vm::log(x); }
float tanh_of(float x) { return vm::tanh(x); }
float erf_of(float x) { return vm::erf(x); }
float sigmoid_of(float x) { return vm::sigmoid(x); }
float softplus_of(float x) { return vm::softplus(x); }

}  // namespace

TEST_CASE("accuracy") {
  CHECK(worst(
            -87, 88.7, exp_of, [](double x) { return std::exp(x); }, false) < 2);
  CHECK(worst(
            -40, 88.7, expm1_of, [](double x) { return std::expm1(x); }, false) < 4);
  CHECK(worst(
            -1e-3, 1e-3, expm1_of, [](double x) { return std::expm1(x); }, false) < 2);
  CHECK(worst(
            1e-6, 4, log_of, [](double x) { return std::log(x); }, false) < 2);
  CHECK(worst(
            1, 1e30, log_of, [](double x) { return std::log(x); }, false) < 2);
  CHECK(worst(
            -12, 12, tanh_of, [](double x) { return std::tanh(x); }, false) < 4);
  CHECK(worst(
            -6, 6, erf_of, [](double x) { return std::erf(x); }, true) < 2e-7);
  CHECK(worst(
            -80, 80, sigmoid_of, [](double x) { return 1 / (1 + std::exp(-x)); }, false) < 4);
  CHECK(worst(
            -60, 60, softplus_of, [](double x) { return x > 30 ? x + std::exp(-x) : std::log1p(std::exp(x)); }, false) <
        4);
}

TEST_CASE("ends of the range") {
  const float inf = INFINITY;
  CHECK(vm::exp(-inf) == 0.0f);
  CHECK(vm::exp(inf) == inf);
  CHECK(vm::exp(0.0f) == 1.0f);
  CHECK(vm::exp(-100.0f) == doctest::Approx(std::exp(-100.0)).epsilon(0.2));  // subnormal
  CHECK(std::isnan(vm::exp(NAN)));
  CHECK(vm::expm1(-inf) == -1.0f);
  CHECK(vm::expm1(inf) == inf);
  CHECK(vm::expm1(0.0f) == 0.0f);
  CHECK(std::isnan(vm::expm1(NAN)));
  CHECK(vm::log(0.0f) == -inf);
  CHECK(vm::log(inf) == inf);
  CHECK(std::isnan(vm::log(-1.0f)));
  CHECK(vm::log(1e-42f) == doctest::Approx(std::log(static_cast<double>(1e-42f))));
  CHECK(vm::tanh(inf) == 1.0f);
  CHECK(vm::tanh(-inf) == -1.0f);
  CHECK(std::isnan(vm::tanh(NAN)));
  CHECK(vm::erf(inf) == 1.0f);
  CHECK(std::isnan(vm::erf(NAN)));
  CHECK(vm::softplus(200.0f) == 200.0f);
  CHECK(vm::softplus(-200.0f) == 0.0f);
  CHECK(vm::sigmoid(-200.0f) == 0.0f);
  CHECK(vm::sigmoid(200.0f) == 1.0f);
}
