// What the export rules work with: the ONNX model under construction and one graph node. One thread.
#pragma once

#include <set>

#include "harness/graph/onnx/onnx.hpp"

namespace assay::onnx {

using engine::Attrs;
using graph::GraphNode;
using Names = std::vector<std::string>;
using AttributeMap = std::map<std::string, Attribute>;

Attribute attribute(std::int64_t value);
Attribute attribute(double value);
Attribute attribute(const std::string& value);
Attribute attribute(const Shape& values);

class Exporter {
 public:
  Exporter(const Graph& graph, const ExportOptions& options);
  OnnxModel run();

  const std::int64_t opset;
  OnnxModel model;

  // Appends an ONNX node with one output, gives that output's name.
  std::string add(const std::string& op, const Names& in, const AttributeMap& attributes = {});
  Names add_all(const std::string& op, const Names& in, std::size_t outputs, const AttributeMap& attributes = {});
  std::string constant(const Tensor& value, const std::string& name = "");  // an initializer
  std::string constant(const Shape& values);                                // i64 [n]
  std::string scalar(double value) { return constant(Tensor::scalar(static_cast<float>(value))); }
  std::string mask_from(const std::string& logical) { return add("Cast", {logical}, {{"to", attribute(std::int64_t{1})}}); }
  std::string to_logical(const std::string& mask) { return add("Cast", {mask}, {{"to", attribute(std::int64_t{9})}}); }
  const Spec& spec(const std::string& value) const { return specs_.at(value); }  // of a graph value, at batch 2
  const Graph& graph() const { return graph_; }

 private:
  void add_values();
  void convert(const GraphNode& node);
  void add_outputs();
  std::string fresh(const std::string& stem);

  const Graph& graph_;
  const ExportOptions& options_;
  std::map<std::string, Spec> specs_;
  std::set<std::string> names_;
  std::string stem_;
};

// One graph node under export.
struct Exported {
  Exporter& to;
  const GraphNode& node;
  const std::string& in(std::size_t index) const;
  bool has(std::size_t index) const { return index < node.inputs.size(); }
  const Spec& spec(std::size_t index) const { return to.spec(in(index)); }
  std::int64_t rank(std::size_t index = 0) const { return static_cast<std::int64_t>(spec(index).shape.size()); }
  std::int64_t axis(std::int64_t fallback) const;  // attribute axis, from the front
  [[noreturn]] void unsupported(const std::string& why) const;
};

using ExportRule = Names (*)(const Exported&);
struct ExportRow {
  const char* op;
  ExportRule rule;
};
using ExportRows = std::vector<ExportRow>;
ExportRows export_elementwise_rows();
ExportRows export_layer_rows();
ExportRows export_movement_rows();
ExportRows export_quantized_rows();
// The rule of a graph or registry op; nullptr when ONNX has no way to say it.
ExportRule export_rule(const std::string& op);

}  // namespace assay::onnx
