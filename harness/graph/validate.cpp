// Shape inference and the invariants of a graph.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/base/error.hpp"
#include "harness/graph/graph.hpp"
#include "harness/graph/modes.hpp"

namespace assay::graph {
namespace {

std::string place(const GraphNode& node) { return "node '" + node.name + "' (" + node.op + ")"; }

// Why `value` is not there when `node` reads it.
[[noreturn]] void missing_value(const Graph& graph, const GraphNode& node, const std::string& value,
                                const std::map<std::string, Spec>& defined) {
  if (const GraphNode* later = graph.producer(value)) {
    const bool self = later == &node;
    bad_input(place(node) + " reads '" + value + "', which " + (self ? "it" : "node '" + later->name + "'") +
              " makes only " + (self ? "itself" : "later") + ": a cycle or a wrong order");
  }
  std::vector<std::string> names;
  names.reserve(defined.size());
  for (const auto& [name, spec] : defined) names.push_back(name);
  bad_input(place(node) + " reads '" + value + "', which is not defined" + suggestion(value, names));
}

void define(std::map<std::string, Spec>& values, const std::string& name, const Spec& spec, const std::string& what) {
  if (name.empty()) bad_input(what + " has an empty name");
  if (!values.emplace(name, spec).second) bad_input(what + " defines '" + name + "' a second time");
}

void check_op(const GraphNode& node) {
  if (is_graph_op(node.op)) return;
  const std::vector<std::string> known = known_ops();
  if (std::find(known.begin(), known.end(), node.op) == known.end()) {
    bad_input("node '" + node.name + "': unknown op '" + node.op + "'" + suggestion(node.op, known));
  }
}

void check_masks(const Graph& graph) {
  for (const auto& [name, mask] : graph.masks) {
    const auto it = graph.parameters.find(name);
    if (it == graph.parameters.end()) bad_input("mask of '" + name + "', which is no parameter");
    if (mask.shape() != it->second.value.shape())
      bad_input("mask of '" + name + "' has another shape than the parameter");
    const std::vector<float> keep = mask.to_f32(), values = it->second.value.to_f32();
    for (std::size_t i = 0; i < keep.size(); ++i) {
      if (keep[i] == 0.0F && values[i] != 0.0F)
        bad_input("parameter '" + name + "' has weights other than 0 under its mask");
    }
  }
}

}  // namespace

std::map<std::string, Spec> Graph::shapes(std::int64_t batch) const {
  std::map<std::string, Spec> values;
  for (const GraphInput& in : inputs) {
    define(values, in.name, in.at(batch), "input");
  }
  for (const auto& [name, parameter] : parameters) {
    if (!parameter.value.defined()) bad_input("parameter '" + name + "' has no value");
    define(values, name, parameter.value.spec(), "parameter");
  }
  for (const auto& [name, buffer] : buffers) {
    if (!buffer.defined()) bad_input("buffer '" + name + "' has no value");
    define(values, name, buffer.spec(), "buffer");
  }
  for (const GraphNode& node : nodes) {
    check_op(node);
    std::vector<Spec> in;
    for (const std::string& name : node.inputs) {
      const auto it = values.find(name);
      if (it == values.end()) missing_value(*this, node, name, values);
      in.push_back(it->second);
    }
    std::vector<Spec> out;
    try {
      out = infer_node(node, in);
    } catch (const Error& e) {
      bad_input("node '" + node.name + "': " + e.what());
    }
    if (node.outputs.empty() || node.outputs.size() > out.size()) {
      bad_input(place(node) + " makes " + std::to_string(out.size()) + " values and names " +
                std::to_string(node.outputs.size()));
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) define(values, node.outputs[i], out[i], place(node));
  }
  return values;
}

void Graph::validate() const {
  if (inputs.empty()) bad_input("graph has no input");
  std::set<std::string> node_names;
  for (const GraphNode& node : nodes) {
    if (!node_names.insert(node.name).second) bad_input("two nodes are named '" + node.name + "'");
  }
  const std::map<std::string, Spec> values = shapes(2);
  const auto check_names = [&](const std::map<std::string, std::string>& names, const char* what) {
    for (const auto& [name, value] : names) {
      const auto it = values.find(value);
      if (it == values.end())
        bad_input(fmt::format("{} '{}' names the value '{}', which is not defined", what, name, value));
      if (batched() && (it->second.shape.empty() || it->second.shape[0] != 2)) {
        bad_input(fmt::format("{} '{}' has no batch axis (shape {} at batch 2)", what, name, it->second.str()));
      }
    }
  };
  if (outputs.empty()) bad_input("graph has no output");
  check_names(outputs, "output");
  check_names(taps, "tap");
  check_masks(*this);
}

}  // namespace assay::graph
