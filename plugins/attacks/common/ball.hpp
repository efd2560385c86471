// Geometry of threat models: lengths, projections onto a ball around the clean input intersected with the valid range,
// and random points of the ball. Sums are double, in the order of the elements.
#pragma once

#include "points.hpp"

namespace attacks {

// ||a - b||
inline double distance(Norm norm, ConstRow a, ConstRow b) {
  double total = 0;
  for (std::size_t j = 0; j < a.size(); ++j) {
    const double d = std::abs(static_cast<double>(a[j]) - static_cast<double>(b[j]));
    total = norm == Norm::linf ? std::max(total, d) : total + (norm == Norm::l2 ? d * d : d);
  }
  return norm == Norm::l2 ? std::sqrt(total) : total;
}
inline double length(Norm norm, ConstRow a) {
  double total = 0;
  for (const float value : a) {
    const double d = std::abs(static_cast<double>(value));
    total = norm == Norm::linf ? std::max(total, d) : total + (norm == Norm::l2 ? d * d : d);
  }
  return norm == Norm::l2 ? std::sqrt(total) : total;
}

inline void clip(ConstRow lo, ConstRow hi, Row x) {
  for (std::size_t j = 0; j < x.size(); ++j) x[j] = std::min(std::max(x[j], lo[j]), hi[j]);
}

namespace detail {

// x = clean + factor * (x - clean)
inline void shrink(ConstRow clean, double factor, Row x) {
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double base = clean[j];
    x[j] = static_cast<float>(base + factor * (static_cast<double>(x[j]) - base));
  }
}
// Rounding to float may leave a row a last bit outside: drawn in until it is not.
inline void settle(Norm norm, ConstRow clean, double eps, Row x) {
  double margin = 1e-8, d = distance(norm, x, clean);
  while (d > eps) {
    if (margin > 1e-2 || eps <= 0) return copy(clean, x);
    shrink(clean, eps / d * (1 - margin), x);
    d = distance(norm, x, clean);
    margin *= 4;
  }
}

// Soft threshold of a step d by t, then cut to [lo, hi]: the L1 projection's answer for a given multiplier.
inline double softened(double d, double t, double lo, double hi) {
  const double soft = d > t ? d - t : d < -t ? d + t : 0.0;
  return std::min(std::max(soft, lo), hi);
}
// Euclidean projection onto {||x - clean||_1 <= eps} and the range: by its optimality conditions each step is softened
// by one threshold t >= 0 and cut; the length falls in t, so bisection finds it (Croce & Hein, ICML 2021, prop. 2.1).
inline void project_l1(ConstRow clean, ConstRow lo, ConstRow hi, double eps, Row x) {
  const auto total = [&](double t) {
    double sum = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double base = clean[j];
      sum += std::abs(softened(static_cast<double>(x[j]) - base, t, static_cast<double>(lo[j]) - base,
                               static_cast<double>(hi[j]) - base));
    }
    return sum;
  };
  double low = 0, high = distance(Norm::linf, x, clean);
  if (total(0) <= eps) high = 0;
  for (int i = 0; i < 60 && high > 0; ++i) {
    const double middle = 0.5 * (low + high);
    (total(middle) > eps ? low : high) = middle;
  }
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double base = clean[j];
    x[j] = static_cast<float>(base + softened(static_cast<double>(x[j]) - base, high, static_cast<double>(lo[j]) - base,
                                              static_cast<double>(hi[j]) - base));
  }
}

}  // namespace detail

// Sample i's point x into the threat model. L-inf and L1: the Euclidean projection onto ball and range together. L2:
// onto the ball, then cut to the range, as the papers do; the clean input lies in the range, so the cut stays in the
// ball.
inline void project(const Problem& problem, std::size_t i, Row x) {
  const ConstRow clean = problem.x.row(i), lo = problem.lo.row(i), hi = problem.hi.row(i);
  const double eps = problem.eps;
  if (problem.norm == Norm::l1) {
    detail::project_l1(clean, lo, hi, eps, x);
  } else if (problem.norm == Norm::l2) {
    const double d = distance(Norm::l2, x, clean);
    if (d > eps) detail::shrink(clean, eps / d, x);
  } else {
    const auto radius = static_cast<float>(eps);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = std::min(std::max(x[j], clean[j] - radius), clean[j] + radius);
  }
  clip(lo, hi, x);
  if (problem.norm != Norm::linf) detail::settle(problem.norm, clean, eps, x);
}

// Points at distance eps in a random direction, projected. L-inf: the direction is uniform in the cube and scaled to
// touch it; L2: Gaussian; L1: of Laplace elements, which is uniform on the sphere.
inline Points on_sphere(const Problem& problem, const Index& rows, std::uint64_t index) {
  Points x =
      problem.norm == Norm::l2 ? problem.normal("start", rows, index) : problem.uniform("start", rows, -1, 1, index);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const Row row = x.row(r);
    if (problem.norm == Norm::l1) {
      for (float& u : row) u = std::copysign(-std::log(std::max(1 - std::abs(u), 1e-7f)), u);
    }
    const double scale = problem.eps / std::max(length(problem.norm, row), 1e-30);
    const ConstRow clean = problem.x.row(rows[r]);
    for (std::size_t j = 0; j < row.size(); ++j) {
      row[j] = static_cast<float>(static_cast<double>(clean[j]) + scale * static_cast<double>(row[j]));
    }
    project(problem, rows[r], row);
  }
  return x;
}

}  // namespace attacks
