#include "results/stats/distributions.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace assay::stats::detail {

namespace bm = boost::math;

double normal_cdf(double z) { return bm::cdf(bm::normal(), z); }
double normal_quantile(double p) { return bm::quantile(bm::normal(), p); }
double student_cdf(double t, double df) { return bm::cdf(bm::students_t(df), t); }
double student_quantile(double p, double df) { return bm::quantile(bm::students_t(df), p); }
double noncentral_t_cdf(double t, double df, double noncentrality) {
  return bm::cdf(bm::non_central_t(df, noncentrality), t);
}
double chi_squared_tail(double x, double df) { return bm::cdf(bm::complement(bm::chi_squared(df), x)); }
double f_tail(double x, double df1, double df2) { return bm::cdf(bm::complement(bm::fisher_f(df1, df2), x)); }

double binomial_pmf(std::int64_t k, std::int64_t n, double p) {
  return bm::pdf(bm::binomial(static_cast<double>(n), p), static_cast<double>(k));
}

double binomial_cdf(std::int64_t k, std::int64_t n, double p) {
  if (k < 0) return 0;
  return k >= n ? 1 : bm::cdf(bm::binomial(static_cast<double>(n), p), static_cast<double>(k));
}

double studentized_range_tail(double q, int k) {
  // P(range <= q) = k int phi(z) (Phi(z) - Phi(z - q))^(k-1) dz over the largest value z. The integrand is analytic and
  // falls off on both sides, so the trapezoid rule converges exponentially; beyond 9 nothing is left in double.
  if (!(q > 0)) return 1;
  constexpr double step = 1.0 / 32, reach = 9;
  const double norm = step / std::sqrt(2 * 3.14159265358979323846);
  double sum = 0;
  for (int i = 0; i <= 2 * reach / step; ++i) {
    const double z = -reach + i * step;
    sum += std::exp(-z * z / 2) * std::pow(normal_cdf(z) - normal_cdf(z - q), k - 1);
  }
  return std::clamp(1 - k * norm * sum, 0.0, 1.0);
}

}  // namespace assay::stats::detail
