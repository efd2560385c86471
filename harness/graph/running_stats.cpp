#include "harness/graph/running_stats.hpp"

#include <algorithm>
#include <numeric>

#include "harness/base/error.hpp"
#include "harness/graph/batches.hpp"

namespace assay::graph {

RunningStatistics::RunningStatistics(const Graph& graph, std::int64_t batch) {
  const auto specs = graph.shapes(batch);
  for (const GraphNode& node : graph.nodes) {
    if (node.op != "batch_norm") continue;
    const Spec& x = specs.at(node.inputs[0]);
    const double n = static_cast<double>(x.count()) / static_cast<double>(x.shape[1]);
    if (n < 2) {
      throw Error(Fault::bad_input, "batch norm '" + node.name + "' needs more than one value a channel to train; batch is " + std::to_string(batch));
    }
    layers_.push_back({node.inputs[3], node.inputs[4], node.attrs.real("momentum", 0.1), n / (n - 1)});
    for (const std::string& name : {node.inputs[3], node.inputs[4]}) values_.try_emplace(name, graph.buffers.at(name).to_f32());
  }
}

void RunningStatistics::blend(const std::string& buffer, const Tensor& now, double momentum, double factor) {
  if (!now.defined()) return;
  std::vector<float>& kept = values_.at(buffer);
  const auto values = now.f32s();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    kept[i] = static_cast<float>((1 - momentum) * static_cast<double>(kept[i]) + momentum * factor * static_cast<double>(values[i]));
  }
}

void RunningStatistics::update(const Batch& statistic) {
  for (const Layer& layer : layers_) {
    blend(layer.mean, statistic(layer.mean), layer.momentum, 1.0);
    blend(layer.var, statistic(layer.var), layer.momentum, layer.unbias);
  }
}

void RunningStatistics::average(const Batch& statistic, std::int64_t seen) {
  const double momentum = 1.0 / static_cast<double>(seen + 1);
  for (const Layer& layer : layers_) {
    blend(layer.mean, statistic(layer.mean), momentum, 1.0);
    blend(layer.var, statistic(layer.var), momentum, layer.unbias);
  }
}

void RunningStatistics::put_into(Graph& graph) const {
  for (const auto& [name, values] : values_) graph.buffers.at(name) = Tensor::f32(graph.buffers.at(name).shape(), values);
}

void reestimate_batch_norm(Graph& graph, const TrainData& data, std::int64_t batch, std::uint64_t seed) {
  data.validate(graph.classes());
  batch = std::min(batch, data.size());
  RunningStatistics statistics(graph, batch);
  if (statistics.empty()) return;
  CompileOptions options;
  options.batch = batch;
  options.mode = Mode::train;
  CompiledPlan plan = compile(graph, options);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(batch));
  std::vector<std::uint64_t> ids(rows.size());
  Shape shape = data.sample_shape;
  shape.insert(shape.begin(), batch);
  std::vector<float> x(static_cast<std::size_t>(engine::element_count(shape)));
  for (std::int64_t step = 0; step < data.size() / batch; ++step) {
    std::iota(rows.begin(), rows.end(), step * batch);
    for (std::size_t i = 0; i < rows.size(); ++i) ids[i] = data.ids[static_cast<std::size_t>(rows[i])];
    fill_batch(data, {rows, seed}, x);
    const std::vector<Tensor>& out = plan.run({{graph.inputs.at(0).name, Tensor::f32(shape, x)}}, {seed, 0, ids});
    statistics.average([&](const std::string& name) { return out[static_cast<std::size_t>(plan.output_index("stat:" + name))]; }, step);
  }
  statistics.put_into(graph);
}

}  // namespace assay::graph
