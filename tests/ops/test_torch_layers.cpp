// Layers against PyTorch: results and gradients that fixtures/make_torch_layers.py stored_layer.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "tests/ops/case_inputs.hpp"

using namespace assay;
using namespace assay::engine;
using reference::Array;

namespace {

constexpr double kLayerTolerance = 2e-5;

struct Stored {
  Array array;
  DType dtype = DType::f32;
};

Stored stored_layer(const Json& json) {
  Stored out;
  Shape shape;
  for (const Json& d : json.at("shape").as_array()) shape.push_back(d.as_int());
  out.array = Array(shape);
  out.dtype = dtype_from_name(json.at("dtype").as_string());
  for (std::size_t i = 0; i < out.array.v.size(); ++i) out.array.v[i] = json.at("values").at(i).as_real();
  return out;
}

void check_close(const Tensor& got, const Array& want) {
  REQUIRE(got.shape() == want.shape);
  const Array values = to_array(got);
  double scale = 1, worst = 0;
  for (std::size_t i = 0; i < want.v.size(); ++i) {
    scale = std::max(scale, std::fabs(want.v[i]));
    worst = std::max(worst, std::fabs(values.v[i] - want.v[i]));
  }
  CHECK(worst <= kLayerTolerance * scale);
}

void check_layer(const Json& c) {
  std::vector<Tensor> operands, watched;
  std::vector<Array> gradients;
  for (std::size_t i = 0; i < c.at("inputs").as_array().size(); ++i) {
    const Stored s = stored_layer(c.at("inputs").at(i));
    operands.push_back(to_tensor(s.array, s.dtype));
    if (c.at("gradients").at(i).is_null()) continue;
    operands.back() = watch(operands.back());
    watched.push_back(operands.back());
    gradients.push_back(stored_layer(c.at("gradients").at(i)).array);
  }
  const OpId op = Registry::get().id(c.at("op").as_string());
  const std::vector<Tensor> results = apply(op, operands, Attrs::from_json(c.at("attrs")));
  for (std::size_t k = 0; k < c.at("outputs").as_array().size(); ++k) {
    check_close(results.at(k), stored_layer(c.at("outputs").at(k)).array);
  }
  const Tensor first[1] = {results[0]}, cotangent[1] = {to_tensor(stored_layer(c.at("cotangent")).array)};
  const std::vector<Tensor> got = grad(first, watched, cotangent, false);
  for (std::size_t i = 0; i < got.size(); ++i) check_close(got[i], gradients[i]);
}

}  // namespace

TEST_CASE("layers and losses give PyTorch's results and gradients") {
  std::ifstream file(ASSAY_SOURCE_DIR "/tests/ops/fixtures/torch_layers.json");
  std::stringstream text;
  text << file.rdbuf();
  const Json cases = Json::parse(text.str());
  CHECK(cases.as_array().size() > 25);
  for (const Json& c : cases.as_array()) {
    CAPTURE(c.at("name").as_string());
    check_layer(c);
  }
}
