// Graph -> ONNX: the driver.
#include "harness/graph/onnx/exporter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"

namespace assay::onnx {
namespace {

constexpr std::int64_t probe_batch = 2;
constexpr std::int64_t ir_version = 8;  // of ONNX 1.10 to 1.12, which have opsets 15 to 17

}  // namespace

Attribute attribute(std::int64_t value) {
  Attribute a;
  a.kind = Attribute::Kind::integer;
  a.integer = value;
  return a;
}

Attribute attribute(double value) {
  Attribute a;
  a.kind = Attribute::Kind::real;
  a.real = value;
  return a;
}

Attribute attribute(const std::string& value) {
  Attribute a;
  a.kind = Attribute::Kind::text;
  a.text = value;
  return a;
}

Attribute attribute(const Shape& values) {
  Attribute a;
  a.kind = Attribute::Kind::integers;
  a.integers = values;
  return a;
}

const std::string& Exported::in(std::size_t index) const {
  if (index >= node.inputs.size()) unsupported(fmt::format("operand {} is missing", index));
  return node.inputs[index];
}

std::int64_t Exported::axis(std::int64_t fallback) const {
  const std::int64_t a = node.attrs.integer("axis", fallback);
  return a < 0 ? a + rank() : a;
}

void Exported::unsupported(const std::string& why) const { throw Error(Fault::unsupported, why); }

Exporter::Exporter(const Graph& graph, const ExportOptions& options)
    : opset(options.opset), graph_(graph), options_(options), specs_(graph.shapes(probe_batch)) {
  if (opset < 13 || opset > 17) throw Error(Fault::unsupported, fmt::format("export: opset {}: opsets 13 to 17 are written", opset));
  for (const auto& [name, spec] : specs_) names_.insert(name);
}

std::string Exporter::fresh(const std::string& stem) {
  std::string name = stem;
  for (int k = 1; !names_.insert(name).second; ++k) name = fmt::format("{}{}", stem, k);
  return name;
}

Names Exporter::add_all(const std::string& op, const Names& in, std::size_t outputs, const AttributeMap& attributes) {
  OnnxNode made;
  made.op = op;
  made.inputs = in;
  made.attributes = attributes;
  for (std::size_t i = 0; i < outputs; ++i) made.outputs.push_back(fresh(stem_ + "/" + op));
  model.nodes.push_back(made);
  return made.outputs;
}

std::string Exporter::add(const std::string& op, const Names& in, const AttributeMap& attributes) {
  return add_all(op, in, 1, attributes)[0];
}

// Numbers that belong to a layer are Constant nodes, so that no reader takes them for weights.
std::string Exporter::constant(const Tensor& value, const std::string& name) {
  if (name.empty() && value.dtype() == engine::DType::f32) {
    Attribute held;
    held.kind = Attribute::Kind::tensor;
    held.tensor = value;
    return add("Constant", {}, {{"value", held}});
  }
  std::string made = fresh(name.empty() ? stem_ + "/constant" : name);
  model.initializers[made] = value.dense();
  return made;
}

std::string Exporter::constant(const Shape& values) {
  return constant(Tensor::i64({static_cast<std::int64_t>(values.size())}, values));
}

void Exporter::add_values() {
  for (const graph::GraphInput& in : graph_.inputs) {
    OnnxValue value;
    value.name = in.name;
    value.element = element_of(in.spec.dtype);
    value.ranked = true;
    if (in.batched) value.shape.push_back({-1, options_.batch_symbol});
    for (const std::int64_t extent : in.spec.shape) value.shape.push_back({extent, ""});
    model.inputs.push_back(value);
  }
  for (const auto& [name, parameter] : graph_.parameters) model.initializers[name] = parameter.value.dense();
  for (const auto& [name, buffer] : graph_.buffers) model.initializers[name] = buffer.dense();
}

void Exporter::convert(const GraphNode& node) {
  try {
    const ExportRule rule = export_rule(node.op);
    if (!rule) throw Error(Fault::unsupported, "ONNX has no operator for it, and no composition is written");
    stem_ = node.outputs.at(0);
    const std::size_t first = model.nodes.size();
    const Names made = rule({*this, node});
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const std::string& from = made.at(i);
      bool ours = false;
      for (std::size_t n = first; n < model.nodes.size(); ++n) {
        std::replace(model.nodes[n].inputs.begin(), model.nodes[n].inputs.end(), from, ours ? node.outputs[i] : from);
        for (std::string& out : model.nodes[n].outputs) {
          if (out != from) continue;
          out = node.outputs[i];
          std::string& name = model.nodes[n].name;  // runtimes want each once
          if (name.empty()) name = i == 0 ? node.name : fmt::format("{}/{}", node.name, i);
          ours = true;
        }
      }
      if (!ours) model.nodes.push_back({node.name, "Identity", "", {from}, {node.outputs[i]}, {}});
    }
  } catch (const Error& e) {
    throw Error(e.fault(), fmt::format("export: node '{}' ({}): {}", node.name, node.op, e.what()));
  }
}

// Several public names may mean one value; ONNX has one name a value, so the others are copies of it.
void Exporter::add_outputs() {
  std::set<std::string> values;
  for (const auto& [name, value] : graph_.outputs) {
    const auto& wanted = options_.outputs;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    if (wanted.empty() && !values.insert(value).second) continue;
    OnnxValue out;
    out.name = name;
    if (name != value) {
      if (names_.count(name)) out.name = fresh(name);
      model.nodes.push_back({"output " + name, "Identity", "", {value}, {out.name}, {}});
    }
    const Spec& spec = specs_.at(value);
    out.element = element_of(spec.dtype);
    out.ranked = true;
    for (const std::int64_t extent : spec.shape) out.shape.push_back({extent, ""});
    if (graph_.batched()) out.shape.at(0) = {-1, options_.batch_symbol};
    model.outputs.push_back(out);
  }
  for (const std::string& name : options_.outputs) {
    if (!graph_.outputs.count(name)) throw Error(Fault::bad_input, "export: the model has no output '" + name + "'");
  }
}

OnnxModel Exporter::run() {
  model.ir_version = ir_version;
  model.producer = "assay";
  model.graph_name = graph_.metadata.is_object() ? graph_.metadata.get("arch", "graph") : "graph";
  model.opsets[""] = opset;
  add_values();
  for (const GraphNode& node : graph_.nodes) convert(node);
  add_outputs();
  std::set<std::string> read;
  for (const OnnxNode& node : model.nodes) read.insert(node.inputs.begin(), node.inputs.end());
  std::erase_if(model.initializers, [&](const auto& item) { return read.count(item.first) == 0; });
  return std::move(model);
}

ExportRule export_rule(const std::string& op) {
  static const std::map<std::string, ExportRule> rules = [] {
    std::map<std::string, ExportRule> all;
    for (const auto& family : {export_elementwise_rows, export_layer_rows, export_movement_rows, export_quantized_rows}) {
      for (const ExportRow& row : family()) all.emplace(row.op, row.rule);
    }
    return all;
  }();
  const auto it = rules.find(op);
  return it == rules.end() ? nullptr : it->second;
}

OnnxModel export_model(const Graph& graph, const ExportOptions& options) {
  graph.validate();
  return Exporter(graph, options).run();
}

void export_onnx(const Graph& graph, const std::filesystem::path& file, const ExportOptions& options) {
  const std::string bytes = serialize(export_model(graph, options));
  check_onnx(bytes, file.string());
  write_atomic(file, bytes);
}

}  // namespace assay::onnx
