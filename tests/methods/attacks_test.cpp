#include "world.hpp"

using namespace world;

namespace {

std::vector<float> perturbed(plugin::Instance method, const plugin::AttackInputs& in) {
  return method.perturb(plugin::attack_inputs(in)).tensor("x").to_f32();
}

double farthest(const std::vector<float>& a, const std::vector<float>& b) {
  double d = 0;
  for (std::size_t i = 0; i < a.size(); ++i) d = std::max(d, std::abs(static_cast<double>(a[i]) - b[i]));
  return d;
}

// Mean cross-entropy of the perceptron, by its logits, in double.
double loss(const std::vector<float>& x) {
  const auto z = model().executor->logits(Tensor::f32({6, 12}, x)).to_f32();
  const auto y = integers(expected().at("y"));
  double total = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < 5; ++k) sum += std::exp(static_cast<double>(z[i * 5 + k]));
    total += std::log(sum) - z[i * 5 + static_cast<std::size_t>(y[i])];
  }
  return total / 6;
}

Json fixed(std::int64_t steps, double step) {
  return Json::object({{"steps", steps}, {"step", step}, {"random_start", false}});
}

}  // namespace

TEST_CASE("the host's perceptron is numpy's") {
  CHECK(worst(model().executor->logits(inputs()).to_f32(), "logits") < 1e-5);
}

TEST_CASE("fgsm agrees with numpy in both norms") {
  CHECK(worst(perturbed(method("fgsm"), attack_inputs()), "fgsm_linf") < 1e-5);
  CHECK(worst(perturbed(method("fgsm"), attack_inputs("l2")), "fgsm_l2") < 1e-5);
}

TEST_CASE("pgd without a random start agrees with numpy in both norms") {
  CHECK(worst(perturbed(method("pgd", "pgd", fixed(7, 0.25)), attack_inputs()), "pgd") < 1e-5);
  CHECK(worst(perturbed(method("pgd", "pgd", fixed(7, 0.4)), attack_inputs("l2")), "pgd_l2") < 1e-4);
}

TEST_CASE("mi-fgsm agrees with numpy") {
  const Json params = Json::object({{"steps", 5}, {"decay", 0.9}});
  CHECK(worst(perturbed(method("mi-fgsm", "mi-fgsm", params), attack_inputs()), "mi_fgsm") < 1e-5);
}

TEST_CASE("mi-fgsm with a step, a random start and the margin's loss") {
  const plugin::AttackInputs all = attack_inputs();
  const auto made = [&](const Json& params, std::uint64_t seed = 5) {
    return perturbed(method("mi-fgsm", "mi-fgsm", params, seed), all);
  };
  const Json five = Json::object({{"steps", 5}});
  CHECK(made(Json::object({{"steps", 5}, {"step", 0.2}})) == made(five));
  CHECK(made(Json::object({{"steps", 5}, {"step", 0.5}})) != made(five));
  CHECK(made(five, 6) == made(five));
  const Json start = Json::object({{"steps", 1}, {"step", 0.2}, {"random_start", true}});
  const auto started = made(start);
  CHECK(farthest(started, inputs().to_f32()) <= 0.1 + 1e-6);
  CHECK(started == made(start));
  CHECK(started != made(start, 6));
  // One step without a start follows the sign of the loss that is named.
  const auto margin = made(Json::object({{"steps", 1}, {"loss", "cw-margin"}}));
  const auto slope = all.victims.front().executor->loss_and_input_grad("cw-margin", all.x, all.y).grad.to_f32();
  const auto x = inputs().to_f32();
  for (std::size_t i = 0; i < x.size(); ++i)
    CHECK(margin[i] == doctest::Approx(std::clamp(x[i] + (slope[i] > 0 ? 0.1F : slope[i] < 0 ? -0.1F : 0.0F), 0.0F, 1.0F)).epsilon(1e-5));
}

TEST_CASE("pgd from a random start stays in the ball, is seeded, and does not depend on the batch") {
  const auto x = inputs().to_f32();
  const plugin::AttackInputs all = attack_inputs();
  const auto a = perturbed(method("pgd"), all);
  CHECK(farthest(a, x) <= 0.1 + 1e-6);
  CHECK(a == perturbed(method("pgd"), all));
  CHECK(a != perturbed(method("pgd", "pgd", Json::object({{"steps", 1}}), 6), all));
  plugin::AttackInputs last = all;  // the last two samples alone
  last.x = Tensor::f32({2, 12}, std::vector<float>(x.end() - 24, x.end()));
  const auto y = integers(expected().at("y"));
  last.y = Tensor::i64({2}, std::vector<std::int64_t>(y.end() - 2, y.end()));
  last.ids = {ids()[4], ids()[5]};
  CHECK(perturbed(method("pgd"), last) == std::vector<float>(a.end() - 24, a.end()));
}

TEST_CASE("restarts and steps make pgd no weaker; noise is weaker than both") {
  const plugin::AttackInputs in = attack_inputs();
  const double one = loss(perturbed(method("pgd", "pgd", Json::object({{"steps", 1}})), in));
  const double many = loss(perturbed(method("pgd", "pgd", Json::object({{"steps", 20}})), in));
  const double restarted = loss(perturbed(method("pgd", "pgd", Json::object({{"steps", 20}, {"restarts", 4}})), in));
  CHECK(many > one);
  CHECK(restarted >= many - 1e-6);
  const auto noisy = perturbed(method("noise"), in);
  CHECK(farthest(noisy, inputs().to_f32()) <= 0.1 + 1e-6);
  CHECK(loss(noisy) < many);
}

TEST_CASE("a targeted attack lowers the loss of its target") {
  plugin::AttackInputs in = attack_inputs();
  in.targeted = true;
  CHECK(loss(perturbed(method("pgd"), in)) < loss(inputs().to_f32()));
}
