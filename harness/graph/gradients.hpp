// Gradients between the backward pass and the optimizer: summed over passes, clipped. Private to this folder. One thread.
#pragma once

#include <span>
#include <vector>

namespace assay::graph {

using GradientViews = std::vector<std::span<const float>>;  // in the optimizer's order

class GradientSum {
 public:
  void clear() { passes_ = 0; }
  void add(const GradientViews& gradients);
  void scale(float factor);
  // Every element into [-limit, limit].
  void clip_value(float limit);
  // All elements times min(1, limit / (norm + 1e-6)), norm over all of them in double (Pascanu et al., ICML 2013).
  // Gives the norm before.
  double clip_norm(double limit);
  GradientViews views() const;  // valid until the next add() after clear()

 private:
  std::vector<std::vector<float>> sums_;
  std::size_t passes_ = 0;
};

}  // namespace assay::graph
