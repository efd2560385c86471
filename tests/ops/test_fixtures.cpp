// Ops against numpy, scipy, PyTorch and ONNX's reference of Resize: fixtures/*.json, made by fixtures/make.py.
#include <doctest/doctest.h>

#include <cmath>

#include "harness/base/files.hpp"
#include "harness/base/json.hpp"
#include "tests/ops/case_inputs.hpp"

using namespace assay;
using namespace assay::engine;
using reference::Array;

namespace {

constexpr double kTolerance = 3e-5;  // of f32 against f64, relative to the largest value

Array array_of(const Json& json) {
  Shape shape;
  for (const Json& n : json.at("shape").as_array()) shape.push_back(n.as_int());
  Array array(shape);
  for (std::size_t i = 0; i < array.v.size(); ++i) array.v[i] = json.at("values").as_array()[i].as_real();
  return array;
}

Tensor tensor_of(const Json& json) {
  return to_tensor(array_of(json), json.at("integers").as_bool() ? DType::i64 : DType::f32);
}

void check_near(const Tensor& got, const Json& json, double tolerance) {
  const Array want = array_of(json), have = to_array(got);
  REQUIRE(have.shape == want.shape);
  double scale = 1;
  for (const double w : want.v) scale = std::max(scale, std::isfinite(w) ? std::fabs(w) : 0.0);
  for (std::size_t i = 0; i < want.v.size(); ++i) {
    CAPTURE(i);
    CHECK(std::fabs(have.v[i] - want.v[i]) <= tolerance * scale);
  }
}

void check_gradients(const std::vector<Tensor>& leaves, const std::vector<Tensor>& out, const Json& c) {
  std::vector<Tensor> outputs, cotangents, wanted;
  std::vector<Json> expected;
  const Json::Array& along = c.at("cotangents").as_array();
  for (std::size_t k = 0; k < along.size(); ++k) {
    if (along[k].is_null()) continue;
    outputs.push_back(out[k]);
    cotangents.push_back(tensor_of(along[k]));
  }
  const Json::Array& grads = c.at("grads").as_array();
  for (std::size_t k = 0; k < grads.size(); ++k) {
    if (grads[k].is_null()) continue;
    wanted.push_back(leaves[k]);
    expected.push_back(grads[k]);
  }
  if (wanted.empty()) return;
  const std::vector<Tensor> got = grad(outputs, wanted, cotangents, false);
  for (std::size_t k = 0; k < got.size(); ++k) check_near(got[k], expected[k], 3 * kTolerance);
}

void check_case(const Json& c) {
  const std::string op = c.at("op").as_string();
  const Json& attrs = c.at("attrs");
  CAPTURE(op);
  CAPTURE(attrs.dump());
  std::vector<Tensor> leaves;
  for (const Json& in : c.at("in").as_array()) {
    const Tensor t = tensor_of(in);
    leaves.push_back(t.dtype() == DType::f32 ? watch(t) : t);
  }
  const std::vector<Tensor> out = apply(Registry::get().id(op), leaves, Attrs::from_json(attrs));
  const Json::Array& results = c.at("out").as_array();
  REQUIRE(out.size() == results.size());
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (!results[k].is_null()) check_near(out[k], results[k], kTolerance);
  }
  check_gradients(leaves, out, c);
}

void check_file(const char* name) {
  const Json cases = Json::parse(read_text(std::string(ASSAY_SOURCE_DIR "/tests/ops/fixtures/") + name), name);
  CHECK(cases.as_array().size() > 10);
  for (const Json& c : cases.as_array()) check_case(c);
}

}  // namespace

TEST_CASE("resize, grid_sample, padding and einsum agree with PyTorch, numpy and ONNX's reference") {
  check_file("geometry.json");
}
TEST_CASE("Fourier transforms and spectral normalisation agree with numpy and PyTorch") { check_file("spectral.json"); }
TEST_CASE("linear algebra agrees with PyTorch and scipy") { check_file("linalg.json"); }
TEST_CASE("special functions, searches and order statistics agree with scipy and numpy") { check_file("special.json"); }
