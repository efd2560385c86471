// Averages of the weights along a training. Private to this folder. One thread.
//   ema  e = d e + (1 - d) w after every step, of weights and of running statistics; the first step copies, so that
//        initial weights have no share
//   swa  the mean of the weights at the ends of epochs (Izmailov et al., UAI 2018); statistics are estimated anew after it
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/graph/optimizer.hpp"

namespace assay::graph {

using Buffers = std::map<std::string, std::vector<float>>;

class WeightAverage {
 public:
  bool started() const { return count_ > 0; }
  void decay_towards(const std::vector<OptimizedParameter>& weights, const Buffers& buffers, double decay);
  void include(const std::vector<OptimizedParameter>& weights);
  // By parameter, in the optimizer's order; empty before the first call.
  std::vector<std::vector<float>>& weights() { return weights_; }
  const std::vector<std::vector<float>>& weights() const { return weights_; }
  Buffers& buffers() { return buffers_; }
  const Buffers& buffers() const { return buffers_; }
  std::int64_t count() const { return count_; }
  // For a checkpoint: makes room for what weights() and buffers() will be given.
  void restart(std::int64_t count, const std::vector<OptimizedParameter>& weights, const Buffers& buffers);

 private:
  std::vector<std::vector<float>> weights_;
  Buffers buffers_;
  std::int64_t count_ = 0;
};

}  // namespace assay::graph
