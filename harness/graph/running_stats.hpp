// Batch norm's running statistics: kept during a training, estimated anew for other weights.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/graph/train.hpp"

namespace assay::graph {

// running = (1 - momentum) running + momentum * (mean | unbiased variance of the batch), as torch does. One thread.
class RunningStatistics {
 public:
  // The batch's mean or biased variance; undefined: the batch did not come through that layer.
  using Batch = std::function<Tensor(const std::string& buffer)>;

  // Throws Error(bad_input) when a batch gives a layer one value a channel: it has no variance.
  RunningStatistics(const Graph& graph, std::int64_t batch);
  void update(const Batch& statistic);
  // As update() with a momentum that makes the result the mean over `seen` + 1 batches.
  void average(const Batch& statistic, std::int64_t seen);
  // Buffer name -> values, of batch norm nodes only. The memory of a vector stays where it is.
  std::map<std::string, std::vector<float>>& values() { return values_; }
  const std::map<std::string, std::vector<float>>& values() const { return values_; }
  bool empty() const { return layers_.empty(); }
  void put_into(Graph& graph) const;

 private:
  struct Layer {
    std::string mean, var;
    double momentum = 0.1;
    double unbias = 1;  // n / (n - 1), n values a channel
  };
  void blend(const std::string& buffer, const Tensor& now, double momentum, double factor);
  std::vector<Layer> layers_;
  std::map<std::string, std::vector<float>> values_;
};

}  // namespace assay::graph
