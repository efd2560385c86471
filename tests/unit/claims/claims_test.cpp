// Verdicts from databases made by hand; the numbers against those computed here by other means.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "worlds.hpp"

using namespace assay;
using namespace boards;
using namespace claim_worlds;

TEST_CASE("the four verdicts, each with effect, interval, n and test [rule 6] [rule 45]") {
  const World w = predict_world({{"a", {180, 181, 182}}, {"b", {150, 152, 151}}, {"c", {179, 181, 182}}});
  const Verdict good = judged(w, "mean(accuracy, method='a') - mean(accuracy, method='b') >= 0.05");
  CHECK(good.outcome == Outcome::reproduced);
  REQUIRE(good.effect);
  CHECK(*good.effect == doctest::Approx((181 - 151) / 200.0 - 0.05));
  REQUIRE(good.interval);
  CHECK(good.interval->over == "samples and seeds");
  CHECK(good.interval->n == 3);
  CHECK(good.interval->lo > 0);
  CHECK(good.test == "paired bootstrap over samples, Student over seeds");
  CHECK(good.seeds == 3);
  CHECK(good.samples == 200);
  CHECK_FALSE(good.more_seeds);
  CHECK(*good.p < 0.05);

  const Verdict bad = judged(w, "mean(accuracy, method='a') < mean(accuracy, method='b')");
  CHECK(bad.outcome == Outcome::not_reproduced);
  CHECK(bad.interval->lo > 0);

  const Verdict close = judged(w, "mean(accuracy, method='a') > mean(accuracy, method='c')");
  CHECK(close.outcome == Outcome::inconclusive);
  CHECK(close.interval->lo < 0);
  CHECK(close.interval->hi > 0);
  CHECK(close.reason == "the interval straddles the threshold");
  // One answer in 600 differs: each part alone has a standard error as large as the effect.
  CHECK_FALSE(close.more_seeds);
  CHECK_FALSE(close.more_samples);
  CHECK(mentions(claims::line(close), "neither more seeds alone nor more samples alone decide it"));
  const World steady = predict_world({{"a", {180, 181, 182}}, {"c", {179, 180, 181}}});
  const Verdict small = judged(steady, "mean(accuracy, method='a') > mean(accuracy, method='c')");
  CHECK(small.outcome == Outcome::inconclusive);
  CHECK_FALSE(small.more_seeds);
  REQUIRE(small.more_samples);
  // The seeds agree; three samples differ by a third each: standard error sqrt(3 / 9 / 200 / 200), 0.005 is 1.73 of them,
  // and (1.96 + 0.84)^2 / 1.73^2 times as many samples are needed, 522, give or take the bootstrap's error.
  CHECK(*small.more_samples > 270);
  CHECK(*small.more_samples < 380);
  CHECK(mentions(claims::line(small), "no number of seeds decides it"));

  const World erratic = predict_world({{"a", {182, 190, 199}}, {"b", {180, 180, 178}}});
  const Verdict uneven = judged(erratic, "mean(accuracy, method='a') > mean(accuracy, method='b')");
  CHECK(uneven.outcome == Outcome::inconclusive);
  REQUIRE(uneven.more_seeds);
  // A paired t test of 0.055 with the seeds' own spread takes 9 seeds (power 0.798 at 8 and 0.856 at 9 by
  // scipy 1.10.1, nct); the samples' part
  // adds a little.
  CHECK(*uneven.more_seeds >= 9 - 3);
  CHECK(*uneven.more_seeds <= 9 - 3 + 2);

  const Verdict none = judged(w, "mean(accuracy, method='d') > 0");
  CHECK(none.outcome == Outcome::nothing);
  CHECK(none.reason == "no cell has method='d'");
  CHECK_FALSE(none.effect);
}

TEST_CASE("the standard error is that of both parts, by hand") {
  const World w = predict_world({{"a", {180, 186, 189}}, {"b", {150, 150, 150}}});
  const Verdict v = judged(w, "mean(accuracy, method='a') > mean(accuracy, method='b')");
  // Seeds: s^2 / 3 of 30, 36 and 39 of 200. Samples: each sample's mean difference over the seeds, its variance / 200.
  const double seeds = (25 + 1 + 16) / 2.0 / 3 / 200 / 200;
  std::vector<double> difference(samples, 0);
  for (std::size_t s = 0; s < 3; ++s) {
    const auto a = flags(std::vector<std::size_t>{180, 186, 189}[s], 100 + s), b = flags(150, 100 + s);
    for (std::size_t i = 0; i < samples; ++i) difference[i] += (a[i] - b[i]) / 3;
  }
  double variance = 0;
  for (const double d : difference) variance += (d - share(difference)) * (d - share(difference)) / samples;
  const double se2 = seeds + variance / samples;
  const double df = se2 * se2 / (seeds * seeds / 2 + variance / samples * variance / samples / 199);
  CHECK(*v.effect == doctest::Approx(0.175));
  // t(0.975, df): between the values of 3 and 12 degrees of freedom; the ratio is checked to the bootstrap's own error
  const double half = (v.interval->hi - v.interval->lo) / 2;
  REQUIRE(df > 3);
  REQUIRE(df < 12);
  CHECK(half / std::sqrt(se2) > 2.17);
  CHECK(half / std::sqrt(se2) < 3.20);
  CHECK(v.interval->lo + v.interval->hi == doctest::Approx(2 * *v.effect));
}

