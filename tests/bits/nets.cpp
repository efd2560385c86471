// Fixed nets on fixed inputs: logits, losses, gradients, and the weights after two steps of training.
#include "tests/bits/nets.hpp"

#include <vector>

#include "harness/base/hash.hpp"
#include "harness/base/rng.hpp"
#include "harness/graph/executor.hpp"
#include "harness/graph/quantize.hpp"
#include "harness/graph/train.hpp"
#include "harness/graph/zoo/zoo.hpp"

namespace assay::bits {
namespace {

using engine::Shape;
using engine::Tensor;
using graph::Executor;
using graph::Graph;
using graph::Precision;

constexpr std::int64_t rows = 12, batch = 8, classes = 5;  // the last batch is padded

struct Net {
  const char *name, *architecture, *params;
  Shape input;
  Precision precision = Precision::f32;
};

const std::vector<Net>& nets() {
  static const std::vector<Net> all = {
      {"mlp", "mlp", R"({"hidden": [33, 17]})", {1, 9, 7}},
      {"cnn", "resnet8", R"({"width": 8})", {3, 16, 16}},
      {"mobilenet", "mobilenet-v2", R"({"width": 0.35})", {3, 32, 32}},
      {"vit", "vit", R"({"width": 24, "depth": 2, "patch": 4})", {3, 12, 12}},
      {"lstm", "lstm", R"({"width": 12, "depth": 2, "bidirectional": 1})", {7, 10}},
      {"gru", "gru", R"({"width": 12})", {7, 10}},
      {"cnn-bf16", "resnet8", R"({"width": 16})", {3, 16, 16}, Precision::bf16},
      {"vit-bf16", "vit", R"({"width": 24, "depth": 2, "patch": 4})", {3, 12, 12}, Precision::bf16},
      {"cnn-int8", "resnet8", R"({"width": 16})", {3, 16, 16}, Precision::int8},
  };
  return all;
}

std::vector<float> values(std::int64_t n, std::uint64_t seed) {
  std::vector<float> out(static_cast<std::size_t>(n));
  Rng(seed, "bits").fill_uniform(out, 0, 1);
  return out;
}

std::vector<std::int64_t> labels() {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < rows; ++i) out.push_back((3 * i + i / 4) % classes);
  return out;
}

std::string digest(const std::vector<Tensor>& tensors) {
  std::vector<float> all;
  for (const Tensor& t : tensors) {
    const std::vector<float> part = t.to_f32();
    all.insert(all.end(), part.begin(), part.end());
  }
  return sha256(std::as_bytes(std::span(all)));
}

std::vector<Tensor> weights(const Graph& graph) {
  std::vector<Tensor> out;
  for (const auto& [name, parameter] : graph.parameters) out.push_back(parameter.value);
  for (const auto& [name, buffer] : graph.buffers) out.push_back(buffer);
  return out;
}

Graph trained(const Graph& graph, const Net& net) {
  graph::TrainData data;
  data.sample_shape = net.input;
  data.labels = labels();
  data.f32 = values(rows * engine::element_count(net.input), 2);
  for (std::int64_t i = 0; i < rows; ++i) data.ids.push_back(static_cast<std::uint64_t>(i));
  graph::Recipe recipe;
  recipe.epochs = 2;  // of one step each: the four rows that fill no batch are left out
  recipe.batch = batch;
  recipe.lr = 0.05;
  recipe.precision = graph::precision_name(net.precision);
  graph::Trainer trainer(graph, data, recipe, 3);
  trainer.run();
  return trainer.graph();
}

void add(const Net& net, std::map<std::string, std::string>& out) {
  const std::string name = net.name;
  Shape shape = net.input;
  shape.insert(shape.begin(), rows);
  const Tensor x = Tensor::f32(shape, values(engine::element_count(shape), 1)), y = Tensor::i64({rows}, labels());
  Graph graph = zoo::build(net.architecture, Json::parse(net.params), net.input, classes, 4);
  const bool integers = net.precision == Precision::int8;
  if (integers) graph = graph::quantize_graph(graph, x);
  Executor executor(std::make_shared<Graph>(graph), batch, net.precision);
  out[name + " logits"] = digest({executor.logits(x)});
  const graph::LossGrad gradient = executor.loss_and_input_grad("cross-entropy", x, y);
  out[name + " input-gradient"] = digest({gradient.loss, gradient.grad});
  if (integers) return;  // trained as f32
  std::vector<Tensor> gradients;
  for (const auto& [parameter, g] : executor.loss_and_param_grads("cross-entropy", x, y)) gradients.push_back(g);
  out[name + " weight-gradients"] = digest(gradients);
  out[name + " two-steps"] = digest(weights(trained(graph, net)));
}

}  // namespace

std::map<std::string, std::string> digests() {
  std::map<std::string, std::string> out;
  for (const Net& net : nets()) {
    if (graph::unsupported_reason(net.precision).empty()) add(net, out);
  }
  return out;
}

}  // namespace assay::bits
