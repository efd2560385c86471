// Functions whose gradients a plugin defines: against finite differences, differentiated again, and every way to fail.
#include <cmath>

#include "harness/engine/tape/eager.hpp"
#include "world.hpp"

using namespace world;
using engine::Tensor;

namespace {

const std::vector<float> kPoint = {0.31F, -0.72F, 1.4F, 0.8F, -0.2F, 0.55F, -1.3F, 0.1F};

Instance method_of(const char* form) {
  static const PluginLibrary library = PluginLibrary::open(test_plugin("own_gradient"));
  return library.create("own-gradient", Json::object({{"form", std::string(form)}}), context());
}

// The objective with its history, at [2, 4] logits.
Tensor loss_at(Instance& method, const Tensor& logits) {
  const std::vector<float> x(2, 0.0F);
  const std::vector<std::int64_t> two = {0, 1};
  const Bundle out = method.objective({{"logits", logits},
                                       {"x", Tensor::f32({2, 1}, x)},
                                       {"y", Tensor::i64({2}, two)},
                                       {"ids", Tensor::i64({2}, two)},
                                       {"epoch", std::int64_t{0}},
                                       {"epochs", std::int64_t{1}},
                                       {"step", std::int64_t{1}}});
  return out.tensor("loss");
}

Tensor gradient_of(const Tensor& y, const Tensor& x, bool create_graph = false) {
  return engine::grad(std::span(&y, 1), std::span(&x, 1), {}, create_graph).front();
}

double slope_at(Instance& method, std::size_t i) {
  constexpr float h = 1e-2F;
  std::vector<float> up = kPoint, down = kPoint;
  up[i] += h, down[i] -= h;
  const auto value = [&](const std::vector<float>& at) {
    return static_cast<double>(loss_at(method, Tensor::f32({2, 4}, at)).to_f32().front());
  };
  return (value(up) - value(down)) / (2.0 * static_cast<double>(h));
}

std::string failure(const char* form) {
  Instance method = method_of(form);
  const Tensor x = engine::watch(Tensor::f32({2, 4}, kPoint)), loss = loss_at(method, x);
  std::string message = message_of([&] { gradient_of(loss, x); });
  CHECK(method.host().misuses().empty());
  CHECK(method.destroy().empty());
  return message;
}

}  // namespace

TEST_CASE("a gradient that a method defines agrees with finite differences, taken after the role call") {
  for (const char* form : {"cube", "pair"}) {
    CAPTURE(form);
    Instance method = method_of(form);
    const Tensor x = engine::watch(Tensor::f32({2, 4}, kPoint));
    const std::vector<float> got = gradient_of(loss_at(method, x), x).to_f32();
    for (std::size_t i = 0; i < kPoint.size(); ++i) CHECK(got[i] == doctest::Approx(slope_at(method, i)).epsilon(2e-3));
    CHECK(method.destroy().empty());
  }
}

TEST_CASE("a straight-through estimate is what the method says, not the derivative") {
  Instance method = method_of("straight-through");
  const Tensor x = engine::watch(Tensor::f32({2, 4}, kPoint));
  const std::vector<float> got = gradient_of(loss_at(method, x), x).to_f32();
  for (std::size_t i = 0; i < kPoint.size(); ++i) {
    const float v = kPoint[i], inside = std::abs(v) < 1 ? 1.0F : 0.0F;
    CHECK(got[i] == doctest::Approx(std::nearbyint(2 * v) / 2 + 0.5F * inside * (2 + v)));
  }
}

TEST_CASE(
    "a gradient made of ops is differentiated again") {  // loss = sum x^3 (2 + x): 6 x^2 + 4 x^3, then 12 x + 12 x^2
  Instance method = method_of("cube");
  const Tensor x = engine::watch(Tensor::f32({2, 4}, kPoint));
  const Tensor once = gradient_of(loss_at(method, x), x, true);
  const Tensor total = engine::apply1("reduce_sum", {once});
  const std::vector<float> first = once.to_f32(), second = gradient_of(total, x).to_f32();
  for (std::size_t i = 0; i < kPoint.size(); ++i) {
    const float v = kPoint[i];
    CHECK(first[i] == doctest::Approx(6 * v * v + 4 * v * v * v));
    CHECK(second[i] == doctest::Approx(12 * v + 12 * v * v));
  }
}

TEST_CASE("no gradient is zero") {
  Instance method = method_of("no-gradient");
  const Tensor x = engine::watch(Tensor::f32({2, 4}, kPoint));
  CHECK(gradient_of(loss_at(method, x), x).to_f32() == kPoint);  // of the other factor alone
}

TEST_CASE("what a method's own gradient does wrong is an error with its words") {
  CHECK(contains(failure("broken"),
                 "a gradient that the method defines failed with INTERNAL: the table of slopes is empty"));
  CHECK(contains(failure("numeric"), "failed with NUMERIC: the slope is not finite"));
  CHECK(contains(failure("wrong-shape"), "gave F32[2] for input 0, which is F32[2, 4]"));
  CHECK(contains(failure("wrong-count"), "one result an input: 1, not 2"));
  CHECK(contains(failure("wrong-op"), "unknown op 'no_such_op'"));
}

TEST_CASE("a history that outlives the method is an error, not a call into the void") {
  const Tensor x = engine::watch(Tensor::f32({2, 4}, kPoint));
  Tensor loss;
  {
    Instance method = method_of("cube");
    loss = loss_at(method, x);
    CHECK(method.destroy().empty());
  }
  CHECK(contains(message_of([&] { gradient_of(loss, x); }), "after the method had ended"));
}

TEST_CASE("a recorded function without a watched input has no history, and its state goes at once") {
  Instance method = method_of("cube");
  CHECK(loss_at(method, Tensor::f32({2, 4}, kPoint)).tape() == nullptr);
  CHECK(method.destroy().empty());
}
