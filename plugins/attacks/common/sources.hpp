// Several sources at once, as ensemble attacks see them: gradients of the cross-entropy of each, and of a weighted sum
// of their logits. All passes are compiled ones; everything is a sample's own.
#pragma once

#include "ball.hpp"
#include "query.hpp"

namespace attacks {

// -log softmax(z)_y, in double and finite for finite logits.
inline double cross_entropy(ConstRow z, std::int64_t y) {
  const double top = static_cast<double>(*std::max_element(z.begin(), z.end()));
  double total = 0;
  for (const float value : z) total += std::exp(static_cast<double>(value) - top);
  return std::log(total) + top - static_cast<double>(z[static_cast<std::size_t>(y)]);
}

// Logits of one source; a pass forward.
inline Scores scores_of(const Problem& problem, const assay::Model& source, const Points& x) {
  problem.run.check();
  return Scores(source.forward(problem.tensor(x), {.ids = problem.batch.ids}).logits);
}

struct SourceSlope {
  Points grad;  // of the cross-entropy, falling when the call is targeted
  Scores logits;
};
// One pass forward and one back. x has a row for every sample of the call.
inline SourceSlope source_slope(const Problem& problem, const assay::Model& source, const Points& x) {
  problem.run.check();
  const assay::LossGrad found =
      source.loss_grad("cross-entropy", problem.tensor(x), problem.batch.y, {.ids = problem.batch.ids});
  SourceSlope slope{Points(found.grad), Scores(found.logits)};
  if (problem.targeted) {
    for (float& value : slope.grad.values) value = -value;
  }
  return slope;
}

// Weights of the sources in the mixed logits sum_k w_k z_k: weights(sample, source).
using SourceWeights = std::function<double(std::size_t sample, std::size_t source)>;

// Gradient in x of CE(sum_k w_k z_k(x), y) with the weights held fixed: sum_k w_k J_k^T (softmax(sum_k w_k z_k) - e_y).
// `logits` are those of the sources at x. One pass forward and one back a source.
inline Points mixed_gradient(const Problem& problem, const Points& x, const std::vector<Scores>& logits,
                             const SourceWeights& weight) {
  const auto& sources = problem.batch.sources();
  Scores towards(x.count(), problem.classes);  // softmax - e_y
  std::vector<double> z(problem.classes);
  for (std::size_t i = 0; i < x.count(); ++i) {
    std::fill(z.begin(), z.end(), 0.0);
    for (std::size_t s = 0; s < sources.size(); ++s) {
      const ConstRow own = logits[s].row(i);
      for (std::size_t k = 0; k < z.size(); ++k) z[k] += weight(i, s) * static_cast<double>(own[k]);
    }
    const double top = *std::max_element(z.begin(), z.end());
    double total = 0;
    for (const double value : z) total += std::exp(value - top);
    for (std::size_t k = 0; k < z.size(); ++k) {
      const double own = static_cast<std::int64_t>(k) == problem.y[i] ? 1 : 0;
      towards.row(i)[k] = static_cast<float>((problem.targeted ? -1 : 1) * (std::exp(z[k] - top) / total - own));
    }
  }
  Points sum(x.count(), x.size);
  for (std::size_t s = 0; s < sources.size(); ++s) {
    problem.run.check();
    Scores cotangent = towards;
    for (std::size_t i = 0; i < x.count(); ++i) {
      for (float& value : cotangent.row(i)) value = static_cast<float>(weight(i, s) * static_cast<double>(value));
    }
    const assay::Tensor way = problem.run.tensor<float>(
        {static_cast<std::int64_t>(x.count()), static_cast<std::int64_t>(problem.classes)}, cotangent.values);
    const assay::Pulled pulled = sources[s].pull(problem.tensor(x), std::span(&way, 1), {.ids = problem.batch.ids});
    detail::add(sum.values, Points(pulled.grads.front()).values, 1);
  }
  return sum;
}

// The same at logits that are asked for first: two passes forward and one back a source.
inline Points mixed_gradient(const Problem& problem, const Points& x, const SourceWeights& weight) {
  std::vector<Scores> logits;
  for (const assay::Model& source : problem.batch.sources()) logits.push_back(scores_of(problem, source, x));
  return mixed_gradient(problem, x, logits, weight);
}

// x += length * sign(way), projected; ways of 0 do not move.
inline void step_along_signs(const Problem& problem, const Points& way, double length, Points& x) {
  for (std::size_t i = 0; i < x.count(); ++i) {
    const Row point = x.row(i);
    const ConstRow g = way.row(i);
    for (std::size_t j = 0; j < x.size; ++j) {
      const double sign = static_cast<double>(g[j] > 0) - static_cast<double>(g[j] < 0);
      point[j] = static_cast<float>(static_cast<double>(point[j]) + length * sign);
    }
    project(problem, i, point);
  }
}

// memory = decay * memory + way / ||way||_norm, sample by sample.
inline void remember(double decay, Norm norm, const Points& way, Points& memory) {
  for (std::size_t i = 0; i < way.count(); ++i) {
    const double size = std::max(length(norm, way.row(i)), 1e-30);
    const Row kept = memory.row(i);
    for (std::size_t j = 0; j < way.size; ++j) {
      kept[j] = static_cast<float>(decay * static_cast<double>(kept[j]) + static_cast<double>(way.row(i)[j]) / size);
    }
  }
}

}  // namespace attacks