TEST_CASE("fewer than three seeds never decide, and the missing ones are counted [rule 5]") {
  const World w = predict_world({{"a", {190, 190}}, {"b", {100, 100}}});
  const Verdict v = judged(w, "mean(accuracy, method='a') > mean(accuracy, method='b')");
  CHECK(v.outcome == Outcome::inconclusive);
  CHECK(v.reason == "2 seeds of at least 3 (rule 5)");
  CHECK(v.more_seeds == 1);
  CHECK(mentions(claims::line(v), "1 more seed for a decision with power 0.8"));
  CHECK(judged(w, "mean(params, method='a') > 1", "exact").outcome == Outcome::reproduced);  // nothing random
}

TEST_CASE("failed, suspect, invalid and missing cells make a claim void and are named [rule 2] [rule 3]") {
  World w = attack_world();
  const auto why = [&](const std::string& method) {
    const Verdict v = judged(w, "mean(robust_accuracy, method='" + method + "') < 1");
    CHECK(v.outcome == Outcome::nothing);
    return v.reason;
  };
  CHECK(mentions(why("crashing"), "3 of 3 cells may not count, first crashing on net, seed 0 (crashed: signal 11"));
  CHECK(mentions(why("masked"), "(SUSPECT: 3 % of samples have a zero gradient)"));
  CHECK(mentions(why("cheat"), "rejected: left the threat model"));
  CHECK(mentions(why("flaky"), "1 of 3 cells may not count, first flaky on net, seed 0 (oom"));
  w.plan.min_coverage = 0.6;
  w.db.record_plan(w.plan);
  const Verdict v = judged(w, "mean(robust_accuracy, method='flaky') < 1");
  CHECK(v.outcome == Outcome::inconclusive);  // two seeds
  CHECK(mentions(v.notes.at(0), "1 of 3 cells may not count"));
  CHECK(mentions(judged(w, "mean(robust_accuracy, method='pgd', condition='eps=1/5') < 1").reason,
                 "robust_accuracy was not measured at condition='eps=1/5'"));
  CHECK(mentions(judged(w, "mean(nonsense, method='pgd') < 1").reason, "nonsense was not measured of method='pgd'"));
  CHECK(mentions(judged(w, "mean(accuracy").reason, "malformed: column 14"));
  CHECK(judged(w, "1 < 2").reason == "it names no metric");
}

TEST_CASE("a method without a passed certificate carries no claim; a baseline needs none") {
  const World w = attack_world();
  const auto judge = [&](const std::string& text) { return claims::judge(w.db, w.plan.protocol_hash, {claim_of(text)}).at(0); };
  CHECK(mentions(judge("mean(robust_accuracy, method='pgd') < 1").reason, "(no certificate)"));
  CHECK(judge("mean(robust_accuracy, method='noise') < 1").outcome == Outcome::reproduced);
}

TEST_CASE("a precondition that fails makes a claim void, one that is open leaves it open") {
  const World w = predict_world({{"a", {180, 181, 182}}, {"b", {150, 152, 151}}, {"c", {179, 181, 182}}});
  const std::string claim = "mean(accuracy, method='a') > mean(accuracy, method='b')";
  CHECK(judged(w, claim, "", "mean(accuracy, method='b') > 0.5").outcome == Outcome::reproduced);
  const Verdict failed = judged(w, claim, "", "mean(accuracy, method='b') > 0.99");
  CHECK(failed.outcome == Outcome::nothing);
  CHECK(failed.reason == "its precondition does not hold: mean(accuracy, method='b') > 0.99");
  const Verdict open = judged(w, claim, "", "mean(accuracy, method='a') > mean(accuracy, method='c')");
  CHECK(open.outcome == Outcome::inconclusive);
  CHECK(mentions(open.reason, "its precondition is undecided"));
}

