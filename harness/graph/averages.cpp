#include "harness/graph/averages.hpp"

namespace assay::graph {
namespace {

void blend(std::vector<float>& kept, const std::vector<float>& now, double share) {
  const auto s = static_cast<float>(share);
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] += s * (now[i] - kept[i]);
}

}  // namespace

void WeightAverage::restart(std::int64_t count, const std::vector<OptimizedParameter>& weights, const Buffers& buffers) {
  count_ = count;
  weights_.clear();
  for (const OptimizedParameter& p : weights) weights_.push_back(p.value);
  buffers_ = buffers;
}

void WeightAverage::decay_towards(const std::vector<OptimizedParameter>& weights, const Buffers& buffers, double decay) {
  if (count_ == 0) return restart(1, weights, buffers);
  for (std::size_t k = 0; k < weights.size(); ++k) blend(weights_[k], weights[k].value, 1 - decay);
  for (auto& [name, values] : buffers_) blend(values, buffers.at(name), 1 - decay);
  ++count_;
}

void WeightAverage::include(const std::vector<OptimizedParameter>& weights) {
  if (count_ == 0) return restart(1, weights, {});
  ++count_;
  for (std::size_t k = 0; k < weights.size(); ++k) blend(weights_[k], weights[k].value, 1.0 / static_cast<double>(count_));
}

}  // namespace assay::graph
