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

// Logits at x, whose rows belong to the samples `rows`; a random model draws by their ids.
inline Scores ask(const Problem& problem, const Index& rows, const Points& x, std::uint64_t draw = 0) {
  problem.run.check();
  return Scores(problem.model.forward(problem.tensor(x), {.ids = problem.keys(rows), .draw = draw}).logits);
}

// Loss of each row, raised by an attack, with its gradient in x and the logits.
struct Slope {
  std::vector<float> loss;
  Points grad;
  Scores logits;
};

namespace detail {

inline Slope loss_slope(const Problem& problem, const char* loss, const Points& x, const Index& rows,
                        const assay::LossOptions& options) {
  problem.run.check();
  const assay::Tensor y = problem.labels(take(problem.y, rows));
  const assay::LossGrad found = problem.model.loss_grad(loss, problem.tensor(x), y, options);
  const std::span<const float> losses = found.loss.floats();
  return {{losses.begin(), losses.end()}, Points(found.grad), Scores(found.logits)};
}

// total += share * part
inline void add(std::vector<float>& total, const std::vector<float>& part, double share) {
  total.resize(part.size(), 0.0f);
  for (std::size_t j = 0; j < part.size(); ++j) {
    total[j] = static_cast<float>(static_cast<double>(total[j]) + share * static_cast<double>(part[j]));
  }
}

}  // namespace detail

// A loss of the host ("cross-entropy", "cw-margin", "dlr") at x, whose rows belong to the samples `rows`; falling
// towards targets when the call is targeted. `draws`: the mean over so many draws of a random model, of loss, gradient
// and logits (expectation over transformation, Athalye et al., ICML 2018, section 2), each draw a forward and a
// backward pass.
inline Slope named_slope(const Problem& problem, const char* loss, const Points& x, const Index& rows,
                         std::int64_t draws = 1) {
  const double share = (problem.targeted ? -1.0 : 1.0) / static_cast<double>(draws);
  if (draws == 1 && !problem.targeted) return detail::loss_slope(problem, loss, x, rows, {.ids = problem.keys(rows)});
  Slope mean{{}, Points(x.count(), x.size), Scores(x.count(), problem.classes)};
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    const auto which = static_cast<std::uint64_t>(draw);
    const Slope one = detail::loss_slope(problem, loss, x, rows, {.ids = problem.keys(rows), .draw = which});
    detail::add(mean.loss, one.loss, share);
    detail::add(mean.grad.values, one.grad.values, share);
    detail::add(mean.logits.values, one.logits.values, 1 / static_cast<double>(draws));
  }
  return mean;
}

// A loss towards a class of its own for each sample ("logit-difference", "dlr-targeted"): aims[i] for sample i.
inline Slope slope_towards(const Problem& problem, const char* loss, const Points& x, const Index& rows,
                           const Index& aims) {
  Labels targets;
  for (const std::size_t i : rows) targets.push_back(static_cast<std::int64_t>(aims[i]));
  return detail::loss_slope(problem, loss, x, rows, {.targets = problem.labels(targets), .ids = problem.keys(rows)});
}

// Gradients of several combinations of the logits at one point: one forward pass, and one backward pass for each.
struct Pulls {
  std::vector<Points> grads;
  Scores logits;
};
inline Pulls pull(const Problem& problem, const Points& x, const Index& rows, const std::vector<Scores>& cotangents) {
  problem.run.check();
  std::vector<assay::Tensor> ways;
  const auto n = static_cast<std::int64_t>(rows.size()), classes = static_cast<std::int64_t>(problem.classes);
  ways.reserve(cotangents.size());
  for (const Scores& cotangent : cotangents) ways.push_back(problem.run.tensor<float>({n, classes}, cotangent.values));
  const assay::Pulled pulled = problem.model.pull(problem.tensor(x), ways, {.ids = problem.keys(rows)});
  Pulls result{{}, Scores(pulled.logits)};
  for (const assay::Tensor& grad : pulled.grads) result.grads.emplace_back(grad);
  return result;
}

// A forward pass that can be pulled back along what its logits say: one forward pass, and one backward pass a pull.
// Slower than pull(): node by node.
class Recorded {
 public:
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
