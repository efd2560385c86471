// The distributions that the tests of this folder need, in one place, so that Boost.Math is compiled once. Inside of
// the statistics. [any-thread] Arguments are checked by the callers.
#pragma once

#include <cstdint>

namespace assay::stats::detail {

double normal_cdf(double z);
double normal_quantile(double p);  // p in (0, 1)
double student_cdf(double t, double df);
double student_quantile(double p, double df);
double noncentral_t_cdf(double t, double df, double noncentrality);
double chi_squared_tail(double x, double df);     // P(X > x)
double f_tail(double x, double df1, double df2);  // P(X > x)
double binomial_pmf(std::int64_t k, std::int64_t n, double p);
double binomial_cdf(std::int64_t k, std::int64_t n, double p);  // P(X <= k); 0 below 0, 1 from n on
// P(range of k independent standard normals > q): the studentized range with infinitely many degrees of freedom.
double studentized_range_tail(double q, int k);

}  // namespace assay::stats::detail
