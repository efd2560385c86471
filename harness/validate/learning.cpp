#include "harness/validate/learning.hpp"

#include "harness/metrics/metrics.hpp"

namespace assay::validate {

std::vector<float> inputs_of(const plugin::Records& records) {
  const auto values = records->find("input").values.as_f32();
  return {values.begin(), values.end()};
}

double accuracy(const graph::Graph& graph, const engine::Tensor& x, const std::vector<std::int64_t>& y) {
  graph::Executor executor(std::make_shared<const graph::Graph>(graph), 16);
  std::vector<std::uint64_t> ids(y.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i;
  graph::ForwardOptions options;
  options.sample_ids = ids;
  const std::vector<float> logits = executor.logits(x, options).to_f32();
  const auto classes = logits.size() / y.size();
  return metrics::accuracy(metrics::correct({logits, classes, metrics::Scale::logits}, y));
}

double accuracy(const graph::Graph& graph, const plugin::Records& records) {
  const auto labels = records->labels();
  return accuracy(graph, records->input_batch(0, records->size()), {labels.begin(), labels.end()});
}

graph::TrainData train_data(const plugin::Records& records) {
  graph::TrainData data;
  data.sample_shape = {1, kSide, kSide};
  data.f32 = inputs_of(records);
  const auto labels = records->labels();
  data.labels.assign(labels.begin(), labels.end());
  data.ids.assign(records->ids.begin(), records->ids.end());
  return data;
}

graph::Recipe short_recipe(std::int64_t epochs) {
  graph::Recipe recipe;
  recipe.epochs = epochs;
  recipe.batch = 16;
  recipe.optimizer = "adamw";
  recipe.lr = 0.01;
  recipe.weight_decay = 0;
  return recipe;
}

}  // namespace assay::validate
