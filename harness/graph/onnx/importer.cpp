// ONNX -> graph: the passes after conversion. Two conversions at different batch sizes become one graph that fits every
// batch; then what no output needs goes, and the outputs that suites use are chosen.
#include <fmt/format.h>

#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/graph/onnx/merge.hpp"
#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

using graph::GraphNode;

// Large primes: an extent that they divide comes from the batch.
constexpr std::int64_t first_probe = 31, second_probe = 37;

void remove_unused(Graph& graph) {
  std::set<std::string> needed;
  for (const auto& [name, value] : graph.outputs) needed.insert(value);
  std::vector<GraphNode> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const auto used = [&](const std::string& out) { return needed.count(out) != 0; };
    if (!std::any_of(node->outputs.begin(), node->outputs.end(), used)) continue;
    needed.insert(node->inputs.begin(), node->inputs.end());
    kept.push_back(std::move(*node));
  }
  graph.nodes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  std::erase_if(graph.parameters, [&](const auto& item) { return needed.count(item.first) == 0; });
  std::erase_if(graph.buffers, [&](const auto& item) { return needed.count(item.first) == 0; });
}

// linear without bias, then the sum with a vector of its width, and nothing else reads it: one linear layer.
void join_biases(Graph& graph) {
  for (std::size_t i = 0; i + 1 < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != "linear" || graph.nodes[i].inputs.size() != 2) continue;
    const std::string product = graph.nodes[i].outputs[0];
    const auto reads = [&](const GraphNode& n) { return std::count(n.inputs.begin(), n.inputs.end(), product) > 0; };
    const auto next = std::find_if(graph.nodes.begin(), graph.nodes.end(), reads);
    const bool once = graph.consumers(product).size() == 1 && next->op == "add" && next->inputs.size() == 2;
    const auto is_output = [&](const auto& item) { return item.second == product; };
    if (!once || std::any_of(graph.outputs.begin(), graph.outputs.end(), is_output)) continue;
    const std::string other = next->inputs[0] == product ? next->inputs[1] : next->inputs[0];
    const auto bias = graph.parameters.find(other);
    const auto weight = graph.parameters.find(graph.nodes[i].inputs[1]);
    if (bias == graph.parameters.end() || weight == graph.parameters.end()) continue;
    if (bias->second.value.shape() != Shape{weight->second.value.shape()[0]}) continue;
    graph.nodes[i].inputs.push_back(other);
    graph.nodes[i].outputs = next->outputs;
    graph.nodes.erase(next);
  }
}

bool is_row_of_classes(const std::map<std::string, Spec>& specs, const std::string& value) {
  const Spec& spec = specs.at(value);
  return spec.dtype == DType::f32 && spec.shape.size() == 2;
}

// Behind a final softmax over the last axis the scores of the classes are its operand.
std::string before_softmax(const Graph& graph, const std::string& value) {
  const GraphNode* made = graph.producer(value);
  if (!made || (made->op != "softmax" && made->op != "log_softmax")) return value;
  const std::int64_t axis = made->attrs.integer("axis", -1);
  return axis == -1 || axis == 1 ? made->inputs[0] : value;
}

// What the last matrix product on the way to `value` reads, through ops of one operand.
std::string penultimate(const Graph& graph, const std::string& value) {
  for (const GraphNode* node = graph.producer(value); node; node = graph.producer(node->inputs[0])) {
    if (node->op == "linear" || node->op == "matmul") return node->inputs[0];
    if (node->inputs.size() != 1) return {};
  }
  return {};
}

void choose_outputs(Graph& graph, std::vector<std::string>& notes) {
  const std::map<std::string, Spec> specs = graph.shapes(first_probe);
  for (auto it = graph.outputs.begin(); it != graph.outputs.end();) {
    const Shape& shape = specs.at(it->second).shape;
    const bool batched = !shape.empty() && shape[0] == first_probe;
    if (!batched) notes.push_back(fmt::format("output '{}' has no batch axis in front and is left out", it->first));
    it = batched ? std::next(it) : graph.outputs.erase(it);
  }
  if (graph.outputs.empty()) throw Error(Fault::unsupported, "no output has the batch as its first axis");
}

void name_logits(Graph& graph, const std::vector<OnnxValue>& order, std::vector<std::string>& notes) {
  const std::map<std::string, Spec> specs = graph.shapes(first_probe);
  for (const OnnxValue& out : order) {
    const auto it = graph.outputs.find(out.name);
    if (it == graph.outputs.end() || !is_row_of_classes(specs, it->second)) continue;
    const std::string logits = before_softmax(graph, it->second);
    if (logits != it->second) notes.push_back(fmt::format("'logits' are what the softmax of output '{}' reads", out.name));
    if (!graph.outputs.count("logits")) graph.outputs["logits"] = logits;
    const std::string features = penultimate(graph, graph.outputs["logits"]);
    const bool named = features.empty() || graph.parameters.count(features) || graph.buffers.count(features);
    if (!named && specs.at(features).shape.size() >= 2) graph.taps["features"] = features;
    graph.metadata["classes"] = specs.at(graph.outputs["logits"]).shape[1];
    return;
  }
  notes.emplace_back("no output is f32 [N, classes]: the model has no 'logits'");
}

Json metadata_of(const OnnxModel& model) {
  const auto it = model.opsets.find("");
  return Json::object({{"source", "onnx"},
                       {"producer", model.producer},
                       {"onnx_graph", model.graph_name},
                       {"opset", it == model.opsets.end() ? std::int64_t{0} : it->second},
                       {"ir_version", model.ir_version}});
}

Imported import_batched(const OnnxModel& model, const ImportOptions& options) {
  Session first(model, options, first_probe), second(model, options, second_probe);
  first.run();
  second.run();
  Imported result;
  remove_unused(first.graph);
  remove_unused(second.graph);
  result.graph = merge_batches({first.graph, first_probe}, {second.graph, second_probe});
  result.specialised.assign(first.specialised.begin(), first.specialised.end());
  join_biases(result.graph);
  choose_outputs(result.graph, result.notes);
  remove_unused(result.graph);
  result.graph.metadata = metadata_of(model);
  name_logits(result.graph, model.outputs, result.notes);
  return result;
}

Imported import_fixed(const OnnxModel& model, const ImportOptions& options) {
  Session session(model, options, 1);
  session.run();
  if (session.graph.inputs.empty()) throw Error(Fault::unsupported, "a graph without inputs is a constant, not a model");
  Imported result;
  result.graph = std::move(session.graph);
  result.specialised.assign(session.specialised.begin(), session.specialised.end());
  remove_unused(result.graph);
  result.graph.metadata = metadata_of(model);
  return result;
}

}  // namespace

Imported import_model(const OnnxModel& model, const ImportOptions& options) {
  Imported result = options.batched ? import_batched(model, options) : import_fixed(model, options);
  result.graph.validate();
  return result;
}

Imported import_onnx(const std::filesystem::path& file, const ImportOptions& options) {
  const OnnxModel model = read_onnx(file);
  try {
    return import_model(model, options);
  } catch (const Error& e) {
    throw Error(e.fault() == Fault::internal ? Fault::bad_input : e.fault(), file.string() + ": " + e.what());
  }
}

}  // namespace assay::onnx
