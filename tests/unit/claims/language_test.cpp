// What the functions of the language compute, on databases made by hand.
#include <doctest/doctest.h>

#include <cmath>

#include "worlds.hpp"

using namespace assay;
using namespace boards;
using namespace claim_worlds;

TEST_CASE("numbers: arithmetic, functions, aggregates over cells and axes") {
  const World w = predict_world({{"a", {180, 182, 190}}, {"b", {150, 150, 150}}});
  const auto effect = [&](const std::string& text) { return *judged(w, text + " > 0", "exact").effect; };
  CHECK(effect("mean(accuracy, method='a')") == doctest::Approx(0.92));
  CHECK(effect("median(accuracy, method='a')") == doctest::Approx(0.91));
  CHECK(effect("min(accuracy, method='a')") == doctest::Approx(0.90));
  CHECK(effect("max(accuracy, method='a')") == doctest::Approx(0.95));
  CHECK(effect("sum(accuracy, method='a')") == doctest::Approx(2.76));
  CHECK(effect("std(accuracy, method='a')") == doctest::Approx(std::sqrt((16 + 4 + 36) / 2.0) / 200));
  CHECK(effect("quantile(accuracy, method='a', q=0.25)") == doctest::Approx(0.905));
  CHECK(effect("mean(accuracy, method='a', seed=[0, 2])") == doctest::Approx(0.925));
  CHECK(effect("mean(seed, mean(accuracy, method='a'))") == doctest::Approx(0.92));
  CHECK(effect("max(seed, mean(accuracy, method='a') - mean(accuracy, method='b'))") == doctest::Approx(0.2));
  CHECK(effect("count(seed, mean(accuracy, method='a') > 0.9)") == 2);
  CHECK(effect("share(seed, mean(accuracy, method='a') > 0.9)") == doctest::Approx(2.0 / 3));
  CHECK(effect("argmax(seed, mean(accuracy, method='a'))") == 2);
  CHECK(effect("max(mean(accuracy, method='a'), mean(accuracy, method='b')) / 2") == doctest::Approx(0.46));
  CHECK(effect("mean(params, method='a') * (abs(1 - 3) * sqrt(4) + log2(8) - log10(100) + exp(0) - log(1)) / 2000") == doctest::Approx(6));
  CHECK(effect("abs(mean(accuracy, method='b') - mean(accuracy, method='a'))") == doctest::Approx(0.17));
  CHECK(effect("sum(method, mean(accuracy))") == doctest::Approx(0.92 + 0.75));
  CHECK(effect("rank(accuracy, method='a')") == 1);
  CHECK(effect("rank(accuracy, method='b')") == 2);
  CHECK(effect("rank(params, method='b')") == 1.5);
  CHECK(effect("width(mean(accuracy, method='a'))") > 0.01);
  const Verdict pooled = judged(w, "mean(accuracy) > 0");
  CHECK(pooled.notes.at(0) == "mean of accuracy is over 2 values of method");
  CHECK(mentions(judged(w, "1 / (mean(accuracy, method='a') - mean(accuracy, method='a')) > 0").reason, "not defined"));
}

TEST_CASE("counts and extremes over seeds vary with which seeds there are") {
  const World w = predict_world({{"a", {180, 182, 190}}});
  const Verdict v = judged(w, "mean(seed, mean(accuracy, method='a')) > 0.5", "student");
  const Verdict plain = judged(w, "mean(accuracy, method='a') > 0.5", "student");
  CHECK(v.interval->lo == doctest::Approx(plain.interval->lo));
  CHECK(v.interval->over == "seeds");
}

