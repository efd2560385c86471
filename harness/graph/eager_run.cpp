// A graph on the eager tape, node by node.
#include "harness/base/error.hpp"
#include "harness/engine/tape/eager_emitter.hpp"
#include "harness/graph/executor.hpp"
#include "harness/graph/modes.hpp"

namespace assay::graph {

using engine::EagerEmitter;
using engine::Value;

namespace {

Value dropout_mask(EagerEmitter& emitter, const RandomNode& node, const Spec& spec, const ForwardOptions& options) {
  if (static_cast<std::int64_t>(options.sample_ids.size()) != spec.shape.at(0)) {
    throw Error(Fault::bad_input, "the model is random in this mode and needs one sample id a row");
  }
  std::vector<float> mask(static_cast<std::size_t>(spec.count()));
  fill_dropout(node, {options.seed, options.draw, options.sample_ids}, spec.count() / spec.shape[0], mask);
  return emitter.add(Tensor::f32(spec.shape, mask));
}

}  // namespace

std::vector<Tensor> evaluate_node(const GraphNode& node, std::span<const Tensor> operands) {
  EagerEmitter emitter;
  LowerContext context;
  Graph graph;
  graph.nodes.push_back(node);
  graph.nodes[0].inputs.clear();
  graph.nodes[0].outputs.clear();
  std::vector<Spec> specs;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    graph.nodes[0].inputs.push_back("in" + std::to_string(i));
    context.values[graph.nodes[0].inputs.back()] = emitter.add(operands[i]);
    specs.push_back(operands[i].spec());
  }
  for (std::size_t i = 0; i < infer_node(node, specs).size(); ++i) graph.nodes[0].outputs.push_back("out" + std::to_string(i));
  lower(graph, graph.nodes[0].outputs, context);
  std::vector<Tensor> results;
  for (const std::string& name : graph.nodes[0].outputs) results.push_back(emitter.tensor(context.values.at(name)));
  return results;
}

RecordedForward record_forward(const Graph& graph, const Tensor& x, const std::vector<std::string>& wants,
                               const std::map<std::string, Tensor>& given, const ForwardOptions& options) {
  EagerEmitter emitter;
  LowerContext context;
  context.mode = options.mode;
  context.values[graph.inputs.at(0).name] = emitter.add(x);
  const auto add = [&](const std::string& name, const Tensor& own) {
    const auto found = given.find(name);
    context.values[name] = emitter.add(found == given.end() ? own : found->second);
  };
  for (const auto& [name, parameter] : graph.parameters) add(name, parameter.value);
  for (const auto& [name, buffer] : graph.buffers) add(name, buffer);
  context.random = [&](const RandomNode& node, const Spec& spec) { return dropout_mask(emitter, node, spec, options); };
  std::vector<std::string> values;
  values.reserve(wants.size());
  for (const std::string& want : wants) values.push_back(graph.resolve(want));
  lower(graph, values, context);
  RecordedForward result;
  for (const std::string& value : values) result.values.push_back(emitter.tensor(context.values.at(value)));
  for (const auto& [name, value] : context.statistics) result.statistics[name] = engine::detach(emitter.tensor(value));
  return result;
}

}  // namespace assay::graph
