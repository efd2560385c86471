// Products, norms and logarithms of sums over axes.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

double sum_of(const std::vector<double>& v, double (*f)(double)) {
  return std::accumulate(v.begin(), v.end(), 0.0, [f](double s, double x) { return s + f(x); });
}

}  // namespace

void add_more_reductions(Table& t) {
  t["reduce_prod"] = reduction([](const auto& v) {
    return std::accumulate(v.begin(), v.end(), 1.0, [](double p, double x) { return p * x; });
  });
  t["reduce_sum_square"] = reduction([](const auto& v) { return sum_of(v, [](double x) { return x * x; }); });
  t["reduce_log_sum"] = reduction([](const auto& v) { return std::log(sum_of(v, [](double x) { return x; })); });
  t["reduce_log_sum_exp"] =
      reduction([](const auto& v) { return std::log(sum_of(v, [](double x) { return std::exp(x); })); });
}

}  // namespace assay::engine::reference
