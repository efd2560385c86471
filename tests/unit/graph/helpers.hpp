// What the graph tests share: small nets, random inputs, comparisons.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "harness/graph/builder.hpp"
#include "harness/graph/executor.hpp"
#include "harness/graph/train.hpp"
#include "harness/graph/zoo/zoo.hpp"

namespace assay::graph {

inline Tensor random_tensor(const Shape& shape, std::uint64_t seed, float lo = 0, float hi = 1) {
  std::vector<float> values(static_cast<std::size_t>(engine::element_count(shape)));
  Rng(seed, "test").fill_uniform(values, lo, hi);
  return Tensor::f32(shape, values);
}

inline Tensor random_labels(std::int64_t n, std::int64_t classes, std::uint64_t seed) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < n; ++i) {
    labels.push_back(static_cast<std::int64_t>(Rng(seed, "labels").below(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(classes))));
  }
  return Tensor::i64({n}, labels);
}

inline std::vector<std::uint64_t> test_ids(std::int64_t n, std::uint64_t first = 100) {
  std::vector<std::uint64_t> ids;
  for (std::int64_t i = 0; i < n; ++i) ids.push_back(first + static_cast<std::uint64_t>(i));
  return ids;
}

// Largest difference in units of max(1, largest magnitude).
inline double difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const std::vector<float> x = a.to_f32(), y = b.to_f32();
  double scale = 1, worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    scale = std::max(scale, static_cast<double>(std::abs(y[i])));
    worst = std::max(worst, std::isfinite(x[i] - y[i]) ? static_cast<double>(std::abs(x[i] - y[i])) : 1e30);
  }
  return worst / scale;
}

// In units of b's own largest magnitude: for gradients, which may be small everywhere.
inline double relative_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const std::vector<float> x = a.to_f32(), y = b.to_f32();
  double scale = 1e-12, worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    scale = std::max(scale, static_cast<double>(std::abs(y[i])));
    worst = std::max(worst, std::isfinite(x[i] - y[i]) ? static_cast<double>(std::abs(x[i] - y[i])) : 1e30);
  }
  return worst / scale;
}

inline bool same_bits(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && a.to_f32() == b.to_f32(); }

// Gives batch norm layers statistics and scales that are not the identity.
inline void unsettle(Graph& graph, std::uint64_t seed) {
  for (auto& [name, buffer] : graph.buffers) {
    const bool var = name.size() > 4 && name.substr(name.size() - 4) == ".var";
    buffer = random_tensor(buffer.shape(), seed + std::hash<std::string>{}(name) % 1000, var ? 0.5F : -0.3F, var ? 2.0F : 0.3F);
  }
  for (auto& [name, parameter] : graph.parameters) {
    if (parameter.value.shape().size() == 1) parameter.value = random_tensor(parameter.value.shape(), seed + std::hash<std::string>{}(name) % 1000, 0.2F, 1.2F);
  }
}

struct NetCase {
  std::string name, arch, params;
  Shape input;
};

// Every architecture, small enough for a test.
inline const std::vector<NetCase>& nets() {
  static const std::vector<NetCase> all = {
      {"mlp", "mlp", R"({"hidden": [24, 16]})", {1, 8, 8}},
      {"lenet", "lenet", "{}", {1, 28, 28}},
      {"all-conv", "all-conv", R"({"width": 8})", {1, 16, 16}},
      {"all-conv dropout", "all-conv", R"({"width": 8, "dropout": 0.4})", {1, 16, 16}},
      {"resnet8", "resnet8", R"({"width": 8})", {3, 16, 16}},
      {"resnet20", "resnet20", R"({"width": 4})", {3, 16, 16}},
      {"vgg11-small", "vgg11-small", R"({"width": 4})", {3, 32, 32}},
  };
  return all;
}

inline Graph build_net(const NetCase& net, std::uint64_t seed = 1) {
  Graph graph = zoo::build(net.arch, Json::parse(net.params), net.input, 10, seed);
  unsettle(graph, seed);
  return graph;
}

inline Shape batch_shape(const NetCase& net, std::int64_t n) {
  Shape shape = net.input;
  shape.insert(shape.begin(), n);
  return shape;
}

// Two classes of blurred blobs: learnable in a few steps.
inline TrainData blobs(std::int64_t n, const Shape& shape, std::int64_t classes = 4) {
  TrainData data;
  data.sample_shape = shape;
  const std::int64_t size = engine::element_count(shape);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t label = i % classes;
    data.labels.push_back(label);
    data.ids.push_back(static_cast<std::uint64_t>(7 * i + 3));
    const Rng noise(5, "blobs", static_cast<std::uint64_t>(i));
    for (std::int64_t j = 0; j < size; ++j) {
      const bool lit = j * classes / size == label;
      data.f32.push_back(static_cast<float>(noise.uniform(static_cast<std::uint64_t>(j))) * 0.5F + (lit ? 0.5F : 0.0F));
    }
  }
  return data;
}

template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

#define CHECK_MESSAGE_HAS(expression, text)                                 \
  do {                                                                      \
    const std::string got_ = message_of([&] { (void)(expression); });       \
    CHECK_MESSAGE(got_.find(text) != std::string::npos, "message: " << got_); \
  } while (false)

}  // namespace assay::graph
