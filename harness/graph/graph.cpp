// Graph: look-ups, edits that keep the invariants, inlining.
#include "harness/graph/graph.hpp"

#include <algorithm>

#include "harness/base/error.hpp"

namespace assay::graph {
namespace {

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

void check_dense_f32(const Tensor& value, const std::string& what) {
  if (!value.defined() || value.dtype() != engine::DType::f32) bad_input(what + " must be a defined f32 tensor");
}

[[noreturn]] void undefined_value(const std::string& prefix, const std::string& value, const std::string& node) {
  bad_input("inlining '" + prefix + "': value '" + value + "' of node '" + node + "' is not defined");
}

Tensor apply_mask(const Tensor& value, const Tensor& mask) {
  std::vector<float> out = value.to_f32();
  const std::vector<float> keep = mask.to_f32();
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (keep[i] == 0.0F) out[i] = 0.0F;
  }
  return Tensor::f32(value.shape(), out);
}

}  // namespace

Spec GraphInput::at(std::int64_t batch) const {
  Spec whole = spec;
  if (batched) whole.shape.insert(whole.shape.begin(), batch);
  return whole;
}

const GraphNode* Graph::find_node(std::string_view name) const {
  const auto it = std::find_if(nodes.begin(), nodes.end(), [&](const GraphNode& n) { return n.name == name; });
  return it == nodes.end() ? nullptr : &*it;
}

GraphNode* Graph::find_node(std::string_view name) {
  return const_cast<GraphNode*>(static_cast<const Graph*>(this)->find_node(name));
}

const GraphNode& Graph::node(std::string_view name) const {
  if (const GraphNode* found = find_node(name)) return *found;
  std::vector<std::string> names;
  for (const GraphNode& n : nodes) names.push_back(n.name);
  bad_input("graph has no node '" + std::string(name) + "'" + suggestion(name, names));
}

const GraphNode* Graph::producer(std::string_view value) const {
  for (const GraphNode& n : nodes) {
    if (std::find(n.outputs.begin(), n.outputs.end(), value) != n.outputs.end()) return &n;
  }
  return nullptr;
}

std::vector<const GraphNode*> Graph::consumers(std::string_view value) const {
  std::vector<const GraphNode*> found;
  for (const GraphNode& n : nodes) {
    if (std::find(n.inputs.begin(), n.inputs.end(), value) != n.inputs.end()) found.push_back(&n);
  }
  return found;
}

const std::string& Graph::resolve(std::string_view name) const {
  const std::string key(name);
  if (const auto it = outputs.find(key); it != outputs.end()) return it->second;
  if (const auto it = taps.find(key); it != taps.end()) return it->second;
  for (const GraphInput& in : inputs) {
    if (in.name == name) return in.name;
  }
  for (const GraphNode& n : nodes) {
    const auto it = std::find(n.outputs.begin(), n.outputs.end(), name);
    if (it != n.outputs.end()) return *it;
  }
  std::vector<std::string> names = keys_of(outputs);
  for (const auto& [tap, value] : taps) names.push_back(tap);
  bad_input("model has no output or tap '" + key + "'" + suggestion(name, names));
}

std::string Graph::add(std::string name, std::string op, std::vector<std::string> operands, Attrs attrs) {
  nodes.push_back({name, std::move(op), std::move(attrs), std::move(operands), {name}});
  return name;
}

void Graph::set_parameter(const std::string& name, const Tensor& value) {
  const auto it = parameters.find(name);
  if (it == parameters.end())
    bad_input("model has no parameter '" + name + "'" + suggestion(name, keys_of(parameters)));
  check_dense_f32(value, "parameter '" + name + "'");
  if (value.shape() != it->second.value.shape()) {
    bad_input("parameter '" + name + "' has shape " + engine::shape_str(it->second.value.shape()) + ", not " +
              engine::shape_str(value.shape()));
  }
  const auto mask = masks.find(name);
  it->second.value = mask == masks.end() ? value.dense() : apply_mask(value, mask->second);
}

void Graph::set_mask(const std::string& name, const Tensor& mask) {
  const auto it = parameters.find(name);
  if (it == parameters.end())
    bad_input("model has no parameter '" + name + "'" + suggestion(name, keys_of(parameters)));
  if (!mask.defined()) {
    masks.erase(name);
    return;
  }
  if (mask.shape() != it->second.value.shape()) {
    bad_input("mask of '" + name + "' has shape " + engine::shape_str(mask.shape()) + "; the parameter's is " +
              engine::shape_str(it->second.value.shape()));
  }
  const std::vector<float> values = mask.to_f32();
  const auto other = std::find_if(values.begin(), values.end(), [](float v) { return v != 0.0F && v != 1.0F; });
  if (other != values.end()) bad_input("mask of '" + name + "' holds " + std::to_string(*other) + "; expected 0 or 1");
  masks[name] = Tensor::f32(mask.shape(), values);
  it->second.value = apply_mask(it->second.value, masks[name]);
}

