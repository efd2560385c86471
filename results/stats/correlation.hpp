// Correlations and straight lines of paired values. Pure and deterministic. [any-thread] Throws Error(bad_input) on
// unequal lengths, NaN, or fewer than two pairs. What is not defined because one side does not vary is NaN.
#pragma once

#include <span>
#include <vector>

namespace assay::stats {

double pearson(std::span<const double> x, std::span<const double> y);
// Pearson's correlation of midranks (Spearman 1904).
double spearman(std::span<const double> x, std::span<const double> y);
// Kendall's tau-b (1945): ties are corrected for on both sides. O(n^2).
double kendall(std::span<const double> x, std::span<const double> y);
// Weighted tau with hyperbolic weights 1 / (r + 1) + 1 / (s + 1) of a pair with ranks r and s from 0, the highest first
// (Vigna 2015), the mean of ranking by x (ties by y) and by y (ties by x): mistakes among the best count most. Equal to
// scipy's weightedtau. O(n^2).
double weighted_tau(std::span<const double> x, std::span<const double> y);

// Least squares y = intercept + slope x. r2: share of y's variance that it explains, 1 where y does not vary.
struct Line {
  double slope = 0, intercept = 0, r2 = 0;
};
Line fit_line(std::span<const double> x, std::span<const double> y);

// Area under the polygon through the points, which stand in increasing order of x, over its width: the mean height.
double mean_height(std::span<const double> x, std::span<const double> y);
// The first x at which a - b changes sign or is 0, linear between points that stand in increasing order of x. NaN: never.
struct Crossing {
  std::span<const double> a, b;
};
double first_crossing(std::span<const double> x, const Crossing& curves);

}  // namespace assay::stats
