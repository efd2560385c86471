// The loop that the transfer attacks share (Dong et al., CVPR 2018, algorithm 1): g = decay * g + d / ||d||_1 for the
// method's own direction d, and a step of eps / steps along the signs of g. Several sources: their gradients are
// averaged.
#pragma once

#include "ball.hpp"
#include "query.hpp"

namespace attacks {

// The cross-entropy's gradient at the batch's points, averaged over the sources; falling when the call is targeted.
inline Points source_gradient(const Problem& problem, const Points& x) {
  problem.run.check();
  const auto& sources = problem.batch.sources();
  const double share = (problem.targeted ? -1.0 : 1.0) / static_cast<double>(sources.size());
  const assay::Tensor at = problem.tensor(x), y = problem.batch.y;
  Points total(x.count(), x.size);
  for (const assay::Model& model : sources) {
    const std::span<const float> g = model.gradient("cross-entropy", at, y).floats();
    for (std::size_t j = 0; j < g.size(); ++j) {
      total.values[j] = static_cast<float>(static_cast<double>(total.values[j]) + share * static_cast<double>(g[j]));
    }
  }
  return total;
}

struct Momentum {
  std::int64_t steps;
  double decay;
  double step = 0;  // length as a share of eps; 0: 1 / steps
  // The direction at x, given the momentum g, before it is normalised. t counts steps from 0.
  using Direction = std::function<Points(const Points& x, const Points& g, std::int64_t t)>;

  double length(const Problem& problem) const {
    return step > 0 ? step * problem.eps : problem.eps / static_cast<double>(steps);
  }

  assay::Tensor run(const Problem& problem, const Direction& direction) const {
    Points x = problem.x, g(x.count(), x.size);
    for (std::int64_t t = 0; t < steps; ++t) {
      const Points d = direction(x, g, t);
      for (std::size_t i = 0; i < x.count(); ++i) {
        const double size = std::max(attacks::length(Norm::l1, d.row(i)), 1e-30);
        const Row momentum = g.row(i), point = x.row(i);
        for (std::size_t j = 0; j < x.size; ++j) {
          momentum[j] =
              static_cast<float>(decay * static_cast<double>(momentum[j]) + static_cast<double>(d.row(i)[j]) / size);
          const double sign = static_cast<double>(momentum[j] > 0) - static_cast<double>(momentum[j] < 0);
          point[j] = static_cast<float>(static_cast<double>(point[j]) + length(problem) * sign);
        }
        project(problem, i, point);
      }
    }
    return problem.tensor(x);
  }
  // Nesterov's look-ahead (Lin et al., ICLR 2020, eq. 6): x + alpha * decay * g, not projected.
  Points ahead(const Problem& problem, const Points& x, const Points& g) const {
    Points out = x;
    const double reach = length(problem) * decay;
    for (std::size_t j = 0; j < out.values.size(); ++j) {
      out.values[j] = static_cast<float>(static_cast<double>(x.values[j]) + reach * static_cast<double>(g.values[j]));
    }
    return out;
  }
};

}  // namespace attacks