TEST_CASE("curves: monotone with slack, fits, crossings, areas, interior extremes") {
  const World falling = curve_world({190, 188, 180, 160, 120});
  const auto effect = [&](const World& w, const std::string& text) { return *judged(w, text + " > 0", "exact").effect; };
  const auto outcome = [](const World& w, const std::string& text) { return judged(w, text, "exact").outcome; };
  CHECK(outcome(falling, "decreasing(ratio, mean(accuracy))") == Outcome::reproduced);
  CHECK(outcome(falling, "increasing(ratio, mean(accuracy))") == Outcome::not_reproduced);
  CHECK(outcome(falling, "increasing(ratio, mean(accuracy), slack=0.2)") == Outcome::reproduced);
  // x = 1 ... 5, y = 0.95, 0.94, 0.90, 0.80, 0.60: numpy.polyfit gives -0.084, 1.09
  CHECK(effect(falling, "slope(ratio, log2(ratio), mean(accuracy))") == doctest::Approx(-0.084));
  CHECK(effect(falling, "intercept(ratio, log2(ratio), mean(accuracy))") == doctest::Approx(1.09));
  CHECK(effect(falling, "r2(ratio, log2(ratio), mean(accuracy))") == doctest::Approx(0.084 * 0.084 * 10 / 0.08488));
  CHECK(effect(falling, "crossing(ratio, mean(accuracy), 0.7)") == doctest::Approx(24));
  CHECK(effect(falling, "crossing(ratio, log2(ratio), mean(accuracy), 0.85)") == doctest::Approx(3.5));
  CHECK(effect(falling, "area(ratio, log2(ratio), mean(accuracy))") == doctest::Approx((0.945 + 0.92 + 0.85 + 0.7) / 4));
  CHECK(effect(falling, "spearman(ratio, ratio, mean(accuracy))") == doctest::Approx(-1));
  CHECK(effect(falling, "kendall(ratio, ratio, mean(accuracy), ratio=['2', '8', '32'])") == doctest::Approx(-1));
  CHECK(effect(falling, "pearson(ratio, log2(ratio), mean(accuracy))") == doctest::Approx(-0.084 * std::sqrt(10 / 0.08488)));
  CHECK(effect(falling, "mean(ratio, mean(accuracy))") == doctest::Approx(0.838));
  CHECK(effect(falling, "argmax(ratio, mean(accuracy))") == 2);
  CHECK(effect(falling, "argmin(ratio, mean(accuracy))") == 32);
  CHECK(mentions(judged(falling, "crossing(ratio, mean(accuracy), 0.1) > 1").reason, "never crosses"));
  CHECK(outcome(falling, "interior_min(ratio, mean(accuracy))") == Outcome::not_reproduced);
  const World valley = curve_world({180, 120, 100, 120, 170});
  CHECK(judged(valley, "interior_min(ratio, mean(accuracy))").outcome == Outcome::reproduced);
  CHECK(judged(valley, "decreasing(ratio, mean(accuracy), ratio=['2', '4', '8'])").outcome == Outcome::reproduced);
  CHECK(judged(falling, "all(ratio, mean(accuracy) >= mean(accuracy, ratio='32'))").outcome == Outcome::reproduced);
  CHECK(mentions(judged(falling, "all(steps, mean(accuracy) > 0)").reason, "no value of steps"));
}

TEST_CASE("non-inferiority follows the metric's direction; equivalence is two tests") {
  const World w = predict_world({{"a", {180, 181, 182}}, {"b", {181, 182, 183}}});
  CHECK(judged(w, "noninferior(mean(accuracy, method='a'), mean(accuracy, method='b'), margin=0.05)").outcome == Outcome::reproduced);
  CHECK(judged(w, "mean(accuracy, method='a') >= mean(accuracy, method='b')").outcome != Outcome::reproduced);
  CHECK(judged(w, "noninferior(mean(accuracy, method='a'), mean(accuracy, method='b'), margin=0)").outcome != Outcome::reproduced);
  // nll is lower-better: b is the better one by 0.005
  CHECK(judged(w, "noninferior(mean(nll, method='a'), mean(nll, method='b'), margin=0.01)", "exact").outcome == Outcome::reproduced);
  CHECK(judged(w, "noninferior(mean(nll, method='a'), mean(nll, method='b'), margin=0.001)", "exact").outcome == Outcome::not_reproduced);
  CHECK(judged(w, "noninferior(mean(nll, method='b'), mean(nll, method='a'), margin=0.001)", "exact").outcome == Outcome::reproduced);
  const Verdict same = judged(w, "equivalent(mean(accuracy, method='a'), mean(accuracy, method='b'), margin=0.05)");
  CHECK(same.outcome == Outcome::reproduced);
  CHECK(same.comparisons == 2);
}
