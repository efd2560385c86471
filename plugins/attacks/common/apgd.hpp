// Auto-PGD (Croce & Hein, ICML 2020, algorithm 1): gradient ascent with momentum 0.75 whose step length 2 eps is halved
// at checkpoints where too few steps raised the objective (condition 1) or neither the step nor the best value changed
// since the last checkpoint (condition 2); the search then goes on from the best point. Every quantity is a sample's
// own, and a sample leaves the search with the first point that reaches its aim.
#pragma once

#include "apgd_l1.hpp"
#include "ball.hpp"
#include "query.hpp"

namespace attacks {

class Apgd {
 public:
  // The objective at rows `x`, which belong to the samples `rows`.
  using Objective = std::function<Slope(const Points& x, const Index& rows)>;

  Apgd(const Problem& problem, std::int64_t steps, double rho) : p_(problem), steps_(steps), rho_(rho) {
    const auto at = [&](double share) {
      return static_cast<std::int64_t>(std::ceil(share * static_cast<double>(steps)));
    };
    for (double before = 0, share = 0.22; share <= 1;) {
      if (check_.empty() || at(share) > check_.back()) check_.push_back(at(share));
      share += std::max(share - std::exchange(before, share) - 0.03, 0.06);
    }
    states_.resize(problem.count());
    result = problem.x;
    best.assign(problem.count(), -std::numeric_limits<float>::infinity());
    done.assign(problem.count(), 0);
  }

  // Raises the objective for the samples `rows` from `start`. `result` takes what is better than what it holds.
  void climb(Index rows, const Points& start, const Objective& objective) {
    begin(rows, start, objective);
    std::size_t next = 0;
    std::int64_t last = 0;
    for (std::int64_t k = 1; k <= steps_; ++k) {
      const bool checkpoint = next < check_.size() && k == check_[next];
      rows = still(rows);
      if (rows.empty()) return;
      Points x(rows.size(), p_.x.size);
      for (std::size_t r = 0; r < rows.size(); ++r) move(rows[r], k == 1 ? 1.0 : kMomentum, x.row(r));
      arrive(rows, x, objective(x, rows));
      if (!checkpoint) continue;
      for (const std::size_t i : rows) judge(states_[i], static_cast<double>(k - last));
      last = check_[next++];
    }
  }
  Index still(const Index& rows) const {
    Index left;
    for (const std::size_t i : rows) {
      if (!done[i]) left.push_back(i);
    }
    return left;
  }

  Points result;            // the first point that reached the aim, else that of the highest objective
  std::vector<float> best;  // its objective
  std::vector<char> done;   // the aim is reached

 private:
  static constexpr double kMomentum = 0.75;

  struct State {
    std::vector<float> x, before, x_max, grad, grad_max;
    float loss = 0, max = 0, max_at_check = 0;
    double step = 0, step_at_check = 0;
    int rises = 0;
  };

  void begin(const Index& rows, const Points& start, const Objective& objective) {
    const Slope slope = objective(start, rows);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      State& s = states_[rows[r]];
      s.x.assign(start.row(r).begin(), start.row(r).end());
      s.before = s.x_max = s.x;
      s.grad.assign(slope.grad.row(r).begin(), slope.grad.row(r).end());
      s.grad_max = s.grad;
      s.loss = s.max = s.max_at_check = slope.loss[r];
      s.step = s.step_at_check = 2 * p_.eps;
      s.rises = 0;
      keep(rows[r], start.row(r), slope.loss[r], slope.logits.row(r));
    }
  }

  // z = P(x + step * direction); x' = P(x + a (z - x) + (1 - a) (x - x_before))
  void move(std::size_t i, double a, Row out) {
    State& s = states_[i];
    const double norm = p_.norm == Norm::l2 ? length(Norm::l2, s.grad) + 1e-12 : 1.0;
    for (std::size_t j = 0; j < out.size(); ++j) {
      const double g = s.grad[j];
      const double direction = p_.norm == Norm::l2 ? g / norm : static_cast<double>(g > 0) - static_cast<double>(g < 0);
      out[j] = static_cast<float>(static_cast<double>(s.x[j]) + s.step * direction);
    }
    project(p_, i, out);
    for (std::size_t j = 0; j < out.size(); ++j) {
      const double x = s.x[j];
      out[j] = static_cast<float>(x + a * (static_cast<double>(out[j]) - x) +
                                  (1 - a) * (x - static_cast<double>(s.before[j])));
    }
    project(p_, i, out);
    s.before = s.x;
  }

  void arrive(const Index& rows, const Points& x, const Slope& slope) {
    for (std::size_t r = 0; r < rows.size(); ++r) {
      State& s = states_[rows[r]];
      s.x.assign(x.row(r).begin(), x.row(r).end());
      s.grad.assign(slope.grad.row(r).begin(), slope.grad.row(r).end());
      s.rises += slope.loss[r] > s.loss ? 1 : 0;
      s.loss = slope.loss[r];
      if (s.loss > s.max) {
        s.max = s.loss;
        s.x_max = s.x;
        s.grad_max = s.grad;
      }
      keep(rows[r], x.row(r), slope.loss[r], slope.logits.row(r));
    }
  }

  void judge(State& s, double interval) const {
    const bool few = s.rises < rho_ * interval;
    const bool stuck = s.step == s.step_at_check && s.max == s.max_at_check;
    s.rises = 0;
    s.step_at_check = s.step;
    s.max_at_check = s.max;
    if (!few && !stuck) return;
    s.step /= 2;
    s.x = s.x_max;
    s.grad = s.grad_max;
    s.loss = s.max;
  }

  void keep(std::size_t i, ConstRow x, float loss, ConstRow logits) {
    if (done[i]) return;
    done[i] = reached(p_, i, logits) ? 1 : 0;
    if (!done[i] && loss <= best[i]) return;
    best[i] = loss;
    copy(x, result.row(i));
  }

  const Problem& p_;
  std::int64_t steps_;
  double rho_;
  std::vector<std::int64_t> check_;
  std::vector<State> states_;
};

struct ApgdOptions {
  std::int64_t steps, restarts;
  double rho;  // not in L1
  bool random_start;
  bool wide = true;        // L1 only
  std::int64_t draws = 1;  // of a random model, a step
};

// Any form of APGD on a loss of the host, with restarts for the samples that are left.
template <class Search>
assay::Tensor climb_named(const Problem& problem, const char* loss, const ApgdOptions& options, Search search) {
  Index rows = every(problem.count());
  for (std::int64_t restart = 0; restart < options.restarts && !rows.empty(); ++restart) {
    const auto draw = static_cast<std::uint64_t>(restart);
    const Points start = options.random_start ? on_sphere(problem, rows, draw) : take(problem.x, rows);
    search.climb(rows, start, [&](const Points& x, const Index& which) {
      return named_slope(problem, loss, x, which, options.draws);
    });
    rows = search.still(rows);
  }
  return problem.tensor(search.result);
}
inline assay::Tensor apgd_named(const Problem& problem, const char* loss, const ApgdOptions& options) {
  if (problem.norm == Norm::l1)
    return climb_named(problem, loss, options, ApgdL1(problem, options.steps, options.wide));
  return climb_named(problem, loss, options, Apgd(problem, options.steps, options.rho));
}

}  // namespace attacks
