// Inputs, parameters with their initial values, outputs.
#include "harness/graph/builder.hpp"

#include <cmath>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "harness/graph/modes.hpp"

namespace assay::graph {

using engine::DType;

namespace {

// Element i is the first of the draws normal(i) of streams 0, 1, ... that lies within two standard deviations.
void fill_truncated(std::span<float> out, std::uint64_t seed, const std::string& purpose, double sd) {
  std::vector<Rng> streams;
  for (std::size_t i = 0; i < out.size(); ++i) {
    double z = 3;
    for (std::size_t attempt = 0; std::abs(z) > 2; ++attempt) {
      if (attempt == streams.size()) streams.emplace_back(seed, purpose, attempt);
      z = streams[attempt].normal(i);
    }
    out[i] = static_cast<float>(z * sd);
  }
}

void fill(std::span<float> out, std::uint64_t seed, const std::string& purpose, const GraphBuilder::Fans& fans, const Init& init) {
  const auto in = static_cast<double>(fans.in), both = static_cast<double>(fans.in + fans.out);
  const auto normal = [&](double sd) { Rng(seed, purpose).fill_normal(out, 0.0F, static_cast<float>(sd)); };
  const auto uniform = [&](double bound) {
    Rng(seed, purpose).fill_uniform(out, static_cast<float>(-bound), static_cast<float>(bound));
  };
  switch (init.kind) {
    case InitKind::he_normal: return normal(std::sqrt(2.0 / in));
    case InitKind::he_normal_out: return normal(std::sqrt(2.0 / static_cast<double>(fans.out)));
    case InitKind::lecun_normal: return normal(std::sqrt(1.0 / in));
    case InitKind::xavier_uniform: return uniform(std::sqrt(6.0 / both));
    case InitKind::uniform_in: return uniform(std::sqrt(1.0 / in));
    case InitKind::normal: return normal(init.scale);
    case InitKind::truncated_normal: return fill_truncated(out, seed, purpose, init.scale);
    case InitKind::uniform: return uniform(init.scale);
    case InitKind::zero: std::fill(out.begin(), out.end(), 0.0F);
  }
}

Tensor untouched(const Shape& shape) {
  const Spec spec{DType::f32, shape};
  return {spec, engine::Layout::dense(spec), engine::Storage::allocate(std::max<std::size_t>(spec.bytes(), 1))};
}

}  // namespace

GraphBuilder::GraphBuilder(Shape sample_shape, std::uint64_t seed)
    : GraphBuilder({{"input", {DType::f32, std::move(sample_shape)}}}, seed) {}

GraphBuilder::GraphBuilder(const std::vector<GraphInput>& inputs, std::uint64_t seed, Weights weights)
    : seed_(seed), weights_(weights) {
  graph_.inputs = inputs;
  for (const GraphInput& in : inputs) {
    Spec spec{in.spec.dtype, {1}};
    spec.shape.insert(spec.shape.end(), in.spec.shape.begin(), in.spec.shape.end());
    specs_[in.name] = spec;
  }
}

Shape GraphBuilder::shape(const std::string& value) const {
  const auto it = specs_.find(value);
  if (it == specs_.end()) throw Error(Fault::internal, "builder: value '" + value + "' is not defined");
  return {it->second.shape.begin() + 1, it->second.shape.end()};
}

void GraphBuilder::note() {
  const GraphNode& node = graph_.nodes.back();
  std::vector<Spec> in;
  in.reserve(node.inputs.size());
  for (const std::string& name : node.inputs) in.push_back(specs_.at(name));
  const std::vector<Spec> made = infer_node(node, in);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) specs_[node.outputs[i]] = made.at(i);
}

std::string GraphBuilder::apply(const std::string& name, const std::string& op, const std::vector<std::string>& operands, Attrs attrs) {
  graph_.add(name, op, operands, std::move(attrs));
  note();
  return name;
}

void GraphBuilder::apply_many(const std::string& name, const std::string& op, const std::vector<std::string>& operands,
                              const std::vector<std::string>& results, Attrs attrs) {
  graph_.nodes.push_back({name, op, std::move(attrs), operands, results});
  note();
}

std::string GraphBuilder::weight(const std::string& parameter, const Shape& shape, const Fans& fans, const Init& init) {
  Tensor value = untouched(shape);
  if (weights_ == Weights::initial) {
    std::vector<float> values(static_cast<std::size_t>(engine::element_count(shape)));
    fill(values, seed_, "init/" + parameter, fans, init);
    value = Tensor::f32(shape, values);
  }
  graph_.parameters[parameter].value = value;
  specs_[parameter] = {DType::f32, shape};
  return parameter;
}

std::string GraphBuilder::constant(const std::string& parameter, const Shape& shape, float value) {
  graph_.parameters[parameter].value = weights_ == Weights::initial ? Tensor::full(shape, value) : untouched(shape);
  specs_[parameter] = {DType::f32, shape};
  return parameter;
}

std::string GraphBuilder::buffer(const std::string& name, const Tensor& value) {
  graph_.buffers[name] = value;
  specs_[name] = value.spec();
  return name;
}

void GraphBuilder::tap(const std::string& name, const std::string& value) { graph_.taps[name] = value; }

void GraphBuilder::output(const std::string& name, const std::string& value) { graph_.outputs[name] = value; }

Graph GraphBuilder::finish(Json metadata) {
  metadata["input_range"] = Json::array();
  metadata["input_range"].push_back(0.0);
  metadata["input_range"].push_back(1.0);
  graph_.metadata = std::move(metadata);
  graph_.validate();
  return std::move(graph_);
}

Graph GraphBuilder::finish(const std::string& logits, const std::string& features, Json metadata) {
  output("logits", logits);
  tap("features", features);
  return finish(std::move(metadata));
}

}  // namespace assay::graph
