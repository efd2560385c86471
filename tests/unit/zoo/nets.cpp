#include "tests/unit/zoo/nets.hpp"

#include <cmath>

#include "harness/base/rng.hpp"

namespace assay::zoo {

using engine::DType;
using engine::Shape;
using engine::Tensor;

const std::vector<TinyNet>& tiny_nets() {
  static const std::vector<TinyNet> all = {
      {"all-conv", R"({"width": 4, "depth": 1, "dropout": 0.2})", {1, 8, 8}},
      {"autoencoder", R"({"hidden": [12, 6, 3]})", {1, 4, 4}, false},
      {"clip", R"({"width": 8, "depth": 1, "heads": 2, "text_width": 8, "text_depth": 1, "text_heads": 2, "context": 4, "vocabulary": 5, "embedding": 6})", {3, 8, 8}, false},
      {"cnn1d", R"({"channels": [6, 4], "kernels": [4, 3], "stride": 2})", {2, 12}},
      {"conv-autoencoder", R"({"width": 4, "depth": 2, "code": 5})", {1, 8, 8}},
      {"conv5", R"({"width": 4})", {1, 8, 8}},
      {"convnext", R"({"width": 8, "blocks": [1, 1], "layer_scale": 0.5})", {3, 8, 8}},
      {"dcgan", R"({"width": 4, "latent": 6})", {3, 16, 16}},
      {"densenet", R"({"blocks": [2, 1], "growth": 4})", {3, 8, 8}},
      {"efficientnet", R"({"width": 0.25, "depth": 0.3})", {3, 16, 16}},
      {"ft-transformer", R"({"width": 8, "depth": 2, "heads": 2})", {5}, false},
      {"gru", R"({"width": 6, "depth": 2, "bidirectional": 1})", {5, 4}, false},
      {"inception-next", R"({"width": 8, "blocks": [1, 1], "layer_scale": 0.5})", {3, 8, 8}},
      {"inception-resnet", R"({"width": 0.04, "blocks": [1, 1, 1]})", {3, 8, 8}},
      {"inception-v4", R"({"width": 0.03, "blocks": [1, 1, 1]})", {3, 8, 8}},
      {"lenet", "{}", {1, 16, 16}},
      {"lstm", R"({"width": 6, "depth": 2})", {5, 4}, false},
      {"mlp", R"({"hidden": [12, 8]})", {1, 4, 4}},
      {"mlp-mixer", R"({"width": 8, "depth": 2})", {3, 8, 8}},
      {"mobilenet-v2", R"({"width": 0.25})", {3, 8, 8}},
      {"mobilenet-v3-large", R"({"width": 0.25})", {3, 16, 16}},
      {"mobilenet-v3-small", R"({"width": 0.25})", {3, 16, 16}},
      {"preact-resnet", R"({"blocks": [1, 1], "width": 4})", {3, 8, 8}},
      {"resnet", R"({"depth": 8, "width": 4, "padding": 1})", {3, 8, 8}},
      {"resnet18", R"({"width": 4})", {3, 8, 8}},
      {"resnet1d", R"({"channels": [4, 6, 6], "kernels": [4, 3]})", {12}},
      {"resnet20", R"({"width": 4})", {3, 8, 8}},
      {"resnet34", R"({"width": 2, "large": 1})", {3, 32, 32}},
      {"resnet8", R"({"width": 4})", {3, 8, 8}},
      {"unet", R"({"width": 4, "multiples": [1, 2], "blocks": 1, "attention": [4], "groups": 2})", {3, 8, 8}},
      {"vgg", R"({"depth": 11, "width": 4, "hidden": [8]})", {3, 8, 8}},
      {"vgg11-small", R"({"width": 4})", {3, 8, 8}},
      {"vit", R"({"width": 8, "depth": 2, "heads": 2, "class_token": 1})", {3, 8, 8}},
      {"wide-resnet", R"({"depth": 10, "widen": 1, "width": 4, "block_dropout": 0.1})", {3, 8, 8}},
  };
  return all;
}

graph::Graph build_tiny(const TinyNet& net, std::uint64_t seed) {
  return build(net.arch, Json::parse(net.params), net.input, tiny_classes, seed);
}

Feeds random_feeds(const graph::Graph& graph, std::int64_t rows, std::uint64_t seed) {
  Feeds feeds;
  for (const graph::GraphInput& in : graph.inputs) {
    Shape shape = {rows};
    shape.insert(shape.end(), in.spec.shape.begin(), in.spec.shape.end());
    const auto count = static_cast<std::size_t>(engine::element_count(shape));
    const Rng rng(seed, in.name);
    if (in.spec.dtype == DType::i64) {
      std::vector<std::int64_t> ids;
      for (std::size_t i = 0; i < count; ++i) ids.push_back(static_cast<std::int64_t>(rng.below(i, 5)));
      feeds[in.name] = Tensor::i64(shape, ids);
      continue;
    }
    std::vector<float> values(count);
    rng.fill_uniform(values, 0, 1);
    feeds[in.name] = Tensor::f32(shape, values);
  }
  return feeds;
}

Feeds repeated_row(const Feeds& feeds, std::int64_t row, std::int64_t rows) {
  Feeds result;
  for (const auto& [name, value] : feeds) {
    engine::Spec spec = value.spec();
    const std::size_t bytes = spec.bytes() / static_cast<std::size_t>(spec.shape[0]);
    const std::byte* from = value.raw() + static_cast<std::size_t>(row) * bytes;
    std::vector<std::byte> copies;
    for (std::int64_t r = 0; r < rows; ++r) copies.insert(copies.end(), from, from + bytes);
    spec.shape[0] = rows;
    result[name] = Tensor::from_bytes(spec, copies);
  }
  return result;
}

namespace {

graph::CompiledPlan training_plan(const graph::Graph& graph, const std::string& output, std::int64_t rows) {
  graph::CompileOptions options;
  options.batch = rows;
  options.mode = graph::Mode::train;
  options.outputs = {output};
  options.cotangent_of = output;
  options.param_grads = true;
  return graph::compile(graph, options);
}

}  // namespace

TinyTrainer::TinyTrainer(const graph::Graph& graph, const std::string& output, std::int64_t rows)
    : plan_(training_plan(graph, output, rows)), feeds_(random_feeds(graph, rows, 7)), output_(output) {
  for (std::int64_t i = 0; i < rows; ++i) ids_.push_back(static_cast<std::uint64_t>(i));
  for (const auto& [name, parameter] : graph.parameters) {
    weights_[name] = parameter.value.to_f32();
    shapes_[name] = parameter.value.shape();
    first_[name].resize(weights_[name].size());
    second_[name].resize(weights_[name].size());
    plan_.bind(name, weights_[name].data());
  }
}

double TinyTrainer::loss(const Tensor& value, Tensor& cotangent) const {
  const std::vector<float> y = value.to_f32();
  const auto rows = static_cast<std::size_t>(value.dim(0)), columns = y.size() / rows;
  std::vector<float> g(y.size());
  double total = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const float* row = y.data() + r * columns;
    double sum = 0;
    if (output_ == "logits") {
      for (std::size_t c = 0; c < columns; ++c) sum += std::exp(static_cast<double>(row[c]));
    }
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t at = r * columns + c;
      if (output_ == "logits") {
        const double hit = c == r % columns ? 1.0 : 0.0, p = std::exp(static_cast<double>(row[c])) / sum;
        total -= hit * std::log(p) / static_cast<double>(rows);
        g[at] = static_cast<float>((p - hit) / static_cast<double>(rows));
      } else {
        const double gap = static_cast<double>(row[c]) - Rng(9, output_).uniform(at), n = static_cast<double>(y.size());
        total += gap * gap / n;
        g[at] = static_cast<float>(2 * gap / n);
      }
    }
  }
  cotangent = Tensor::f32(value.shape(), g);
  return total;
}

