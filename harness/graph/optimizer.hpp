// SGD and AdamW over dense parameters in place. Private to this folder. Torch's conventions:
//   sgd    g += wd w; v = mu v + g; w -= lr (nesterov ? g + mu v : v)
//   adamw  w -= lr wd w; m, v moments with bias correction; w -= lr m^ / (sqrt(v^) + eps)   (Loshchilov & Hutter 2019)
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/graph/train.hpp"

namespace assay::graph {

struct OptimizedParameter {
  std::string name;
  Shape shape;
  std::vector<float> value, first, second;  // value, momentum or first moment, second moment (adamw)
  std::vector<float> mask;                  // empty: none
};

class Optimizer {
 public:
  Optimizer(const Graph& graph, const Recipe& recipe);
  std::vector<OptimizedParameter>& parameters() { return parameters_; }
  const std::vector<OptimizedParameter>& parameters() const { return parameters_; }
  // One step; gradients in the order of parameters().
  void step(const std::vector<std::span<const float>>& gradients, double lr);
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }

 private:
  void sgd(OptimizedParameter& p, std::span<const float> gradient, double lr) const;
  void adamw(OptimizedParameter& p, std::span<const float> gradient, double lr) const;
  float decay_of(const OptimizedParameter& p) const;

  Recipe recipe_;
  std::vector<OptimizedParameter> parameters_;
  std::int64_t steps_ = 0;
};

}  // namespace assay::graph
