#include "world.hpp"

using namespace world;

namespace {

std::vector<double> scores(plugin::Instance method) {
  const plugin::Model net = model();
  method.fit(plugin::fit_inputs(net, records(), 5));
  return plugin::scores_of(method.score(plugin::score_inputs(net, inputs(), ids())), 6);
}

}  // namespace

TEST_CASE("msp agrees with numpy") { CHECK(worst(scores(method("msp")), "msp") < 1e-6); }

TEST_CASE("energy agrees with numpy at temperature 2") {
  CHECK(worst(scores(method("energy", "energy", Json::object({{"temperature", 2.0}}))), "energy") < 1e-5);
}

TEST_CASE("mahalanobis agrees with numpy") {
  const auto found = scores(method("mahalanobis", "mahalanobis", Json::object({{"ridge", 0.01}})));
  CHECK(worst(found, "mahalanobis") < 1e-3);  // distances of about 10; float32 features
}

TEST_CASE("knn agrees with numpy") {
  CHECK(worst(scores(method("knn", "knn", Json::object({{"k", 4}}))), "knn") < 1e-4);
}

TEST_CASE("knn refuses a k beyond its training set") {
  CHECK_THROWS_WITH_AS(scores(method("knn", "knn", Json::object({{"k", 61}}))), doctest::Contains("k exceeds"), Error);
}

TEST_CASE("the random score is uniform, seeded and keyed by the input's id") {
  auto chance = method("random-score");
  const plugin::Model net = model();
  const auto a = plugin::scores_of(chance.score(plugin::score_inputs(net, inputs(), ids())), 6);
  auto turned = ids();
  std::reverse(turned.begin(), turned.end());
  auto b = plugin::scores_of(chance.score(plugin::score_inputs(net, inputs(), turned)), 6);
  std::reverse(b.begin(), b.end());
  CHECK(a == b);
  for (const double value : a) CHECK((value >= 0 && value < 1));
}
