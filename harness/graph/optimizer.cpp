// The update loops. Element-wise, so the order of evaluation cannot change a bit.
#include "harness/graph/optimizer.hpp"

#include <cmath>

namespace assay::graph {

Optimizer::Optimizer(const Graph& graph, const Recipe& recipe) : recipe_(recipe) {
  for (const auto& [name, parameter] : graph.parameters) {
    if (!parameter.trainable) continue;
    OptimizedParameter p;
    p.name = name;
    p.shape = parameter.value.shape();
    p.value = parameter.value.to_f32();
    p.first.assign(p.value.size(), 0.0F);
    if (recipe.optimizer == "adamw") p.second.assign(p.value.size(), 0.0F);
    const auto mask = graph.masks.find(name);
    if (mask != graph.masks.end()) p.mask = mask->second.to_f32();
    parameters_.push_back(std::move(p));
  }
}

float Optimizer::decay_of(const OptimizedParameter& p) const {
  const bool decays = recipe_.decay_bias_and_norm || p.shape.size() >= 2;
  return decays ? static_cast<float>(recipe_.weight_decay) : 0.0F;
}

void Optimizer::sgd(OptimizedParameter& p, std::span<const float> gradient, double lr) const {
  const float decay = decay_of(p), mu = static_cast<float>(recipe_.momentum), rate = static_cast<float>(lr);
  // One loop for both forms: w -= rate * (direct g + kept v).
  const float direct = recipe_.nesterov ? 1.0F : 0.0F, kept = recipe_.nesterov ? mu : 1.0F;
  float* w = p.value.data();
  float* v = p.first.data();
  const float* g = gradient.data();
  for (std::size_t i = 0; i < p.value.size(); ++i) {
    const float slope = g[i] + decay * w[i];
    v[i] = mu * v[i] + slope;
    w[i] -= rate * (direct * slope + kept * v[i]);
  }
}

void Optimizer::adamw(OptimizedParameter& p, std::span<const float> gradient, double lr) const {
  const auto b1 = static_cast<float>(recipe_.beta1), b2 = static_cast<float>(recipe_.beta2);
  const double t = static_cast<double>(steps_);
  const float rate = static_cast<float>(lr / (1.0 - std::pow(recipe_.beta1, t)));
  const float root = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(recipe_.beta2, t)));
  const float shrink = 1.0F - static_cast<float>(lr) * decay_of(p), eps = static_cast<float>(recipe_.eps);
  float *w = p.value.data(), *m = p.first.data(), *v = p.second.data();
  const float* g = gradient.data();
  for (std::size_t i = 0; i < p.value.size(); ++i) {
    m[i] = b1 * m[i] + (1.0F - b1) * g[i];
    v[i] = b2 * v[i] + (1.0F - b2) * g[i] * g[i];
    w[i] = w[i] * shrink - rate * m[i] / (std::sqrt(v[i]) * root + eps);
  }
}

void Optimizer::step(const std::vector<std::span<const float>>& gradients, double lr) {
  ++steps_;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    OptimizedParameter& p = parameters_[k];
    if (recipe_.optimizer == "adamw") {
      adamw(p, gradients[k], lr);
    } else {
      sgd(p, gradients[k], lr);
    }
    for (std::size_t i = 0; i < p.mask.size(); ++i) {
      if (p.mask[i] == 0.0F) p.value[i] = 0.0F;  // not a product: 0 * nan would be nan, and -0 would change bytes
    }
  }
}

}  // namespace assay::graph
