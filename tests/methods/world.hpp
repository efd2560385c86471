// The small perceptron of make_fixtures.py as a host graph, and methods loaded as a worker loads them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "harness/base/files.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "harness/plugin/inputs.hpp"
#include "harness/plugin/library.hpp"

namespace world {

using namespace assay;
using engine::Tensor;

inline const Json& expected() {
  static const Json all =
      Json::parse(read_text(std::string(ASSAY_SOURCE_DIR) + "/tests/methods/fixtures/expected.json"), "expected.json");
  return all;
}
inline std::vector<float> floats(const Json& items) {
  std::vector<float> out;
  for (const Json& item : items.as_array()) out.push_back(static_cast<float>(item.as_real()));
  return out;
}
inline std::vector<std::int64_t> integers(const Json& items) {
  std::vector<std::int64_t> out;
  for (const Json& item : items.as_array()) out.push_back(item.as_int());
  return out;
}

inline std::shared_ptr<graph::Graph> perceptron(std::size_t which = 0, double dropout = 0) {
  Json params = Json::object({{"dropout", dropout}});
  params["hidden"] = Json(Json::Array{16});
  auto net = std::make_shared<graph::Graph>(
      zoo::build("mlp", zoo::complete_params(zoo::find("mlp"), params), {12}, 5, 0));
  const Json& w = expected().at("nets").at(which);
  net->set_parameter("fc1.weight", Tensor::f32({16, 12}, floats(w.at(std::size_t{0}))));
  net->set_parameter("fc1.bias", Tensor::f32({16}, floats(w.at(std::size_t{1}))));
  net->set_parameter("classifier.weight", Tensor::f32({5, 16}, floats(w.at(std::size_t{2}))));
  net->set_parameter("classifier.bias", Tensor::f32({5}, floats(w.at(std::size_t{3}))));
  return net;
}
inline plugin::Model model(std::size_t which = 0, double dropout = 0) {
  return plugin::Model(perceptron(which, dropout), plugin::kWhiteBox, "net" + std::to_string(which), 4);
}

inline plugin::Instance method(const std::string& library, const std::string& id, const Json& params = Json(Json::Object{}),
                               std::uint64_t seed = 5) {
  plugin::HostContext host;
  host.seed = seed;
  host.batch = 4;
  const fs::path file = fs::path(ASSAY_BINARY_DIR) / "plugins" / (library + ".so");
  return plugin::PluginLibrary::open(file).create(id, params, std::move(host));
}
inline plugin::Instance method(const std::string& id) { return method(id, id); }

inline Tensor inputs() { return Tensor::f32({6, 12}, floats(expected().at("x"))); }
inline std::vector<std::int64_t> ids(std::int64_t n = 6) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back(1000 + 7 * i);
  return out;
}

inline plugin::AttackInputs attack_inputs(const std::string& norm = "linf") {
  plugin::AttackInputs in;
  in.x = inputs();
  in.y = Tensor::i64({6}, integers(expected().at("y")));
  in.ids = ids();
  in.victims = {model()};
  in.norm = norm;
  in.eps = expected().at("eps").as_real();
  return in;
}

inline plugin::Records records() {
  data::RecordSet set;
  const auto y = integers(expected().at("fit_y"));
  for (std::size_t i = 0; i < y.size(); ++i) set.ids.push_back(data::sample_id("fit", "train", static_cast<std::int64_t>(i)));
  const auto n = static_cast<std::int64_t>(y.size());
  set.add({"input", data::Role::input, data::FieldType::dense(engine::DType::f32, {12}), Array::f32({n, 12}, floats(expected().at("fit_x"))), {}, {}});
  set.add({"target", data::Role::target, data::FieldType::category(5), Array::i64({n}, y), {}, {}});
  return std::make_shared<const data::RecordSet>(std::move(set));
}

template <class Values>
double worst(const Values& found, const std::string& key) {
  const auto& want = expected().at(key).as_array();
  REQUIRE(found.size() == want.size());
  double error = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    error = std::max(error, std::abs(static_cast<double>(found[i]) - want[i].as_real()));
  }
  return error;
}

}  // namespace world