std::map<std::string, std::string> Graph::inline_graph(const std::string& prefix, const Graph& other,
                                                       const std::map<std::string, std::string>& feeds,
                                                       const std::map<std::string, std::string>& shared) {
  std::map<std::string, std::string> names;  // other's value name -> ours
  for (const GraphInput& in : other.inputs) {
    const auto feed = feeds.find(in.name);
    if (feed == feeds.end()) bad_input("inlining '" + prefix + "': input '" + in.name + "' is not fed");
    names[in.name] = feed->second;
  }
  const auto ours = [&](const std::string& name) {
    const auto it = shared.find(name);
    return it == shared.end() ? prefix + name : it->second;
  };
  for (const auto& [name, parameter] : other.parameters) {
    names[name] = ours(name);
    if (!shared.count(name)) parameters[names[name]] = parameter;
  }
  for (const auto& [name, buffer] : other.buffers) {
    names[name] = ours(name);
    if (!shared.count(name)) buffers[names[name]] = buffer;
  }
  for (const auto& [name, mask] : other.masks) {
    if (!shared.count(name)) masks[prefix + name] = mask;
  }
  for (GraphNode node : other.nodes) {
    node.name = prefix + node.name;
    for (std::string& in : node.inputs) {
      const auto it = names.find(in);
      if (it == names.end()) undefined_value(prefix, in, node.name);
      in = it->second;
    }
    for (std::string& out : node.outputs) {
      std::string& ours_out = names[out];
      ours_out = prefix;
      ours_out += out;
      out = ours_out;
    }
    nodes.push_back(std::move(node));
  }
  std::map<std::string, std::string> result;
  for (const auto& [name, value] : other.outputs) result[name] = names.at(value);
  for (const auto& [name, value] : other.taps) result["tap:" + name] = names.at(value);
  return result;
}

std::int64_t Graph::classes() const {
  const auto it = outputs.find("logits");
  if (it == outputs.end()) bad_input("model has no output 'logits'");
  const auto values = shapes(1);
  const auto spec = values.find(it->second);
  if (spec == values.end() || spec->second.shape.size() != 2) bad_input("output 'logits' must have shape [N, classes]");
  return spec->second.shape[1];
}

bool Graph::batched() const {
  return std::any_of(inputs.begin(), inputs.end(), [](const GraphInput& in) { return in.batched; });
}

bool is_random(const GraphNode& node) { return node.op == "dropout" || node.op == "drop_path"; }

bool Graph::stochastic() const {
  return std::any_of(nodes.begin(), nodes.end(),
                     [](const GraphNode& n) { return is_random(n) && n.attrs.integer("always", 0) != 0; });
}

namespace {

void check_members(const std::vector<Graph>& members) {
  if (members.empty()) bad_input("an ensemble needs at least one member");
  for (const Graph& m : members) {
    if (m.inputs.size() != 1) bad_input("an ensemble's members must have one input each");
    if (!(m.inputs[0].spec == members[0].inputs[0].spec))
      bad_input("an ensemble's members must take inputs of one shape");
    if (m.classes() != members[0].classes()) bad_input("an ensemble's members must have equally many classes");
  }
}

// Appends log(mean softmax) over the given logits and makes it the output.
void combine(Graph& graph, const std::vector<std::string>& logits) {
  std::vector<std::string> logs;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logs.push_back(graph.add("combine/log_softmax" + std::to_string(i), "log_softmax", {logits[i]}));
  }
  graph.outputs["logits"] = graph.add("combine/mean", "log_mean_exp", logs);
}

}  // namespace

Graph mean_ensemble(const std::vector<Graph>& members) {
  check_members(members);
  Graph result;
  result.inputs = members[0].inputs;
  std::vector<std::string> logits;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string prefix = "m" + std::to_string(i) + "/";
    const auto values = result.inline_graph(prefix, members[i], {{members[i].inputs[0].name, result.inputs[0].name}});
    logits.push_back(values.at("logits"));
    result.outputs["member:" + std::to_string(i)] = values.at("logits");
    for (const auto& [tap, value] : members[i].taps) result.taps[prefix + tap] = values.at("tap:" + tap);
  }
  combine(result, logits);
  result.metadata = members[0].metadata;
  result.metadata["combination"] =
      Json::object({{"kind", "mean"}, {"members", static_cast<std::int64_t>(members.size())}});
  result.validate();
  return result;
}

Graph mc_dropout(const Graph& graph, int draws, std::uint64_t seed) {
  if (draws < 1) bad_input("mc_dropout needs at least one draw");
  if (std::none_of(graph.nodes.begin(), graph.nodes.end(), is_random)) {
    bad_input("mc_dropout needs a model with dropout nodes; this one has none");
  }
  Graph result;
  result.inputs = graph.inputs;
  result.parameters = graph.parameters;
  result.buffers = graph.buffers;
  result.masks = graph.masks;
  std::map<std::string, std::string> shared;
  for (const auto& [name, value] : graph.parameters) shared[name] = name;
  for (const auto& [name, value] : graph.buffers) shared[name] = name;
  std::vector<std::string> logits, features;
  for (int draw = 0; draw < draws; ++draw) {
    Graph copy = graph;
    for (GraphNode& node : copy.nodes) {
      if (!is_random(node)) continue;
      node.attrs.set("key", node.attrs.text("key", node.name));
      node.attrs.set("always", std::int64_t{1});
      node.attrs.set("draw", std::int64_t{draw});
      node.attrs.set("seed", static_cast<std::int64_t>(seed));
    }
    const auto values = result.inline_graph("d" + std::to_string(draw) + "/", copy,
                                            {{graph.inputs[0].name, result.inputs[0].name}}, shared);
    logits.push_back(values.at("logits"));
    result.outputs["member:" + std::to_string(draw)] = values.at("logits");
    if (values.count("tap:features")) features.push_back(values.at("tap:features"));
  }
  combine(result, logits);
  if (!features.empty()) result.taps["features"] = result.add("combine/features", "mean_of", features);
  result.metadata = graph.metadata;
  result.metadata["combination"] = Json::object({{"kind", "mc-dropout"}, {"draws", draws}});
  result.validate();
  return result;
}

}  // namespace assay::graph
