#include "harness/graph/gradients.hpp"

#include <algorithm>
#include <cmath>

namespace assay::graph {

void GradientSum::add(const GradientViews& gradients) {
  sums_.resize(gradients.size());
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    std::vector<float>& sum = sums_[k];
    const std::span<const float> more = gradients[k];
    if (passes_ == 0) {
      sum.assign(more.begin(), more.end());
    } else {
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
    }
  }
  ++passes_;
}

void GradientSum::scale(float factor) {
  for (std::vector<float>& sum : sums_) {
    for (float& g : sum) g *= factor;
  }
}

void GradientSum::clip_value(float limit) {
  for (std::vector<float>& sum : sums_) {
    for (float& g : sum) g = g != g ? g : std::clamp(g, -limit, limit);  // a NaN must reach the check for divergence
  }
}

double GradientSum::clip_norm(double limit) {
  double squares = 0;
  for (const std::vector<float>& sum : sums_) {
    for (const float g : sum) squares += static_cast<double>(g) * static_cast<double>(g);
  }
  const double norm = std::sqrt(squares), factor = limit / (norm + 1e-6);
  if (factor < 1) scale(static_cast<float>(factor));
  return norm;
}

GradientViews GradientSum::views() const { return {sums_.begin(), sums_.end()}; }

}  // namespace assay::graph