TEST_CASE("all over seeds: each seed by itself; without per-sample outcomes the range of seeds says how sure") {
  const World w = predict_world({{"a", {180, 181, 182}}, {"b", {150, 152, 151}}, {"c", {190, 170, 190}}});
  const Verdict samples_only = judged(w, "all(seed, mean(accuracy, method='a') > mean(accuracy, method='b'))");
  CHECK(samples_only.outcome == Outcome::reproduced);
  CHECK(samples_only.interval->over == "samples");
  CHECK(samples_only.comparisons == 3);
  CHECK(*samples_only.effect == doctest::Approx(29 / 200.0));  // the least sure of 30, 29 and 31
  CHECK(judged(w, "all(seed, mean(accuracy, method='a') < mean(accuracy, method='c'))").outcome == Outcome::not_reproduced);
  CHECK(judged(w, "any(seed, mean(accuracy, method='c') < mean(accuracy, method='b'))").outcome == Outcome::not_reproduced);

  const Verdict exact = judged(w, "all(seed, mean(nll, method='a') < mean(nll, method='b'))");
  CHECK(exact.outcome == Outcome::reproduced);
  CHECK(exact.test == "each seed by itself, no resampling");
  CHECK(exact.interval->over == "seeds");
  CHECK(exact.interval->level == doctest::Approx(0.75));  // 1 - 2^(1 - 3)
  CHECK(exact.interval->lo == doctest::Approx(-0.155));
  CHECK(exact.interval->hi == doctest::Approx(-0.145));
  // One side with per-sample outcomes and one without: samples are not resampled.
  const Verdict mixed = judged(w, "all(seed, mean(accuracy, method='a') + mean(nll, method='a') > 1.99)");
  CHECK(mixed.interval->over == "seeds");
}

TEST_CASE("over seeds alone: Student, permutation and signed ranks; the last two need six seeds to decide at 5 %") {
  const World few = predict_world({{"a", {180, 181, 182}}, {"b", {150, 152, 151}}});
  const std::string text = "mean(accuracy, method='a') > mean(accuracy, method='b')";
  const Verdict student = judged(few, text, "student");
  CHECK(student.outcome == Outcome::reproduced);
  CHECK(student.interval->over == "seeds");
  // Student by hand: differences 30, 29, 31 of 200; t(0.975, 2) = 4.302652729911275 (scipy)
  CHECK(student.interval->hi - student.interval->lo == doctest::Approx(2 * 4.302652729911275 * 1 / std::sqrt(3.0) / 200));
  for (const char* test : {"permutation", "wilcoxon"}) {
    const Verdict v = judged(few, text, test);
    CHECK(v.outcome == Outcome::inconclusive);
    CHECK(*v.p == doctest::Approx(0.25));
    CHECK(v.more_seeds == 3);
  }
  const World more = predict_world({{"a", {180, 181, 182, 183, 184, 185}}, {"b", {150, 152, 151, 150, 152, 150}}});
  for (const char* test : {"permutation", "wilcoxon"}) CHECK(judged(more, text, test).outcome == Outcome::reproduced);
  CHECK(judged(few, "all(seed, mean(accuracy, method='a') > 0)", "student").outcome == Outcome::nothing);
}

TEST_CASE("joined statements: all must hold, one contradicts at a corrected level") {
  const World w = predict_world({{"a", {180, 181, 182}}, {"b", {150, 152, 151}}, {"c", {179, 181, 182}}});
  const std::string sure = "mean(accuracy, method='a') > mean(accuracy, method='b')";
  const std::string open = "mean(accuracy, method='a') > mean(accuracy, method='c')";
  const std::string wrong = "mean(accuracy, method='a') < mean(accuracy, method='b')";
  const auto outcome = [&](const std::string& text) { return judged(w, text).outcome; };
  CHECK(outcome(sure + " and " + sure) == Outcome::reproduced);
  CHECK(outcome(sure + " and " + open) == Outcome::inconclusive);
  CHECK(outcome(wrong + " and " + open) == Outcome::not_reproduced);
  CHECK(outcome(sure + " or " + open) == Outcome::reproduced);
  CHECK(outcome(wrong + " or " + open) == Outcome::inconclusive);
  CHECK(outcome(wrong + " or " + wrong) == Outcome::not_reproduced);
  CHECK(outcome("not (" + wrong + ")") == Outcome::reproduced);
  CHECK(outcome("not (" + open + ")") == Outcome::inconclusive);
}

