#include "harness/metrics/timing.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"

namespace assay::metrics {
namespace {

// P(X = k), X ~ Binomial(n, 1/2).
double half_binomial(std::size_t n, std::size_t k) {
  const auto log_factorial = [](std::size_t i) { return std::lgamma(static_cast<double>(i) + 1); };
  return std::exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) - static_cast<double>(n) * std::log(2.0));
}

}  // namespace

MedianInterval median_interval(std::vector<double> values, double level) {
  if (values.empty()) throw Error(Fault::internal, "median of no values");
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  MedianInterval result;
  result.median = n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
  // [values[cut], values[n - 1 - cut]] misses the median when at most `cut` values lie on one side of it.
  std::size_t cut = 0;
  double tail = half_binomial(n, 0);
  while (2 * (cut + 1) < n) {
    const double wider = tail + half_binomial(n, cut + 1);
    if (1 - 2 * wider < level) break;
    tail = wider;
    ++cut;
  }
  result.low = values[cut];
  result.high = values[n - 1 - cut];
  result.level = std::max(0.0, 1 - 2 * tail);
  return result;
}

}  // namespace assay::metrics
