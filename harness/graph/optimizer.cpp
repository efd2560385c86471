// The update loops. Element-wise, so the order of evaluation cannot change a bit.
#include "harness/graph/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"

namespace assay::graph {
namespace {

bool matches_any(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return name_matches(p, name); });
}

void check_patterns(const Graph& graph, const std::vector<std::string>& patterns, const char* key) {
  std::vector<std::string> names;
  for (const auto& [name, parameter] : graph.parameters) names.push_back(name);
  for (const std::string& pattern : patterns) {
    const bool met = std::any_of(names.begin(), names.end(), [&](const std::string& n) { return name_matches(pattern, n); });
    if (!met) throw Error(Fault::bad_input, std::string("recipe.") + key + ": no parameter matches '" + pattern + "'" + suggestion(pattern, names));
  }
}

}  // namespace

// Greedy, with one point to return to: the last star and where its text ended.
bool name_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string> freeze(Graph& graph, const Recipe& recipe) {
  check_patterns(graph, recipe.frozen, "frozen");
  check_patterns(graph, recipe.no_decay, "no_decay");
  std::vector<std::string> names;
  bool trains = false;
  for (auto& [name, parameter] : graph.parameters) {
    if (parameter.trainable && matches_any(recipe.frozen, name)) {
      parameter.trainable = false;
      names.push_back(name);
    }
    trains = trains || parameter.trainable;
  }
  if (!trains && !names.empty()) throw Error(Fault::bad_input, "recipe.frozen: leaves no parameter to train");
  return names;
}

Optimizer::Rule Optimizer::rule_of(const Recipe& recipe) {
  if (recipe.optimizer == "adam") return &Optimizer::adam;
  if (recipe.optimizer == "adamw") return &Optimizer::adamw;
  if (recipe.optimizer == "rmsprop") return &Optimizer::rmsprop;
  return &Optimizer::sgd;
}

Optimizer::Optimizer(const Graph& graph, const Recipe& recipe) : recipe_(recipe), rule_(rule_of(recipe)) {
  for (const auto& [name, parameter] : graph.parameters) {
    if (!parameter.trainable) continue;
    OptimizedParameter p;
    p.name = name;
    p.shape = parameter.value.shape();
    p.value = parameter.value.to_f32();
    p.first.assign(p.value.size(), 0.0F);
    if (recipe.optimizer != "sgd") p.second.assign(p.value.size(), 0.0F);
    const auto mask = graph.masks.find(name);
    if (mask != graph.masks.end()) p.mask = mask->second.to_f32();
    const bool decays = (recipe.decay_bias_and_norm || p.shape.size() >= 2) && !matches_any(recipe.no_decay, name);
    p.decay = decays ? static_cast<float>(recipe.weight_decay) : 0.0F;
    parameters_.push_back(std::move(p));
  }
}

void Optimizer::sgd(OptimizedParameter& p, std::span<const float> gradient, double lr) const {
  const float decay = p.decay, mu = static_cast<float>(recipe_.momentum), rate = static_cast<float>(lr);
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

void Optimizer::adam(OptimizedParameter& p, std::span<const float> gradient, double lr) const {
  const auto b1 = static_cast<float>(recipe_.beta1), b2 = static_cast<float>(recipe_.beta2);
  const double t = static_cast<double>(steps_);
  const float rate = static_cast<float>(lr / (1.0 - std::pow(recipe_.beta1, t)));
  const float root = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(recipe_.beta2, t)));
  const float decay = p.decay, eps = static_cast<float>(recipe_.eps);
  float *w = p.value.data(), *m = p.first.data(), *v = p.second.data();
  const float* g = gradient.data();
  for (std::size_t i = 0; i < p.value.size(); ++i) {
    const float slope = g[i] + decay * w[i];
    m[i] = b1 * m[i] + (1.0F - b1) * slope;
    v[i] = b2 * v[i] + (1.0F - b2) * slope * slope;
    w[i] -= rate * m[i] / (std::sqrt(v[i]) * root + eps);
  }
}

void Optimizer::adamw(OptimizedParameter& p, std::span<const float> gradient, double lr) const {
  const auto b1 = static_cast<float>(recipe_.beta1), b2 = static_cast<float>(recipe_.beta2);
  const double t = static_cast<double>(steps_);
  const float rate = static_cast<float>(lr / (1.0 - std::pow(recipe_.beta1, t)));
  const float root = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(recipe_.beta2, t)));
  const float shrink = 1.0F - static_cast<float>(lr) * p.decay, eps = static_cast<float>(recipe_.eps);
  float *w = p.value.data(), *m = p.first.data(), *v = p.second.data();
  const float* g = gradient.data();
  for (std::size_t i = 0; i < p.value.size(); ++i) {
    m[i] = b1 * m[i] + (1.0F - b1) * g[i];
    v[i] = b2 * v[i] + (1.0F - b2) * g[i] * g[i];
    w[i] = w[i] * shrink - rate * m[i] / (std::sqrt(v[i]) * root + eps);
  }
}

void Optimizer::rmsprop(OptimizedParameter& p, std::span<const float> gradient, double lr) const {
  const auto keep = static_cast<float>(recipe_.rms_decay), mu = static_cast<float>(recipe_.momentum);
  const float decay = p.decay, rate = static_cast<float>(lr), eps = static_cast<float>(recipe_.eps);
  float *w = p.value.data(), *v = p.first.data(), *s = p.second.data();
  const float* g = gradient.data();
  for (std::size_t i = 0; i < p.value.size(); ++i) {
    const float slope = g[i] + decay * w[i];
    s[i] = keep * s[i] + (1.0F - keep) * slope * slope;
    v[i] = mu * v[i] + slope / (std::sqrt(s[i]) + eps);
    w[i] -= rate * v[i];
  }
}

void Optimizer::step(const std::vector<std::span<const float>>& gradients, double lr) {
  ++steps_;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    OptimizedParameter& p = parameters_[k];
    (this->*rule_)(p, gradients[k], lr);
    for (std::size_t i = 0; i < p.mask.size(); ++i) {
      if (p.mask[i] == 0.0F) p.value[i] = 0.0F;  // not a product: 0 * nan would be nan, and -0 would change bytes
    }
  }
}

}  // namespace assay::graph
