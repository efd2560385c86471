// Small ONNX models made in memory, and comparisons.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "harness/graph/executor.hpp"
#include "harness/graph/onnx/onnx.hpp"

namespace assay::onnx::testing {

inline Tensor uniform(const Shape& shape, std::uint64_t seed, float lo = -1, float hi = 1) {
  std::vector<float> values(static_cast<std::size_t>(engine::element_count(shape)));
  Rng(seed, "test").fill_uniform(values, lo, hi);
  return Tensor::f32(shape, values);
}

inline Tensor ints(const std::vector<std::int64_t>& values) {
  return Tensor::i64({static_cast<std::int64_t>(values.size())}, values);
}

inline Attribute integer(std::int64_t value) {
  Attribute a;
  a.kind = Attribute::Kind::integer;
  a.integer = value;
  return a;
}

inline Attribute integers(const Shape& values) {
  Attribute a;
  a.kind = Attribute::Kind::integers;
  a.integers = values;
  return a;
}

// A model of one f32 input "x" [N, ...] (N free) and the output "y".
class Maker {
 public:
  explicit Maker(const Shape& sample, std::int64_t opset = 13) {
    model.opsets[""] = opset;
    OnnxValue x{"x", "tensor", Element::f32, true, {{-1, "N"}}};
    for (const std::int64_t extent : sample) x.shape.push_back({extent, ""});
    model.inputs.push_back(x);
    model.outputs.push_back({"y", "tensor", Element::f32, false, {}});
  }
  Maker& weight(const std::string& name, const Tensor& value) {
    model.initializers[name] = value;
    return *this;
  }
  Maker& node(const std::string& op, std::vector<std::string> in, std::vector<std::string> out,
              std::map<std::string, Attribute> attributes = {}) {
    model.nodes.push_back({out[0] + "_node", op, "", std::move(in), std::move(out), std::move(attributes)});
    return *this;
  }
  OnnxModel model;
};

// The message of the Error that f throws; "" when it throws none.
template <class F>
std::string message_of(const F& f, Fault* fault = nullptr) {
  try {
    f();
  } catch (const Error& e) {
    if (fault) *fault = e.fault();
    return e.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.spec() == b.spec());
  const std::vector<float> x = a.to_f32(), y = b.to_f32();
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])));
  return worst;
}

inline Tensor run(const Graph& graph, const Tensor& x, const std::string& output = "y", std::int64_t batch = 4) {
  graph::Executor executor(std::make_shared<const Graph>(graph), batch);
  return executor.forward(x, {output})[0];
}

}  // namespace assay::onnx::testing
