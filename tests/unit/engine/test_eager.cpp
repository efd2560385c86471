// The eager tape: accumulation, detaching, higher orders, errors.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "harness/base/error.hpp"
#include "harness/engine/tape/eager.hpp"

using namespace assay;
using namespace assay::engine;

namespace {

Tensor vec(std::initializer_list<float> v) {
  const std::vector<float> values(v);
  return Tensor::f32({static_cast<std::int64_t>(values.size())}, values);
}

Tensor total(const Tensor& t) { return apply1("reduce_sum", {t}); }

std::vector<Tensor> grad_of(const Tensor& y, std::vector<Tensor> inputs, bool create_graph = false) {
  return grad(std::span(&y, 1), inputs, {}, create_graph);
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("gradients add up over reused inputs") {
  const Tensor x = watch(vec({1, 2, 3}));
  const Tensor y = total(apply1("add", {apply1("mul", {x, x}), x}));  // x^2 + x
  const auto g = grad_of(y, {x});
  CHECK(g[0].to_f32() == std::vector<float>{3, 5, 7});
  CHECK(g[0].tape() == nullptr);
}

TEST_CASE("an intermediate tensor can be differentiated for") {
  const Tensor x = watch(vec({1, 2}));
  const Tensor h = apply1("square", {x});
  const Tensor y = total(apply1("square", {h}));
  const auto g = grad_of(y, {h, x});
  CHECK(g[0].to_f32() == std::vector<float>{2, 8});
  CHECK(g[1].to_f32() == std::vector<float>{4, 32});
}

TEST_CASE("what does not influence the output gets zeros") {
  const Tensor x = watch(vec({1, 2})), z = watch(vec({5, 6, 7}));
  const Tensor y = total(x);
  const Tensor side = apply1("exp", {z});
  const auto g = grad_of(y, {x, z});
  CHECK(g[1].to_f32() == std::vector<float>{0, 0, 0});
  const Tensor cut = total(apply1("mul", {detach(x), x}));
  CHECK(grad_of(cut, {x})[0].to_f32() == std::vector<float>{1, 2});
  CHECK(detach(side).tape() == nullptr);
}

TEST_CASE("gradients of gradients of gradients") {
  const Tensor x = watch(vec({0.5f, 2}));
  const Tensor y = total(apply1("pow", {x}, {{"exponent", 4.0}}));
  const Tensor g1 = grad_of(y, {x}, true)[0];
  const Tensor g2 = grad_of(total(g1), {x}, true)[0];
  const Tensor g3 = grad_of(total(g2), {x})[0];
  for (std::size_t i = 0; i < 2; ++i) {
    const double v = x.to_f32()[i];
    CHECK(g1.to_f32()[i] == doctest::Approx(4 * v * v * v).epsilon(1e-5));
    CHECK(g2.to_f32()[i] == doctest::Approx(12 * v * v).epsilon(1e-5));
    CHECK(g3.to_f32()[i] == doctest::Approx(24 * v).epsilon(1e-5));
  }
}

std::vector<float> waves(std::size_t n, float step) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = std::sin(step * static_cast<float>(i + 1));
  return v;
}

TEST_CASE("gradient of a gradient norm through convolutions, relu and pooling") {
  const std::vector<float> xs = waves(2 * 3 * 8 * 8, 0.7f), ws = waves(16 * 3 * 9, 1.3f), vs = waves(5 * 16, 0.9f);
  const Tensor x = Tensor::f32({2, 3, 8, 8}, xs), v = Tensor::f32({5, 16}, vs);
  const auto penalty = [&](const Tensor& w) {
    const Tensor input = watch(x);
    const Tensor h = apply1("conv2d", {input, w}, {{"pad", std::int64_t{1}}, {"act", std::string("relu")}});
    const Tensor p = apply1("global_avg_pool", {apply1("max_pool2d", {h}, {{"kernel", std::int64_t{2}}})});
    const Tensor logits = apply1("linear", {apply1("reshape", {p}, {{"shape", Shape{2, -1}}}), v});
    const Tensor g = grad_of(total(apply1("tanh", {logits})), {input}, true)[0];
    return total(apply1("square", {g}));
  };
  const Tensor w = watch(Tensor::f32({16, 3, 3, 3}, ws));
  const std::vector<float> got = grad_of(penalty(w), {w})[0].to_f32();
  for (const std::size_t i : {0u, 77u, 301u, 431u}) {
    const float eps = 5e-3f;
    std::vector<float> up = ws, down = ws;
    up[i] += eps, down[i] -= eps;
    const double slope = (static_cast<double>(penalty(Tensor::f32({16, 3, 3, 3}, up)).item()) -
                          static_cast<double>(penalty(Tensor::f32({16, 3, 3, 3}, down)).item())) /
                         (2.0 * eps);
    CHECK(got[i] == doctest::Approx(slope).epsilon(0.05));
  }
}

TEST_CASE("a custom node takes part in gradients") {
  const Tensor x = watch(vec({1, 2, 3}));
  const std::vector<Tensor> in = {apply1("square", {x})};
  const auto out = record_custom(in, {vec({10, 20, 30})}, [](const CustomVjpCall& call) {
    return std::vector<Tensor>{apply1("affine", {call.cotangents[0]}, {{"scale", 7.0}})};
  });
  CHECK(grad_of(total(out[0]), {x})[0].to_f32() == std::vector<float>{14, 28, 42});
  CHECK(record_custom(std::vector<Tensor>{vec({1})}, {vec({2})}, nullptr)[0].tape() == nullptr);
}

TEST_CASE("a custom node made of ops is differentiated again through its inputs and outputs") {
  const Tensor x = watch(vec({0.5F, -1, 2}));
  // y = exp(2 x), dy/dx = 2 y: written with the output, so that the second derivative comes through the node itself
  const Tensor value = apply1("exp", {apply1("affine", {detach(x)}, {{"scale", 2.0}})});
  const auto y = record_custom(std::span(&x, 1), {value}, [](const CustomVjpCall& call) {
    const Tensor slope = apply1("affine", {call.out[0]}, {{"scale", 2.0}});
    return std::vector<Tensor>{apply1("mul", {call.cotangents[0], slope})};
  });
  const Tensor sum = total(y[0]), once = grad(std::span(&sum, 1), std::span(&x, 1), {}, true)[0], again = total(once);
  const std::vector<float> second = grad(std::span(&again, 1), std::span(&x, 1), {}, false)[0].to_f32();
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(once.to_f32()[i] == doctest::Approx(2 * value.to_f32()[i]));
    CHECK(second[i] == doctest::Approx(4 * value.to_f32()[i]));
  }
}

