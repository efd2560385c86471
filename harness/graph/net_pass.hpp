// NetPass: one forward and one backward pass of a net whose weights (and, outside training mode, running statistics) are
// somebody else's memory, with a cotangent computed in between. What soft targets and adversaries need. One thread.
// Private to this folder.
#pragma once

#include "harness/graph/compiled.hpp"

namespace assay::graph {

// A tensor whose memory is written again for every batch, unless somebody kept the last one.
class BatchTensor {
 public:
  explicit BatchTensor(Spec spec);
  template <class T>
  std::span<T> renew() {
    fresh();
    return values<T>();
  }
  // The memory as it is: only for values that nobody else reads meanwhile.
  template <class T>
  std::span<T> values() {
    return {reinterpret_cast<T*>(memory_->data()), static_cast<std::size_t>(spec_.count())};
  }
  const Tensor& tensor() const { return tensor_; }

 private:
  void fresh();
  Spec spec_;
  std::shared_ptr<engine::Storage> memory_;
  Tensor tensor_;
};

struct PassOptions {
  Mode mode = Mode::train;
  bool input_grad = false, param_grads = false;
  Precision precision = Precision::f32;
};

class NetPass {
 public:
  NetPass(const Graph& graph, std::int64_t batch, const PassOptions& options);
  // Memory of a parameter, or of a running statistic in eval mode; it must outlive the passes. Names that the plan does
  // not read are ignored.
  void bind(const std::string& name, const float* values);
  // Logits [N, K], valid until the next forward().
  std::span<const float> forward(const Tensor& x, const RandomKeys& keys);
  // d <logits, cotangent> / ... of the last forward(); cotangent [N, K].
  void backward(std::span<const float> cotangent);
  std::span<const float> input_gradient() const { return output("grad:" + input_).f32s(); }
  const Tensor& output(const std::string& name) const;
  std::int64_t classes() const { return classes_; }

 private:
  CompiledPlan plan_;
  std::string input_;
  std::int64_t classes_;
  BatchTensor cotangent_;
  Tensor x_;
  RandomKeys keys_;
  const std::vector<Tensor>* results_ = nullptr;
};

// Rows of softmax(logits), in double inside.
void softmax_rows(std::span<const float> logits, std::int64_t classes, std::span<float> out);
// Mean over rows of -sum_k target_k log softmax(logits)_k; `cotangent` becomes d mean / d logits.
double soft_cross_entropy(std::span<const float> logits, std::span<const float> targets, std::int64_t classes,
                          std::span<float> cotangent);

}  // namespace assay::graph
