// Prepared records as arrays that stages work on, and predictions over them. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/engine/tensor/tensor.hpp"
#include "harness/graph/executor.hpp"
#include "harness/graph/train.hpp"
#include "harness/tasks/stage.hpp"

namespace assay::tasks {

struct Samples {
  std::vector<std::int64_t> ids;   // one a row
  engine::Tensor x;                // f32 [n, ...] in [0, 1] or the set's range
  std::vector<std::int64_t> y;     // labels; empty when the records hold none
  std::int64_t classes = 0;
  std::int64_t size() const { return static_cast<std::int64_t>(ids.size()); }
};
Samples load_samples(const std::filesystem::path& records);

// Rows [first, first + count) of x.
engine::Tensor rows(const engine::Tensor& x, std::int64_t first, std::int64_t count);
// The samples at these places.
Samples at_rows(const Samples& samples, const std::vector<std::int64_t>& rows);
// Training set for the host's loop.
graph::TrainData train_data(const Samples& samples);

// A model under judgement: the one plan (fp32, fixed batch, same fusion) that gives every clean and adversarial number.
class Subject {
 public:
  Subject(const std::filesystem::path& model, const Job& job);
  // Row-major logits [n, classes] in f32.
  std::vector<float> logits(const engine::Tensor& x, const std::vector<std::int64_t>& ids);
  const graph::Graph& graph() const { return *graph_; }
  graph::Executor& executor() { return executor_; }
  std::int64_t classes() const { return graph_->classes(); }

 private:
  std::shared_ptr<const graph::Graph> graph_;
  graph::Executor executor_;
  std::uint64_t seed_;
};

// Accuracy, likelihood, calibration and risk of one model's logits (else probabilities), [n, classes], as columns and scores
// at condition "test".
void put_prediction(StageContext& context, const std::vector<float>& outputs, const Samples& samples, bool logits = true);

}  // namespace assay::tasks
