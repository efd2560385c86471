// Graphs on disk: structure as JSON in the container's metadata, arrays under their own names, masks as "mask:<name>".
#include <algorithm>
#include <set>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"
#include "harness/graph/graph.hpp"
#include "harness/record/safetensors.hpp"

namespace assay::graph {
namespace {

constexpr const char* format_name = "assay-graph";  // persisted
constexpr std::int64_t format_version = 1;          // persisted; raised when old readers would misread a file
const std::string mask_prefix = "mask:";

Json name_map(const std::map<std::string, std::string>& map) {
  Json json = Json::object({});
  for (const auto& [key, value] : map) json[key] = value;
  return json;
}

std::map<std::string, std::string> read_name_map(const Json& json) {
  std::map<std::string, std::string> map;
  for (const auto& [key, value] : json.as_object()) map[key] = value.as_string();
  return map;
}

std::vector<std::string> read_names(const Json& json) {
  std::vector<std::string> names;
  for (const Json& item : json.as_array()) names.push_back(item.as_string());
  return names;
}

GraphNode read_node(const Json& json) {
  GraphNode node;
  node.name = json.at("name").as_string();
  try {
    node.op = json.at("op").as_string();
    node.attrs = Attrs::from_json(json.at("attrs"));
    node.inputs = read_names(json.at("inputs"));
    node.outputs = read_names(json.at("outputs"));
  } catch (const Error& e) {
    throw Error(Fault::bad_input, "node '" + node.name + "': " + e.what());
  }
  return node;
}

Array array_of(const Tensor& tensor) {
  const Tensor dense = tensor.dense();
  Array array;
  array.dtype = engine::dtype_name(dense.dtype());
  array.shape = dense.shape();
  array.bytes.assign(dense.raw(), dense.raw() + dense.spec().bytes());
  return array;
}

Tensor tensor_of(const Array& array) {
  return Tensor::from_bytes({engine::dtype_from_name(array.dtype), array.shape}, array.bytes);
}

Tensor read_f32(const Container& container, const std::string& name) {
  const Array& array = container.at(name);
  if (array.dtype != "F32") throw Error(Fault::bad_input, "tensor '" + name + "' is " + array.dtype + "; expected F32");
  return tensor_of(array);
}

void fill_arrays(Graph& graph, const Container& container) {
  std::set<std::string> used;
  for (auto& [name, parameter] : graph.parameters) {
    parameter.value = read_f32(container, name);
    used.insert(name);
  }
  for (auto& [name, buffer] : graph.buffers) {
    buffer = tensor_of(container.at(name));
    used.insert(name);
  }
  for (const auto& [name, array] : container.arrays) {
    if (used.count(name)) continue;
    if (name.compare(0, mask_prefix.size(), mask_prefix) != 0) {
      throw Error(Fault::bad_input, "tensor '" + name + "' belongs to no parameter or buffer of the graph");
    }
    const std::string target = name.substr(mask_prefix.size());
    const Tensor before = graph.parameters.count(target) ? graph.parameters[target].value : Tensor();
    graph.set_mask(target, tensor_of(array));
    if (before.to_f32() != graph.parameters[target].value.to_f32()) {
      throw Error(Fault::bad_input, "parameter '" + target + "' has weights other than 0 under its mask");
    }
  }
}

void hash_tensor(Sha256& hash, const std::string& name, const Tensor& tensor) {
  const Tensor dense = tensor.dense();
  hash.update(name + ":" + dense.spec().str() + ":");
  hash.update(std::span(dense.raw(), dense.spec().bytes()));
}

}  // namespace

Json Graph::to_json() const {
  Json json = Json::object({{"format", format_name}, {"version", format_version}});
  json["inputs"] = Json::array();
  for (const GraphInput& in : inputs) {
    Json input = Json::object({{"name", in.name}, {"dtype", engine::dtype_name(in.spec.dtype)}, {"shape", Json(in.spec.shape)}});
    if (!in.batched) input["batched"] = false;  // left out otherwise: older files and digests stay as they are
    json["inputs"].push_back(std::move(input));
  }
  json["nodes"] = Json::array();
  for (const GraphNode& node : nodes) {
    json["nodes"].push_back(Json::object({{"name", node.name},
                                          {"op", node.op},
                                          {"attrs", node.attrs.to_json()},
                                          {"inputs", Json(node.inputs)},
                                          {"outputs", Json(node.outputs)}}));
  }
  json["parameters"] = Json::object({});
  for (const auto& [name, parameter] : parameters) json["parameters"][name] = Json::object({{"trainable", parameter.trainable}});
  json["buffers"] = Json::array();
  for (const auto& [name, buffer] : buffers) json["buffers"].push_back(name);
  json["taps"] = name_map(taps);
  json["outputs"] = name_map(outputs);
  json["metadata"] = metadata;
  return json;
}

Graph Graph::from_json(const Json& json) {
  if (json.get("format", "") != format_name) throw Error(Fault::bad_input, "not a model: metadata has no format 'assay-graph'");
  if (json.at("version").as_int() != format_version) {
    throw Error(Fault::unsupported, "model format version " + std::to_string(json.at("version").as_int()) +
                                        "; this build reads version " + std::to_string(format_version));
  }
  Graph graph;
  for (const Json& in : json.at("inputs").as_array()) {
    GraphInput input{in.at("name").as_string(), {engine::dtype_from_name(in.at("dtype").as_string()), {}}, in.get("batched", true)};
    for (const Json& extent : in.at("shape").as_array()) input.spec.shape.push_back(extent.as_int());
    graph.inputs.push_back(std::move(input));
  }
  for (const Json& node : json.at("nodes").as_array()) graph.nodes.push_back(read_node(node));
  for (const auto& [name, parameter] : json.at("parameters").as_object()) {
    graph.parameters[name].trainable = parameter.at("trainable").as_bool();
  }
  for (const Json& name : json.at("buffers").as_array()) graph.buffers[name.as_string()] = Tensor();
  graph.taps = read_name_map(json.at("taps"));
  graph.outputs = read_name_map(json.at("outputs"));
  graph.metadata = json.at("metadata");
  return graph;
}

void save_model(const Graph& graph, const std::filesystem::path& file) {
  Container container;
  container.metadata = graph.to_json();
  for (const auto& [name, parameter] : graph.parameters) container.arrays[name] = array_of(parameter.value);
  for (const auto& [name, buffer] : graph.buffers) container.arrays[name] = array_of(buffer);
  for (const auto& [name, mask] : graph.masks) {
    std::vector<std::uint8_t> keep;
    for (const float v : mask.to_f32()) keep.push_back(v != 0.0F ? 1 : 0);
    container.arrays[mask_prefix + name] = Array::u8(mask.shape(), keep);
  }
  save_container(file, container);
}

Graph load_model(const std::filesystem::path& file) {
  const Container container = load_container(file);
  try {
    Graph graph = Graph::from_json(container.metadata);
    fill_arrays(graph, container);
    graph.validate();
    return graph;
  } catch (const Error& e) {
    throw Error(e.fault() == Fault::internal ? Fault::bad_input : e.fault(), file.string() + ": " + e.what());
  }
}

std::string weight_digest(const Graph& graph) {
  Sha256 hash;
  for (const auto& [name, parameter] : graph.parameters) hash_tensor(hash, name, parameter.value);
  for (const auto& [name, buffer] : graph.buffers) hash_tensor(hash, name, buffer);
  return hash.hex();
}

std::string structure_digest(const Graph& graph) { return sha256(graph.to_json().dump()); }

}  // namespace assay::graph
