// Geometry of threat models: lengths, projections onto a ball around the clean input intersected with the valid range,
// and random points of the ball. Sums are double, in the order of the elements.
#pragma once

#include "points.hpp"

namespace attacks {

namespace detail {

inline double accumulate(Norm norm, double total, double d) {
  switch (norm) {
    case Norm::linf:
      return std::max(total, d);
    case Norm::l2:
      return total + d * d;
    case Norm::l1:
      return total + d;
    case Norm::l0:
      return total + (d != 0 ? 1 : 0);
  }
  return total;
}

}  // namespace detail

// ||a - b||; l0 counts the elements that differ.
inline double distance(Norm norm, ConstRow a, ConstRow b) {
  double total = 0;
  for (std::size_t j = 0; j < a.size(); ++j) {
    total = detail::accumulate(norm, total, std::abs(static_cast<double>(a[j]) - static_cast<double>(b[j])));
  }
  return norm == Norm::l2 ? std::sqrt(total) : total;
}
inline double length(Norm norm, ConstRow a) {
  double total = 0;
  for (const float value : a) total = detail::accumulate(norm, total, std::abs(static_cast<double>(value)));
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

// The threshold t >= 0 at which sum_j min(max(size_j - t, 0), room_j) = eps; 0 where the sum is below eps already. The
// sum is piecewise linear: element j falls from t = size_j - room_j to t = size_j, and the breakpoints are walked in
// order.
inline double l1_threshold(const std::vector<double>& size, const std::vector<double>& room, double eps) {
  double sum = 0, falling = 0, at = 0;
  std::vector<std::pair<double, double>> turns;  // threshold, change of the number of falling elements
  for (std::size_t j = 0; j < size.size(); ++j) {
    sum += std::min(size[j], room[j]);
    if (size[j] <= 0 || room[j] <= 0) continue;
    turns.emplace_back(std::max(size[j] - room[j], 0.0), 1.0);
    turns.emplace_back(size[j], -1.0);
  }
  if (sum <= eps) return 0;
  std::sort(turns.begin(), turns.end());
  for (const auto& [threshold, change] : turns) {
    const double next = sum - falling * (threshold - at);
    if (next <= eps) break;
    sum = next;
    at = threshold;
    falling += change;
  }
  return falling > 0 ? at + (sum - eps) / falling : at;
}
// Euclidean projection onto {||x - clean||_1 <= eps} and the range together: by its optimality conditions each step is
// softened by one threshold and cut at the range (Croce & Hein, ICML 2021, proposition 2.1). Exact, by sorting.
inline void project_l1(ConstRow clean, ConstRow lo, ConstRow hi, double eps, Row x) {
  std::vector<double> size(x.size()), room(x.size());
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double base = clean[j], d = static_cast<double>(x[j]) - base;
    size[j] = std::abs(d);
    room[j] = d > 0 ? static_cast<double>(hi[j]) - base : base - static_cast<double>(lo[j]);
  }
  const double t = l1_threshold(size, room, eps);
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double base = clean[j], kept = std::min(std::max(size[j] - t, 0.0), room[j]);
    if (kept == room[j] && kept > 0) {
      x[j] = x[j] > clean[j] ? hi[j] : lo[j];  // on the bound, not a rounding beside it
    } else {
      x[j] = static_cast<float>(static_cast<double>(x[j]) > base ? base + kept : base - kept);
    }
  }
}

// Euclidean projection onto at most eps changed elements within the range: those stay, cut to the range, whose return
// to the clean value would cost most (Croce & Hein, ICCV 2019, section 4).
inline void project_l0(ConstRow clean, ConstRow lo, ConstRow hi, double eps, Row x) {
  std::vector<double> gain(x.size());
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double moved = static_cast<double>(x[j]) - static_cast<double>(clean[j]);
    const double beyond = static_cast<double>(x[j]) - static_cast<double>(std::min(std::max(x[j], lo[j]), hi[j]));
    gain[j] = moved * moved - beyond * beyond;
  }
  Index order = every(x.size());
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return gain[a] > gain[b]; });
  for (auto k = static_cast<std::size_t>(std::max(eps, 0.0)); k < order.size(); ++k) x[order[k]] = clean[order[k]];
}

}  // namespace detail

// Sample i's point x into the threat model. L-inf, L1 and L0: the Euclidean projection onto ball and range together.
// L2: onto the ball, then cut to the range, as the papers do; the clean input lies in the range, so the cut stays in
// the ball.
inline void project(const Problem& problem, std::size_t i, Row x, double eps) {
  const ConstRow clean = problem.x.row(i), lo = problem.lo.row(i), hi = problem.hi.row(i);
  if (problem.norm == Norm::l1) {
    detail::project_l1(clean, lo, hi, eps, x);
  } else if (problem.norm == Norm::l0) {
    detail::project_l0(clean, lo, hi, eps, x);
  } else if (problem.norm == Norm::l2) {
    const double d = distance(Norm::l2, x, clean);
    if (d > eps) detail::shrink(clean, eps / d, x);
  } else {
    const auto radius = static_cast<float>(eps);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = std::min(std::max(x[j], clean[j] - radius), clean[j] + radius);
  }
  clip(lo, hi, x);
  if (problem.norm == Norm::l2 || problem.norm == Norm::l1) detail::settle(problem.norm, clean, eps, x);
}
inline void project(const Problem& problem, std::size_t i, Row x) { project(problem, i, x, problem.eps); }

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
