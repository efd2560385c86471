#include "harness/metrics/binomial.hpp"

#include <boost/math/distributions/binomial.hpp>

namespace assay::metrics {

using Binomial = boost::math::binomial;

double binomial_lower(std::int64_t k, std::int64_t n, double tail) {
  return k == 0 ? 0 : Binomial::find_lower_bound_on_p(static_cast<double>(n), static_cast<double>(k), tail);
}

double binomial_upper(std::int64_t k, std::int64_t n, double tail) {
  return k == n ? 1 : Binomial::find_upper_bound_on_p(static_cast<double>(n), static_cast<double>(k), tail);
}

}  // namespace assay::metrics
