// Cost accounting and the text form, both from the registry's cost functions at batch 1.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/graph/graph.hpp"
#include "harness/graph/modes.hpp"

namespace assay::graph {
namespace {

double nonzero_share(const Tensor& tensor) {
  const std::vector<float> values = tensor.to_f32();
  if (values.empty()) return 1.0;
  const auto zeros = std::count(values.begin(), values.end(), 0.0F);
  return 1.0 - static_cast<double>(zeros) / static_cast<double>(values.size());
}

engine::OpCost cost_of(const GraphNode& node, const std::map<std::string, Spec>& values) {
  std::vector<Spec> in, out;
  for (const std::string& name : node.inputs) in.push_back(values.at(name));
  for (const std::string& name : node.outputs) out.push_back(values.at(name));
  engine::OpCost cost;
  if (!is_graph_op(node.op)) {
    const engine::Registry& registry = engine::Registry::get();
    return engine::op_cost(registry.op(registry.id(node.op)), in, out, node.attrs);
  }
  for (const Spec& spec : in) cost.bytes += static_cast<double>(spec.bytes());
  for (const Spec& spec : out) cost.bytes += static_cast<double>(spec.bytes());
  return cost;
}

}  // namespace

std::vector<NodeCost> cost_table(const Graph& graph) {
  const std::map<std::string, Spec> values = graph.shapes(1);
  std::set<std::string> counted;
  std::vector<NodeCost> table;
  for (const GraphNode& node : graph.nodes) {
    const engine::OpCost cost = cost_of(node, values);
    NodeCost row{node.name, node.op, values.at(node.outputs[0]).shape, cost.macs, cost.bytes, 0};
    if (graph.batched() && !row.output.empty()) row.output.erase(row.output.begin());
    for (const std::string& name : node.inputs) {
      const auto it = graph.parameters.find(name);
      if (it != graph.parameters.end() && counted.insert(name).second) row.params += it->second.value.count();
    }
    table.push_back(std::move(row));
  }
  return table;
}

double macs(const Graph& graph) {
  double total = 0;
  for (const NodeCost& row : cost_table(graph)) total += row.macs;
  return total;
}

double nonzero_macs(const Graph& graph) {
  const std::vector<NodeCost> table = cost_table(graph);
  double total = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const GraphNode& node = graph.nodes[i];
    const auto weight = node.inputs.size() > 1 ? graph.parameters.find(node.inputs[1]) : graph.parameters.end();
    total += table[i].macs * (weight == graph.parameters.end() ? 1.0 : nonzero_share(weight->second.value));
  }
  return total;
}

std::int64_t param_count(const Graph& graph) {
  std::int64_t total = 0;
  for (const auto& [name, parameter] : graph.parameters) total += parameter.value.count();
  return total;
}

std::int64_t nonzero_param_count(const Graph& graph) {
  std::int64_t total = 0;
  for (const auto& [name, parameter] : graph.parameters) {
    const std::vector<float> values = parameter.value.to_f32();
    total += std::count_if(values.begin(), values.end(), [](float v) { return v != 0.0F; });
  }
  return total;
}

std::string Graph::to_text() const {
  std::string text;
  for (const GraphInput& in : inputs) text += fmt::format("input   {} {}{}\n", in.name, in.spec.str(), in.batched ? "" : " for all samples");
  const std::vector<NodeCost> table = cost_table(*this);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const NodeCost& row = table[i];
    text += fmt::format("{:<24} {:<14} {:<16} params {:>9} MACs {:>12.0f}  <- {}{}{}\n", row.node, row.op,
                        engine::shape_str(row.output), row.params, row.macs, fmt::join(nodes[i].inputs, ", "),
                        nodes[i].attrs.items().empty() ? "" : "  " + nodes[i].attrs.to_json().dump(),
                        nodes[i].outputs.size() == 1 ? "" : fmt::format("  -> {}", fmt::join(nodes[i].outputs, ", ")));
  }
  for (const auto& [name, parameter] : parameters) {
    const auto mask = masks.find(name);
    text += fmt::format("param   {} {}{}{}\n", name, parameter.value.spec().str(), parameter.trainable ? "" : " frozen",
                        mask == masks.end() ? "" : fmt::format(" masked, {:.3g} of it kept", nonzero_share(mask->second)));
  }
  for (const auto& [name, buffer] : buffers) text += fmt::format("buffer  {} {}\n", name, buffer.spec().str());
  for (const auto& [name, value] : outputs) text += fmt::format("output  {} = {}\n", name, value);
  for (const auto& [name, value] : taps) text += fmt::format("tap     {} = {}\n", name, value);
  text += fmt::format("total   params {} MACs {:.0f}\n", param_count(*this), macs(*this));
  return text;
}

}  // namespace assay::graph