TEST_CASE("errors name the op and the shapes") {
  CHECK(message_of([] {
          apply1("add", {vec({1, 2}), vec({1, 2, 3})});
        }) == "add: shapes do not broadcast (inputs F32[2], F32[3])");
  CHECK(message_of([] { apply1("conv2dd", {vec({1})}); }).find("unknown op 'conv2dd'; did you mean 'conv2d'?") == 0);
  CHECK(message_of([] { apply1("relu", {Tensor()}); }) == "relu: an operand is undefined");
  CHECK(message_of([] {
          const Tensor x = watch(vec({1, 2}));
          grad_of(x, {x});
        }) == "an output of F32[2] needs a cotangent");
  CHECK(message_of([] { grad_of(total(vec({1})), {vec({1})}); }).find("not watched") != std::string::npos);
}

TEST_CASE("a long history is freed without deep recursion") {
  Tensor x = watch(vec({1}));
  for (int i = 0; i < 200000; ++i) x = apply1("neg", {x});
  x = Tensor();
  CHECK(!x.defined());
}

TEST_CASE("kernels are prepared once for a shape") {
  const Tensor x = Tensor::full({4, 8, 6, 6}, 1), w = Tensor::full({8, 8, 3, 3}, 0.1f);
  apply1("conv2d", {x, w});
  const auto before = engine_counters();
  apply1("conv2d", {x, w});
  CHECK(engine_counters().primitives_created == before.primitives_created);
}