double TinyTrainer::step() {
  const graph::RandomKeys keys{3, static_cast<std::uint64_t>(steps_), ids_};
  const Tensor value = plan_.run_phase(0, feeds_, keys)[static_cast<std::size_t>(plan_.output_index(output_))];
  Feeds feeds = feeds_;
  const double now = loss(value, feeds["cotangent"]);
  const auto& results = plan_.run_phase(1, feeds, keys);
  for (const auto& [name, w] : weights_) {
    gradients_[name] = results[static_cast<std::size_t>(plan_.output_index("grad:" + name))].to_f32();
  }
  update();
  return now;
}

void TinyTrainer::update() {
  ++steps_;
  const double rate = 3e-3, keep1 = 1 - std::pow(0.9, steps_), keep2 = 1 - std::pow(0.999, steps_);
  for (auto& [name, w] : weights_) {
    std::vector<float>&m = first_[name], &v = second_[name];
    const std::vector<float>& g = gradients_[name];
    for (std::size_t i = 0; i < w.size(); ++i) {
      m[i] = 0.9F * m[i] + 0.1F * g[i];
      v[i] = 0.999F * v[i] + 0.001F * g[i] * g[i];
      const double slope = static_cast<double>(m[i]) / keep1 / (std::sqrt(static_cast<double>(v[i]) / keep2) + 1e-8);
      w[i] -= static_cast<float>(rate * slope);
    }
  }
}

}  // namespace assay::zoo
