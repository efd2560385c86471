// Update rules over dense parameters in place. Private to this folder. Torch's conventions; wd is 0 for parameters that
// do not decay:
//   sgd      g += wd w; v = mu v + g; w -= lr (nesterov ? g + mu v : v)
//   adam     g += wd w; w -= lr m^ / (sqrt(v^) + eps), moments with bias correction       (Kingma & Ba 2015)
//   adamw    w -= lr wd w; then as adam without the penalty in g                          (Loshchilov & Hutter 2019)
//   rmsprop  g += wd w; s = a s + (1 - a) g^2; v = mu v + g / (sqrt(s) + eps); w -= lr v  (Tieleman & Hinton 2012)
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/graph/train.hpp"

namespace assay::graph {

struct OptimizedParameter {
  std::string name;
  Shape shape;
  std::vector<float> value, first, second;  // value; momentum or first moment; second moment (all but sgd)
  std::vector<float> mask;                  // empty: none
  float decay = 0;                          // weight decay of this parameter
};

class Optimizer {
 public:
  // Takes the trainable parameters of the graph, in name order.
  Optimizer(const Graph& graph, const Recipe& recipe);
  std::vector<OptimizedParameter>& parameters() { return parameters_; }
  const std::vector<OptimizedParameter>& parameters() const { return parameters_; }
  // One step; gradients in the order of parameters().
  void step(const std::vector<std::span<const float>>& gradients, double lr);
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }

 private:
  using Rule = void (Optimizer::*)(OptimizedParameter& p, std::span<const float> gradient, double lr) const;
  void sgd(OptimizedParameter& p, std::span<const float> gradient, double lr) const;
  void adam(OptimizedParameter& p, std::span<const float> gradient, double lr) const;
  void adamw(OptimizedParameter& p, std::span<const float> gradient, double lr) const;
  void rmsprop(OptimizedParameter& p, std::span<const float> gradient, double lr) const;
  static Rule rule_of(const Recipe& recipe);

  Recipe recipe_;
  Rule rule_;
  std::vector<OptimizedParameter> parameters_;
  std::int64_t steps_ = 0;
};

// Does `pattern`, in which '*' stands for any text, match the whole name?
bool name_matches(std::string_view pattern, std::string_view name);
// Marks the parameters that recipe.frozen names as not trainable and gives their names. Throws Error(bad_input) with the
// nearest name when a pattern of recipe.frozen or recipe.no_decay matches nothing, or when nothing is left to train.
std::vector<std::string> freeze(Graph& graph, const Recipe& recipe);

}  // namespace assay::graph
