// Search: passes of a model in a lower precision, for methods that look for inputs (numerics.search of a suite). Gradients,
// losses and logits are of that precision. A row whose two largest logits lie closer together than its rounding may move
// them is asked again in f32, and its logits are those: so the class that a method sees is f32's. A row's numbers depend on
// nothing but the row (and its id, where the model is random). Threading: one thread at a time.
#pragma once

#include <memory>

#include "harness/graph/executor.hpp"

namespace assay::plugin {

class Search {
 public:
  // Rows are asked again when the two largest logits differ by no more than this share of the row's range of logits.
  // Storage in BF16 moved the difference of two logits by at most 0.025 of the range on 1,000 images of CIFAR-10
  // (tests/bench/lowered_accuracy.cpp measures it for a net).
  static constexpr double tolerance = 1.0 / 32;

  Search(const std::shared_ptr<const graph::Graph>& graph, std::int64_t batch, graph::Precision precision);
  graph::Precision precision() const { return precision_; }

  // As Executor's functions of these names.
  engine::Tensor logits(const engine::Tensor& x, const graph::ForwardOptions& options);
  graph::LossGrad loss_and_input_grad(const std::string& loss, const engine::Tensor& x, const engine::Tensor& y,
                                      const graph::ForwardOptions& options, const engine::Tensor& targets);
  graph::Pulled pull(const engine::Tensor& x, const std::vector<engine::Tensor>& cotangents,
                     const graph::ForwardOptions& options);

  std::int64_t asked_again() const { return asked_again_; }  // rows, since it was made

 private:
  engine::Tensor settled(const engine::Tensor& x, engine::Tensor logits, const graph::ForwardOptions& options);

  graph::Precision precision_;
  graph::Executor low_, exact_;
  std::int64_t asked_again_ = 0;
};

}  // namespace assay::plugin
