// What attacks that see nothing but labels share: the question, a starting point, the walk back to the boundary.
#pragma once

#include "ball.hpp"

namespace attacks {

// Whether the class of row r is one that sample rows[r]'s attack aims at; one forward pass a row.
inline std::vector<char> decide(const Problem& problem, const Index& rows, const Points& x) {
  problem.run.check();
  const assay::Tensor labels = problem.model.predict(problem.tensor(x));
  std::vector<char> aims;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    aims.push_back((labels.ints()[r] == problem.y[rows[r]]) == problem.targeted ? 1 : 0);
  }
  return aims;
}

// The search of a batch: `x` is a misclassified point wherever `found`.
struct Boundary {
  Points x;
  std::vector<char> found;
  double distance(const Problem& problem, std::size_t i) const {
    return attacks::distance(problem.norm, x.row(i), problem.x.row(i));
  }
};

// Uniform points of the range until one is misclassified, at most `tries`; clean inputs that are so already are kept.
inline Boundary start_anywhere(const Problem& problem, std::int64_t tries) {
  Boundary at{problem.x, decide(problem, every(problem.count()), problem.x)};
  for (std::int64_t t = 0; t < tries; ++t) {
    Index rows;
    for (std::size_t i = 0; i < problem.count(); ++i) {
      if (!at.found[i]) rows.push_back(i);
    }
    if (rows.empty()) break;
    Points x = problem.uniform("anywhere", rows, 0, 1, static_cast<std::uint64_t>(t));
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const ConstRow lo = problem.lo.row(rows[r]), hi = problem.hi.row(rows[r]);
      for (std::size_t j = 0; j < x.size; ++j) x.row(r)[j] = lo[j] + x.row(r)[j] * (hi[j] - lo[j]);
    }
    const std::vector<char> aims = decide(problem, rows, x);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (!aims[r]) continue;
      at.found[rows[r]] = 1;
      copy(x.row(r), at.x.row(rows[r]));
    }
  }
  return at;
}

// Samples with a point that is still farther than the radius (or, when `minimal`, any that is not the clean input).
inline Index far(const Problem& problem, const Boundary& at, bool minimal) {
  Index rows;
  for (std::size_t i = 0; i < problem.count(); ++i) {
    if (at.found[i] && at.distance(problem, i) > (minimal ? 0.0 : problem.eps)) rows.push_back(i);
  }
  return rows;
}

// The part of the way from the clean input to `from`. L2: on the line; L-inf: cut to a cube of that share of the
// length.
inline void part_way(const Problem& problem, std::size_t i, ConstRow from, double share, Row out) {
  const ConstRow clean = problem.x.row(i);
  const double radius = problem.norm == Norm::linf ? share * distance(Norm::linf, from, clean) : 0;
  for (std::size_t j = 0; j < out.size(); ++j) {
    const double base = clean[j], d = static_cast<double>(from[j]) - base;
    const double kept = problem.norm == Norm::linf ? std::min(std::max(d, -radius), radius) : share * d;
    out[j] = static_cast<float>(base + kept);
  }
}

// Draws each point towards its clean input by bisection, until the share is known to `tolerance`.
inline void to_boundary(const Problem& problem, const Index& rows, double tolerance, Boundary& at) {
  const Points from = at.x;
  std::vector<double> low(rows.size(), 0.0), high(rows.size(), 1.0);
  for (double gap = 1; gap > tolerance && !rows.empty(); gap /= 2) {
    Points x(rows.size(), from.size);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      part_way(problem, rows[r], from.row(rows[r]), 0.5 * (low[r] + high[r]), x.row(r));
    }
    const std::vector<char> aims = decide(problem, rows, x);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      (aims[r] ? high : low)[r] = 0.5 * (low[r] + high[r]);
      if (aims[r]) copy(x.row(r), at.x.row(rows[r]));
    }
  }
}

// The points found, drawn into the ball: those that are farther fail there.
inline assay::Tensor within(const Problem& problem, Boundary& at) {
  for (std::size_t i = 0; i < problem.count(); ++i) project(problem, i, at.x.row(i));
  return problem.tensor(at.x);
}

}  // namespace attacks
