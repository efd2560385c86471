// What the references cannot say: NaN, ties, infinities, repeated and negative indices, zeros under products and powers,
// integer corner cases, errors.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "harness/base/error.hpp"
#include "tests/ops/case_inputs.hpp"

using namespace assay;
using namespace assay::engine;

namespace {

constexpr float kNan = NAN, kInf = INFINITY;
using Floats = std::vector<float>;
using Ints = std::vector<std::int64_t>;

Tensor f32(Shape shape, const Floats& values) { return Tensor::f32(std::move(shape), values); }
Tensor row(const Floats& values) { return f32({static_cast<std::int64_t>(values.size())}, values); }
Tensor i64(Shape shape, const Ints& values) { return Tensor::i64(std::move(shape), values); }
Tensor ints(const Ints& values) { return i64({static_cast<std::int64_t>(values.size())}, values); }
Attrs flag(const char* name, std::int64_t value) { return {{name, value}}; }

// d(sum of the op's result) / d(operand `wrt`).
Floats gradient(std::string_view op, std::vector<Tensor> in, const Attrs& attrs, std::size_t wrt = 0) {
  in[wrt] = watch(in[wrt]);
  const Tensor out = apply(Registry::get().id(op), in, attrs).at(0);
  const Tensor ones = Tensor::full(out.shape(), 1.0f);
  return grad(std::span(&out, 1), std::span(&in[wrt], 1), std::span(&ones, 1), false)[0].to_f32();
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    CHECK(e.fault() == Fault::bad_input);
    return e.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("NaN wins in maximum and minimum, whichever operand it is, and in extremes over axes") {
  const Tensor a = row({kNan, 1, kNan}), b = row({1, kNan, kNan});
  for (const char* op : {"maximum", "minimum"}) {
    for (const float v : apply1(op, {a, b}).to_f32()) CHECK(std::isnan(v));
  }
  const Tensor wide = f32({1, 19}, Floats(19, 1.0f));
  for (const char* op : {"reduce_max", "reduce_min", "reduce_linf", "reduce_log_sum_exp", "reduce_prod"}) {
    CAPTURE(op);
    CHECK(apply1(op, {wide}).item() == doctest::Approx(std::string(op) == "reduce_log_sum_exp" ? 1 + std::log(19) : 1));
    for (const std::size_t at : {0, 7, 18}) {
      Floats values(19, 1.0f);
      values[at] = kNan;
      CHECK(std::isnan(apply1(op, {f32({1, 19}, values)}).item()));
    }
  }
}

TEST_CASE("argmax, argmin and top_k put NaN first, then the lower index of equals") {
  const Tensor x = row({3, kNan, 1, kNan, 3, 1});
  CHECK(apply1("argmax", {x}).to_i64() == Ints{1});
  CHECK(apply1("argmin", {x}).to_i64() == Ints{1});
  CHECK(apply1("argmax", {x}, flag("select_last_index", 1)).to_i64() == Ints{3});
  CHECK(apply1("argmax", {row({3, 1, 3})}).to_i64() == Ints{0});
  CHECK(apply1("argmin", {row({3, 1, 1})}, flag("select_last_index", 1)).to_i64() == Ints{2});
  const std::vector<Tensor> top = apply(Registry::get().id("top_k"), std::span(&x, 1), flag("k", 4));
  CHECK(top[1].to_i64() == Ints{1, 3, 0, 4});
  const std::vector<Tensor> low =
      apply(Registry::get().id("top_k"), std::span(&x, 1), {{"k", std::int64_t{4}}, {"largest", std::int64_t{0}}});
  CHECK(low[1].to_i64() == Ints{1, 3, 2, 5});
  CHECK(apply1("hardmax", {row({2, kNan, 5})}).to_f32() == Floats{0, 1, 0});
}

TEST_CASE("masks of NaN and infinity") {
  const Tensor x = row({kNan, kInf, -kInf, 1});
  CHECK(apply1("isnan", {x}).to_f32() == Floats{1, 0, 0, 0});
  CHECK(apply1("isinf", {x}).to_f32() == Floats{0, 1, 1, 0});
  CHECK(apply1("isinf", {x}, flag("detect_negative", 0)).to_f32() == Floats{0, 1, 0, 0});
  CHECK(apply1("isinf", {x}, flag("detect_positive", 0)).to_f32() == Floats{0, 0, 1, 0});
  CHECK(apply1("not", {x}).to_f32() == Floats{0, 0, 0, 0});
  CHECK(apply1("and", {x, row({0, 1, 1, 1})}).to_f32() == Floats{0, 1, 1, 1});
}

TEST_CASE("log_sum_exp over axes at the ends of the range, and its gradient") {
  const Attrs rows = {{"axes", std::int64_t{1}}};
  const Tensor x = f32({3, 2}, {-kInf, -kInf, 1e4f, -1e4f, -kInf, 2});
  CHECK(apply1("reduce_log_sum_exp", {x}, rows).to_f32() == Floats{-kInf, 1e4f, 2});
  CHECK(gradient("reduce_log_sum_exp", {x}, rows) == Floats{0, 0, 1, 0, 0, 1});
}

TEST_CASE("the gradient of a product is exact at zeros, to the second order") {
  CHECK(gradient("reduce_prod", {row({2, 3, 5})}, {}) == Floats{15, 10, 6});
  CHECK(gradient("reduce_prod", {row({2, 0, 5})}, {}) == Floats{0, 10, 0});
  CHECK(gradient("reduce_prod", {row({0, 0, 5})}, {}) == Floats{0, 0, 0});
  const Tensor x = watch(row({0, 0, 5}));
  const Tensor product = apply1("reduce_prod", {x});
  const Tensor first = grad(std::span(&product, 1), std::span(&x, 1), {}, true)[0];
  const Tensor weights = row({1, 0, 0});
  CHECK(grad(std::span(&first, 1), std::span(&x, 1), std::span(&weights, 1), false)[0].to_f32() == Floats{0, 5, 0});
}

TEST_CASE("powers at zero have finite gradients where they have one") {
  const Tensor zero = row({0, 0, 0}), exponents = row({0, 1, 2});
  CHECK(gradient("pow", {zero, exponents}, {}) == Floats{0, 1, 0});
  CHECK(gradient("pow", {zero, exponents}, {}, 1) == Floats{0, 0, 0});
  CHECK(gradient("safe_pow", {row({0, -1, 4})}, {{"exponent", 0.5}}) == Floats{0, 0, 0.25f});
  CHECK(apply1("safe_pow", {row({0, -1, 4})}, {{"exponent", 0.5}}).to_f32() == Floats{0, 0, 2});
}

TEST_CASE("negative indices count from the end; others are errors that name the op and the range") {
  const Tensor x = f32({3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK(apply1("gather", {x, ints({-1, 0})}).to_f32() == Floats{5, 6, 1, 2});
  CHECK(apply1("gather_elements", {x, i64({1, 2}, {-1, -3})}).to_f32() == Floats{5, 2});
  CHECK(apply1("gather_nd", {x, i64({2, 2}, {-1, -1, 0, -2})}).to_f32() == Floats{6, 1});
  CHECK(gradient("gather", {x, ints({-1, 2})}, {}) == Floats{0, 0, 0, 0, 2, 2});
  for (const std::int64_t bad : {3, -4}) {
    for (const char* op : {"gather", "gather_elements", "gather_nd", "index_select"}) {
      const bool matrix = std::string(op) == "gather_elements" || std::string(op) == "gather_nd";
      const Tensor at = matrix ? i64({1, 1}, {bad}) : ints({bad});
      const std::string what = message_of([&] { apply1(op, {x, at}); });
      CHECK(contains(what, std::string(op) + ": index " + std::to_string(bad) + " is outside [-3, 3)"));
    }
  }
}

TEST_CASE("repeated indices: without reduction the last update stays and has the gradient; equals share it") {
  const Tensor x = row({1, 2, 3}), at = ints({1, 1, -1}), updates = row({7, 8, 9});
  CHECK(apply1("scatter_elements", {x, at, updates}).to_f32() == Floats{1, 8, 9});
  CHECK(gradient("scatter_elements", {x, at, updates}, {}, 2) == Floats{0, 1, 1});
  CHECK(gradient("scatter_elements", {x, at, updates}, {}, 0) == Floats{1, 0, 0});
  const Attrs add = {{"reduction", std::string("add")}}, max = {{"reduction", std::string("max")}};
  CHECK(apply1("scatter_elements", {x, at, updates}, add).to_f32() == Floats{1, 17, 12});
  CHECK(gradient("scatter_elements", {x, at, row({8, 8, 1})}, max, 2) == Floats{0.5, 0.5, 0});
  CHECK(gradient("scatter_nd", {x, i64({2, 1}, {0, 0}), row({4, 5})}, {}, 2) == Floats{0, 1});
}

TEST_CASE("integers: quotients are cut towards zero, remainders have both signs, overflow wraps") {
  const Tensor a = ints({7, -7, 7, -7}), b = ints({2, 2, -2, -2});
  CHECK(apply1("div", {a, b}).to_i64() == Ints{3, -3, -3, 3});
  CHECK(apply1("mod", {a, b}).to_i64() == Ints{1, 1, -1, -1});
  CHECK(apply1("mod", {a, b}, flag("fmod", 1)).to_i64() == Ints{1, -1, 1, -1});
  const Tensor lowest = ints({std::numeric_limits<std::int64_t>::min()});
  CHECK(apply1("div", {lowest, ints({-1})}).to_i64() == lowest.to_i64());
  CHECK(apply1("neg", {lowest}).to_i64() == lowest.to_i64());
  CHECK(apply1("pow", {ints({2, -1, 3, 2}), ints({62, -3, 0, -1})}).to_i64() == Ints{std::int64_t{1} << 62, -1, 1, 0});
  CHECK(apply1("bit_shift", {ints({1, 3}), ints({64, 1})}).to_i64() == Ints{0, 6});
  for (const char* op : {"div", "mod"}) {
    CHECK(contains(message_of([&] { apply1(op, {a, ints({0})}); }), "divided by zero"));
  }
  CHECK(apply1("mod", {row({-3.5f, 3.5f}), row({2, -2})}).to_f32() == Floats{0.5f, -0.5f});
}

TEST_CASE("detach gives its operand and no gradient") {
  const Tensor x = watch(row({1, 2}));
  const Tensor y = apply1("mul", {x, apply1("detach", {x})});
  const Tensor ones = row({1, 1});
  CHECK(y.to_f32() == Floats{1, 4});
  CHECK(grad(std::span(&y, 1), std::span(&x, 1), std::span(&ones, 1), false)[0].to_f32() == Floats{1, 2});
}

TEST_CASE("operands of other dtypes are refused with the names that fit") {
  const std::string mixed = message_of([] { apply1("add", {row({1}), ints({1})}); });
  CHECK(contains(mixed, "add: inputs must be of one dtype (inputs F32[1], I64[1])"));
  const std::string logarithm = message_of([] { apply1("log", {ints({1})}); });
  CHECK(contains(logarithm, "log: input 0 must be one of F32, F64"));
  CHECK(contains(message_of([] { apply1("gather", {row({1}), row({0})}); }), "input 1 must be one of I64, I32"));
  CHECK(contains(message_of([] { apply1("one_hot", {ints({3})}, flag("classes", 3)); }), "label 3 is outside [0, 3)"));
  CHECK(contains(message_of([] { apply1("prelu", {row({1}), f32({2, 1}, {1, 2})}); }), "must broadcast to x"));
}

TEST_CASE("a label below 0 is refused by every loss, and does not count from the last class") {
  const Tensor x = f32({2, 3}, {1, 2, 3, 4, 5, 6}), labels = ints({0, -1});
  for (const char* loss : {"cross_entropy", "nll_loss", "softmax_cross_entropy_loss"}) {
    CAPTURE(loss);
    CHECK(contains(message_of([&] { apply(Registry::get().id(loss), std::vector<Tensor>{x, labels}, {}); }), "label -1 is"));
  }
  Attrs ignoring;
  ignoring.set("ignore_index", std::int64_t{-1});
  CHECK(apply1("nll_loss", {x, labels}, ignoring).to_f32() == Floats{-1, 0});
}

TEST_CASE("f64 stays f64 through values and gradients") {
  const std::vector<double> small = {1 + 1e-12, 2.0};
  const Tensor x = watch(Tensor::from_bytes({DType::f64, {2}}, std::as_bytes(std::span(small))));
  const Tensor y = apply1("reduce_sum", {apply1("square", {apply1("maximum", {x, apply1("neg", {x})})})});
  CHECK(y.dtype() == DType::f64);
  const Tensor g = grad(std::span(&y, 1), std::span(&x, 1), {}, false)[0];
  REQUIRE(g.dtype() == DType::f64);
  CHECK(reference::Array(to_array(g)).v[0] == 2 * (1 + 1e-12));
  const Tensor z = apply1("reduce_sum", {apply1("cast", {x}, {{"to", std::string("F32")}})});
  CHECK(grad(std::span(&z, 1), std::span(&x, 1), {}, false)[0].dtype() == DType::f64);
}
