// Layers on top of Graph::add.
#include "harness/graph/builder.hpp"

#include <cmath>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "harness/graph/modes.hpp"

namespace assay::graph {

GraphBuilder::GraphBuilder(Shape sample_shape, std::uint64_t seed) : seed_(seed) {
  graph_.inputs.push_back({input_, {engine::DType::f32, sample_shape}});
  Spec spec{engine::DType::f32, {1}};
  spec.shape.insert(spec.shape.end(), sample_shape.begin(), sample_shape.end());
  specs_[input_] = spec;
}

Shape GraphBuilder::shape(const std::string& value) const {
  const auto it = specs_.find(value);
  if (it == specs_.end()) throw Error(Fault::internal, "builder: value '" + value + "' is not defined");
  return {it->second.shape.begin() + 1, it->second.shape.end()};
}

void GraphBuilder::note(const std::string& value) {
  const GraphNode& node = graph_.nodes.back();
  std::vector<Spec> in;
  for (const std::string& name : node.inputs) in.push_back(specs_.at(name));
  specs_[value] = infer_node(node, in).at(0);
}

void GraphBuilder::init_normal(const std::string& parameter, const Shape& shape, double sd) {
  std::vector<float> values(static_cast<std::size_t>(engine::element_count(shape)));
  Rng(seed_, "init/" + parameter).fill_normal(values, 0.0F, static_cast<float>(sd));
  graph_.parameters[parameter].value = Tensor::f32(shape, values);
  specs_[parameter] = {engine::DType::f32, shape};
}

void GraphBuilder::init_constant(const std::string& parameter, const Shape& shape, float value) {
  graph_.parameters[parameter].value = Tensor::full(shape, value);
  specs_[parameter] = {engine::DType::f32, shape};
}

std::string GraphBuilder::conv(const std::string& name, const std::string& x, std::int64_t channels, const ConvOptions& options) {
  const Shape in = shape(x);
  if (in.size() != 3) throw Error(Fault::bad_input, "layer '" + name + "' needs an image input [C, H, W], not " + engine::shape_str(in));
  const std::int64_t k = options.kernel, fan_in = in[0] * k * k;
  init_normal(name + ".weight", {channels, in[0], k, k}, std::sqrt(2.0 / static_cast<double>(fan_in)));
  std::vector<std::string> operands = {x, name + ".weight"};
  if (options.bias) {
    init_constant(name + ".bias", {channels}, 0.0F);
    operands.push_back(name + ".bias");
  }
  const std::int64_t pad = options.pad < 0 ? (k - 1) / 2 : options.pad;
  graph_.add(name, "conv2d", operands, {{"stride", options.stride}, {"pad", pad}});
  note(name);
  return name;
}

std::string GraphBuilder::batch_norm(const std::string& name, const std::string& x) {
  const std::int64_t channels = shape(x).at(0);
  init_constant(name + ".weight", {channels}, 1.0F);
  init_constant(name + ".bias", {channels}, 0.0F);
  graph_.buffers[name + ".mean"] = Tensor::full({channels}, 0.0F);
  graph_.buffers[name + ".var"] = Tensor::full({channels}, 1.0F);
  for (const char* part : {".mean", ".var"}) specs_[name + part] = {engine::DType::f32, {channels}};
  graph_.add(name, "batch_norm", {x, name + ".weight", name + ".bias", name + ".mean", name + ".var"});
  note(name);
  return name;
}

std::string GraphBuilder::relu(const std::string& name, const std::string& x) {
  graph_.add(name, "relu", {x});
  note(name);
  return name;
}

std::string GraphBuilder::linear(const std::string& name, const std::string& x, std::int64_t features) {
  const Shape in = shape(x);
  if (in.size() != 1) throw Error(Fault::bad_input, "layer '" + name + "' needs a vector input [D], not " + engine::shape_str(in));
  init_normal(name + ".weight", {features, in[0]}, std::sqrt(2.0 / static_cast<double>(in[0])));
  init_constant(name + ".bias", {features}, 0.0F);
  graph_.add(name, "linear", {x, name + ".weight", name + ".bias"});
  note(name);
  return name;
}

std::string GraphBuilder::max_pool(const std::string& name, const std::string& x, std::int64_t kernel, std::int64_t stride) {
  graph_.add(name, "max_pool2d", {x}, {{"kernel", kernel}, {"stride", stride}});
  note(name);
  return name;
}

std::string GraphBuilder::avg_pool(const std::string& name, const std::string& x, std::int64_t kernel, std::int64_t stride) {
  graph_.add(name, "avg_pool2d", {x}, {{"kernel", kernel}, {"stride", stride}});
  note(name);
  return name;
}

std::string GraphBuilder::global_pool(const std::string& name, const std::string& x) {
  graph_.add(name, "global_pool", {x});
  note(name);
  return name;
}

std::string GraphBuilder::flatten(const std::string& name, const std::string& x) {
  if (shape(x).size() == 1) return x;
  graph_.add(name, "flatten", {x});
  note(name);
  return name;
}

std::string GraphBuilder::dropout(const std::string& name, const std::string& x, double p) {
  if (p == 0) return x;
  graph_.add(name, "dropout", {x}, {{"p", p}});
  note(name);
  return name;
}

std::string GraphBuilder::add(const std::string& name, const std::string& a, const std::string& b) {
  graph_.add(name, "add", {a, b});
  note(name);
  return name;
}

void GraphBuilder::tap(const std::string& name, const std::string& value) { graph_.taps[name] = value; }

Graph GraphBuilder::finish(const std::string& logits, const std::string& features, Json metadata) {
  graph_.outputs["logits"] = logits;
  graph_.taps["features"] = features;
  metadata["input_range"] = Json::array();
  metadata["input_range"].push_back(0.0);
  metadata["input_range"].push_back(1.0);
  graph_.metadata = std::move(metadata);
  graph_.validate();
  return std::move(graph_);
}

}  // namespace assay::graph
