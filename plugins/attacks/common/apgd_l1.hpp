// APGD in the L1 ball (Croce & Hein, "Mind the box: l1-APGD for sparse adversarial attacks on image classifiers", ICML
// 2021, algorithm 1 and section 3.3): steps along the signs of the steepest elements, which share one L1 length, and
// the exact projection onto ball and range together. How many elements move follows the sparsity of the best
// perturbation so far: ||x_max - x||_0 / 1.5. Every m = ceil(0.04 N) steps the step length falls by 1.5, not below a
// tenth of eps; when the best perturbation has become sparser by more than 5 %, it goes back to eps and the search back
// to x_max. `wide`: 30 % of the steps in a ball of 3 eps, 30 % in one of 2 eps, the rest in that of eps, each from the
// last one's best point. Only what lies in the ball of eps counts.
#pragma once

#include "ball.hpp"
#include "query.hpp"

namespace attacks {

class ApgdL1 {
 public:
  using Objective = std::function<Slope(const Points& x, const Index& rows)>;

  ApgdL1(const Problem& problem, std::int64_t steps, bool wide) : p_(problem) {
    const std::int64_t third = wide ? 3 * steps / 10 : 0;
    if (third > 0) phases_ = {{3 * p_.eps, third}, {2 * p_.eps, third}};
    phases_.push_back({p_.eps, steps - 2 * third});
    period_ = std::max<std::int64_t>(1, (steps + 24) / 25);
    states_.resize(problem.count());
    result = problem.x;
    best.assign(problem.count(), -std::numeric_limits<float>::infinity());
    done.assign(problem.count(), 0);
  }

  // Raises the objective for the samples `rows` from `start`. `result` takes what is better than what it holds.
  void climb(Index rows, const Points& start, const Objective& objective) {
    Points from = start;
    for (const Phase& phase : phases_) {
      if (rows.empty()) return;
      counts_ = &phase == &phases_.back();
      for (std::size_t r = 0; r < rows.size(); ++r) project(p_, rows[r], from.row(r), phase.radius);
      begin(rows, from, phase, objective);
      for (std::int64_t k = 1; k <= phase.steps; ++k) {
        rows = still(rows);
        if (rows.empty()) return;
        Points x(rows.size(), p_.x.size);
        for (std::size_t r = 0; r < rows.size(); ++r) move(rows[r], phase.radius, x.row(r));
        arrive(rows, x, objective(x, rows));
        if (k % period_ != 0) continue;
        for (const std::size_t i : rows) adapt(i, phase.radius);
      }
      from = Points(rows.size(), p_.x.size);
      for (std::size_t r = 0; r < rows.size(); ++r) copy(states_[rows[r]].x_max, from.row(r));
    }
  }
  Index still(const Index& rows) const {
    Index left;
    for (const std::size_t i : rows) {
      if (!done[i]) left.push_back(i);
    }
    return left;
  }

  Points result;            // the first point of the ball that reached the aim, else that of the highest objective
  std::vector<float> best;  // its objective
  std::vector<char> done;   // the aim is reached

 private:
  static constexpr double kSparser = 1.5, kSlower = 1.5, kLeast = 0.1, kChanged = 0.95;

  struct Phase {
    double radius;
    std::int64_t steps;
  };
  struct State {
    std::vector<float> x, x_max, grad, grad_max;
    float max = 0;
    double step = 0, moved = 0, before = 0;  // elements moved a step; elements of the best perturbation a period ago
  };

  double changed(std::size_t i, ConstRow x) const { return distance(Norm::l0, x, p_.x.row(i)); }

  void begin(const Index& rows, const Points& start, const Phase& phase, const Objective& objective) {
    const Slope slope = objective(start, rows);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      State& s = states_[rows[r]];
      s.x.assign(start.row(r).begin(), start.row(r).end());
      s.x_max = s.x;
      s.grad.assign(slope.grad.row(r).begin(), slope.grad.row(r).end());
      s.grad_max = s.grad;
      s.max = slope.loss[r];
      s.step = phase.radius;
      const double already = changed(rows[r], s.x);
      const auto all = static_cast<double>(p_.x.size);
      s.moved = already > 0 ? already / kSparser : all / 5;  // from the clean input: a fifth of the elements
      s.before = already > 0 ? already : all;
      keep(rows[r], start.row(r), slope.loss[r], slope.logits.row(r));
    }
  }

  void move(std::size_t i, double radius, Row out) {
    const State& s = states_[i];
    Index order = every(out.size());
    const auto steeper = [&](std::size_t a, std::size_t b) {
      const float u = std::abs(s.grad[a]), v = std::abs(s.grad[b]);
      return u > v || (u == v && a < b);
    };
    const auto wanted = static_cast<std::size_t>(std::max(1.0, std::ceil(s.moved)));
    const std::size_t n = std::min(wanted, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(), steeper);
    copy(s.x, out);
    for (std::size_t k = 0; k < n; ++k) {
      const double g = s.grad[order[k]], sign = static_cast<double>(g > 0) - static_cast<double>(g < 0);
      out[order[k]] = static_cast<float>(static_cast<double>(out[order[k]]) + s.step / static_cast<double>(n) * sign);
    }
    project(p_, i, out, radius);
  }

  void arrive(const Index& rows, const Points& x, const Slope& slope) {
    for (std::size_t r = 0; r < rows.size(); ++r) {
      State& s = states_[rows[r]];
      s.x.assign(x.row(r).begin(), x.row(r).end());
      s.grad.assign(slope.grad.row(r).begin(), slope.grad.row(r).end());
      if (slope.loss[r] > s.max) {
        s.max = slope.loss[r];
        s.x_max = s.x;
        s.grad_max = s.grad;
      }
      keep(rows[r], x.row(r), slope.loss[r], slope.logits.row(r));
    }
  }

  void adapt(std::size_t i, double radius) {
    State& s = states_[i];
    const double now = changed(i, s.x_max);
    const bool sparser = now < kChanged * s.before;
    s.moved = now / kSparser;
    s.step = sparser ? radius : std::max(s.step / kSlower, kLeast * radius);
    s.before = now;
    if (!sparser) return;
    s.x = s.x_max;
    s.grad = s.grad_max;
  }

  void keep(std::size_t i, ConstRow x, float loss, ConstRow logits) {
    if (done[i] || !counts_) return;
    done[i] = reached(p_, i, logits) ? 1 : 0;
    if (!done[i] && loss <= best[i]) return;
    best[i] = loss;
    copy(x, result.row(i));
  }

  const Problem& p_;
  std::vector<Phase> phases_;
  std::int64_t period_ = 1;
  bool counts_ = true;
  std::vector<State> states_;
};

}  // namespace attacks
