// The fast adaptive boundary search (Croce & Hein, ICML 2020, "Minimally distorted adversarial examples with a fast
// adaptive boundary attack", algorithm 1): from x, step onto the linearised boundary of an objective within the box,
// biased towards the step from the clean input by alpha and overshot by eta; a misclassified point is drawn back by
// beta.
#pragma once

#include "plane.hpp"
#include "query.hpp"

namespace attacks {

struct Closest {
  Points x;
  std::vector<double> distance;
  void offer(const Problem& p, std::size_t i, ConstRow candidate) {
    const double d = attacks::distance(p.norm, candidate, p.x.row(i));
    if (d >= distance[i]) return;
    distance[i] = d;
    copy(candidate, x.row(i));
  }
};

struct Fab {
  // Of rows x, which belong to the samples `rows`: how far the other class leads, below 0 while it does not, and the
  // gradient of that.
  using Objective = std::function<Slope(const Points& x, const Index& rows)>;

  std::int64_t steps;
  double alpha_max, eta, beta;
  bool minimal;

  // Clean inputs that are misclassified already are found, at distance 0.
  static Closest begin(const Problem& problem, const Scores& clean) {
    Closest found{problem.x, std::vector<double>(problem.count(), std::numeric_limits<double>::infinity())};
    for (std::size_t i = 0; i < problem.count(); ++i) {
      if (reached(problem, i, clean.row(i))) found.distance[i] = 0;
    }
    return found;
  }

  Index unsolved(const Problem& problem, const Closest& found) const {
    Index rows;
    for (std::size_t i = 0; i < problem.count(); ++i) {
      if (found.distance[i] > (minimal ? 0.0 : problem.eps)) rows.push_back(i);
    }
    return rows;
  }

  // Later restarts begin at a random point of half the radius reached so far (section 3.1).
  Points start(const Problem& problem, const Closest& found, std::uint64_t restart) const {
    Points x = problem.x;
    if (restart == 0) return x;
    const Points corner = on_sphere(problem, every(problem.count()), restart);
    for (std::size_t i = 0; i < x.count(); ++i) {
      const double radius = problem.eps > 0 ? std::min(found.distance[i], problem.eps) / problem.eps / 2 : 0;
      blend(corner.row(i), problem.x.row(i), radius, x.row(i));
    }
    return x;
  }
  // share * a + (1 - share) * b
  static void blend(ConstRow a, ConstRow b, double share, Row out) {
    for (std::size_t j = 0; j < out.size(); ++j) {
      out[j] = static_cast<float>(share * static_cast<double>(a[j]) + (1 - share) * static_cast<double>(b[j]));
    }
  }

  void search(const Problem& problem, const Objective& objective, std::uint64_t restart, Closest& found) const {
    Points x = start(problem, found, restart);
    for (std::int64_t step = 0; step < steps; ++step) {
      const Index rows = unsolved(problem, found);
      if (rows.empty()) return;
      const Slope slope = objective(take(x, rows), rows);
      Points moved(rows.size(), x.size);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        move(problem, rows[r], x.row(rows[r]), slope.grad.row(r), static_cast<double>(slope.loss[r]), moved.row(r));
      }
      const Scores logits = ask(problem, rows, moved);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::size_t i = rows[r];
        copy(moved.row(r), x.row(i));
        if (!reached(problem, i, logits.row(r))) continue;
        found.offer(problem, i, moved.row(r));
        blend(moved.row(r), problem.x.row(i), beta, x.row(i));
      }
    }
  }

  // x' = clip((1 - a)(x + eta d1) + a (clean + eta d2)), a = min(|d1| / (|d1| + |d2|), alpha_max)
  void move(const Problem& problem, std::size_t i, ConstRow x, ConstRow w, double lead, Row out) const {
    const ConstRow clean = problem.x.row(i);
    const Box box{problem.lo.row(i), problem.hi.row(i)};
    double at_clean = lead;
    for (std::size_t j = 0; j < x.size(); ++j) {
      at_clean += static_cast<double>(w[j]) * (static_cast<double>(clean[j]) - static_cast<double>(x[j]));
    }
    std::vector<float> from_x(x.size()), from_clean(x.size());
    onto_plane(problem.norm, x, box, w, lead, from_x);
    onto_plane(problem.norm, clean, box, w, at_clean, from_clean);
    const double d1 = distance(problem.norm, from_x, x), d2 = distance(problem.norm, from_clean, clean);
    const double a = d1 + d2 > 0 ? std::min(d1 / (d1 + d2), alpha_max) : 0.0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double base = x[j], origin = clean[j];
      const double one = base + eta * (static_cast<double>(from_x[j]) - base);
      const double two = origin + eta * (static_cast<double>(from_clean[j]) - origin);
      out[j] = static_cast<float>((1 - a) * one + a * two);
    }
    clip(box.lo, box.hi, out);
  }

  // Final search (section 3.1): three bisections of the line from the clean input to the nearest point found.
  void refine(const Problem& problem, Closest& found) const {
    Index rows = unsolved(problem, found);
    rows.erase(std::remove_if(rows.begin(), rows.end(), [&](auto i) { return !std::isfinite(found.distance[i]); }),
               rows.end());
    std::vector<double> low(problem.count(), 0.0), high(problem.count(), 1.0);
    const Points far = found.x;
    for (int round = 0; round < 3 && !rows.empty(); ++round) {
      Points x(rows.size(), far.size);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        blend(far.row(rows[r]), problem.x.row(rows[r]), 0.5 * (low[rows[r]] + high[rows[r]]), x.row(r));
      }
      const Scores logits = ask(problem, rows, x);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::size_t i = rows[r];
        const bool ok = reached(problem, i, logits.row(r));
        (ok ? high : low)[i] = 0.5 * (low[i] + high[i]);
        if (ok) found.offer(problem, i, x.row(r));
      }
    }
  }
};

}  // namespace attacks
