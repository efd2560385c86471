// Questions to the model about some of the samples, each counted by the host for exactly these rows, and the losses of
// the field on logits with their gradients.
#pragma once

#include "points.hpp"

namespace attacks {

using Scores = Points;  // logits, [rows, classes]

inline std::size_t best_class(ConstRow z) {
  return static_cast<std::size_t>(std::max_element(z.begin(), z.end()) - z.begin());
}
// Largest logit of another class than y.
inline std::size_t rival(ConstRow z, std::size_t y) {
  std::size_t best = y == 0 ? 1 : 0;
  for (std::size_t k = 0; k < z.size(); ++k) best = k != y && z[k] > z[best] ? k : best;
  return best;
}
// max_{j != y} z_j - z_y: above 0 where y is not predicted.
inline double margin(ConstRow z, std::int64_t y) {
  const auto own = static_cast<std::size_t>(y);
  return static_cast<double>(z[rival(z, own)]) - static_cast<double>(z[own]);
}
// The attack's aim for sample i at these logits: another class than y, or the target.
inline bool reached(const Problem& problem, std::size_t i, ConstRow z) {
  return (best_class(z) == static_cast<std::size_t>(problem.y[i])) == problem.targeted;
}

inline Scores ask(const Problem& problem, const Points& x) {
  problem.run.check();
  return Scores(problem.model(problem.tensor(x)));
}

// Loss of each row, raised by an attack, with its gradient in x and the logits.
struct Slope {
  std::vector<float> loss;
  Points grad;
  Scores logits;
};

// A loss of the host ("cross-entropy", "cw-margin", "dlr") at `labels`; falling towards targets when the call is
// targeted.
inline Slope named_slope(const Problem& problem, const char* loss, const Points& x, const Labels& labels) {
  problem.run.check();
  const assay::LossGrad found = problem.model.loss_grad(loss, problem.tensor(x), problem.labels(labels));
  const std::span<const float> losses = found.loss.floats();
  Slope slope{{losses.begin(), losses.end()}, Points(found.grad), Scores(found.logits)};
  if (!problem.targeted) return slope;
  for (float& value : slope.loss) value = -value;
  for (float& value : slope.grad.values) value = -value;
  return slope;
}

// A forward pass that can be pulled back: one forward pass, and one backward pass a pull.
class Recorded {
 public:
  Recorded(const Problem& problem, const Points& x) : Recorded(problem, problem.model, x) {}
  Recorded(const Problem& problem, const assay::Model& model, const Points& x)
      : problem_(problem), x_(watch(problem.tensor(x))), z_(model(x_)), logits_(z_) {}
  const Scores& logits() const { return logits_; }
  // Row r: sum_k cotangent[r][k] * d z_k / d x.
  Points pull(const Scores& cotangent) const {
    problem_.run.check();
    const assay::Tensor c = problem_.run.tensor<float>(z_.shape(), cotangent.values);
    return Points(grad(std::span(&z_, 1), std::span(&x_, 1), std::span(&c, 1)).front());
  }

 private:
  const Problem& problem_;
  assay::Tensor x_, z_;
  Scores logits_;
};

// Targeted DLR (Croce & Hein, ICML 2020, eq. 9): -(z_y - z_t) / (z_(1) - (z_(3) + z_(4)) / 2), at least four classes;
// the gradient in z is written to `slope`.
inline float targeted_dlr(ConstRow z, std::size_t y, std::size_t t, Row slope) {
  Index order = every(z.size());
  std::partial_sort(order.begin(), order.begin() + 4, order.end(),
                    [&](std::size_t a, std::size_t b) { return z[a] > z[b] || (z[a] == z[b] && a < b); });
  const auto value = [&](std::size_t k) { return static_cast<double>(z[k]); };
  const double spread = value(order[0]) - 0.5 * (value(order[2]) + value(order[3])) + 1e-12;
  const double lead = value(y) - value(t);
  std::fill(slope.begin(), slope.end(), 0.0f);
  const auto add = [&](std::size_t k, double part) {
    slope[k] = static_cast<float>(static_cast<double>(slope[k]) + part);
  };
  add(y, -1 / spread);
  add(t, 1 / spread);
  const double by_spread = lead / (spread * spread);
  add(order[0], by_spread);
  add(order[2], -0.5 * by_spread);
  add(order[3], -0.5 * by_spread);
  return static_cast<float>(-lead / spread);
}

// Which rivals a multi-targeted attack aims at: 0 .. n-1 for the n likeliest. `wanted` 0: nine, or all there are; more
// than there are is refused (rule 24).
inline Index targets_of(const Problem& problem, std::int64_t wanted, const char* method) {
  if (problem.targeted) assay::fail(ASSAY_UNSUPPORTED, std::string(method) + " chooses its targets itself");
  const std::size_t others = problem.classes - 1, n = static_cast<std::size_t>(wanted);
  if (n > others) {
    assay::fail(ASSAY_INVALID, "targets = " + std::to_string(n) + ", but there are only " + std::to_string(others) +
                                   " other classes [rule 24]");
  }
  return every(n == 0 ? std::min<std::size_t>(9, others) : n);
}
// For each sample the class, other than its own, of the given rank by these logits (rank 0: the likeliest).
inline Index ranked_rivals(const Problem& problem, const Scores& logits, std::size_t rank) {
  Index aims;
  for (std::size_t i = 0; i < logits.count(); ++i) {
    const ConstRow z = logits.row(i);
    Index order = every(z.size());
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(problem.y[i]));
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return z[a] > z[b]; });
    aims.push_back(order[rank]);
  }
  return aims;
}

}  // namespace attacks