TEST_CASE("a rank metric is resampled on both of its samples; different samples are not paired [rule 45]") {
  const World w = detect_world();
  const Verdict v = judged(w, "mean(auroc, method='mahalanobis') > mean(auroc, method='msp')");
  CHECK(v.outcome == Outcome::reproduced);
  CHECK(v.samples == 2 * static_cast<std::int64_t>(samples));
  World other(synthetic::make_plan("predict", "accuracy", "test"));
  for (std::int64_t s = 0; s < 3; ++s)
    for (const char* method : {"a", "b"}) {
      Column correct = column("correct", "test", flags(method[0] == 'a' ? 180 : 120, 7));
      for (auto& id : correct.ids) id += method[0];
      other.ok(other.add({method, s}), {column_event(correct), score("accuracy", "test", method[0] == 'a' ? 0.9 : 0.6)});
    }
  other.import();
  const std::string text = "mean(accuracy, method='a') > mean(accuracy, method='b')";
  CHECK(mentions(judged(other, text, "paired-bootstrap").reason, "(rule 45)"));
  CHECK(judged(other, text).test == "bootstrap over samples");
}

TEST_CASE("numbers of a plugin's own are marked, times under shared load carry nothing [rule 41]") {
  World w(synthetic::make_plan("predict", "accuracy", "test"));
  for (std::int64_t s = 0; s < 3; ++s)
    w.ok(w.add({"own", s}),
         {{Json::object({{"type", "score"}, {"quantity", "accuracy"}, {"condition", "test"}, {"value", 0.9}, {"grade", "reported"}}), {}},
          {Json::object({{"type", "score"}, {"quantity", "latency"}, {"condition", "test"}, {"value", 0.5}, {"grade", "host-measured"},
                         {"shared", true}}), {}}});
  w.import();
  CHECK(judged(w, "mean(accuracy) > 0.5").notes.at(0) == "accuracy @ test (reported): reported by the plugin, not judged");
  CHECK(mentions(judged(w, "mean(latency) < 1").reason, "shared load (rule 41)"));
}

TEST_CASE("p is corrected over all claims that are shown together [rule 50]") {
  const World w = predict_world({{"a", {180, 181, 182}}, {"b", {150, 152, 151}}, {"c", {179, 181, 182}}});
  claims::Options options;
  options.require_certificate = false;
  const auto all = claims::judge(w.db, w.plan.protocol_hash,
                                 {claim_of("mean(accuracy, method='a') > mean(accuracy, method='b')"), claim_of("mean(accuracy, method='x') > 0"),
                                  claim_of("mean(accuracy, method='a') > mean(accuracy, method='c')")},
                                 options);
  CHECK(*all[0].p_holm == doctest::Approx(2 * *all[0].p));
  CHECK_FALSE(all[1].p_holm);
  CHECK(*all[2].p_holm == doctest::Approx(std::max(*all[2].p, 2 * *all[0].p)));
}

TEST_CASE("the store keeps precondition, level and power; a suite that was never run is void") {
  World w(synthetic::make_plan("predict", "accuracy", "test"));
  w.plan.claims = {claim_of("mean(accuracy) > 0.5", "student", "mean(accuracy) > 0.1")};
  w.plan.claims[0].level = 0.9;
  w.plan.claims[0].power = 0.95;
  w.import();
  const auto stored = w.db.claims(w.plan.suite);
  REQUIRE(stored.size() == 1);
  CHECK(stored[0].to_json() == w.plan.claims[0].to_json());
  const auto none = claims::never_run("s", stored);
  CHECK(none.at(0).outcome == Outcome::nothing);
  CHECK(none.at(0).reason == "the suite was not run into this database");
}

TEST_CASE("verdicts are deterministic, and their formats hold them whole") {
  const World w = predict_world({{"a", {180, 181, 182}}, {"b", {150, 152, 151}}});
  Claim claim = claim_of("mean(accuracy, method='a') > mean(accuracy, method='b')");
  claim.says = "a | b";
  claim.gate = false;
  const Verdict v = judged(w, claim), again = judged(w, claim);
  CHECK(claims::to_json(v) == claims::to_json(again));
  const Json json = Json::parse(claims::format({v}, claims::Format::json), "claims");
  CHECK(json.at(0).at("verdict").as_string() == "reproduced");
  CHECK(json.at(0).at("effect").as_real() == *v.effect);
  CHECK(mentions(claims::format({v}, claims::Format::markdown), "`c`: a \\| b (reported only) | reproduced |"));
  const std::string text = claims::format({v}, claims::Format::table);
  CHECK(mentions(text, "reproduced      c (reported only)"));
  CHECK(mentions(text, "over samples and seeds, n = 3 and 200"));
  CHECK(mentions(text, "1 claim: 1 reproduced"));
  CHECK_THROWS_WITH(claims::parse_format("jsno"), "unknown format 'jsno'; did you mean 'json'?");
}
