// Metrics again from stored outcomes: counts of a ratio, what no judge recorded, an ensemble's members, ranked by them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "boards.hpp"
#include "harness/metrics/metrics.hpp"
#include "results/board/rescore.hpp"

using namespace boards;
using namespace assay;
using assay::board::Rescored;

namespace {

const Rescored* find(const std::vector<Rescored>& rows, const std::string& quantity) {
  const auto at = std::find_if(rows.begin(), rows.end(), [&](const Rescored& r) { return r.quantity == quantity; });
  return at == rows.end() ? nullptr : &*at;
}

Event member(const std::string& name, std::vector<double> predicted) {
  Column c = column("predicted", "test", std::move(predicted));
  c.configuration = "member:" + name;
  return column_event(c);
}

// Three classes; the first member is never wrong where `faultless`.
World ensemble_world(bool faultless) {
  World w(synthetic::make_plan("predict", "accuracy", "test"));
  for (std::int64_t seed = 0; seed < 3; ++seed) {
    std::vector<double> label(samples), a(samples), b(samples), confidence(samples), correct(samples);
    const Rng rng(static_cast<std::uint64_t>(seed), "rescore-test");
    for (std::size_t i = 0; i < samples; ++i) {
      label[i] = static_cast<double>(i % 3);
      a[i] = faultless ? label[i] : static_cast<double>(rng.below(i, 3));
      b[i] = rng.uniform(1000 + i) < 0.6 ? label[i] : static_cast<double>(rng.below(2000 + i, 3));
      confidence[i] = std::round(rng.uniform(3000 + i) * 20) / 20;
      correct[i] = b[i] == label[i] ? 1 : 0;
    }
    w.ok(w.add({"vote", seed}),
         {column_event(column("label", "test", label)), column_event(column("predicted", "test", b)), member("one", a), member("two", b),
          column_event(column("confidence", "test", confidence)), column_event(column("correct", "test", correct)),
          score("accuracy", "test", share(correct)), score("aurc", "test", metrics::aurc(confidence, correct)),
          score("double_fault", "test", 0.5)});
  }
  w.import();
  return w;
}

}  // namespace

TEST_CASE("[rule 25] a ratio comes with what was counted, of how many") {
  World w(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10"));
  for (std::int64_t seed = 0; seed < 3; ++seed) w.ok(w.add({"pgd", seed}), attacked(flags(180, 1), flags(100, 2)));
  w.import();
  const auto rows = board::rescore(w.db, w.plan.protocol_hash);
  const Rescored* rate = find(rows, "attack_success_rate");
  REQUIRE(rate != nullptr);
  CHECK(*rate->denominator == 3 * 180);
  CHECK(*rate->numerator / *rate->denominator == doctest::Approx(rate->mean).epsilon(1e-12));
  const Rescored* all = find(rows, "attack_success_rate_all");
  REQUIRE(all != nullptr);
  CHECK(all->mean == doctest::Approx(*rate->numerator / (3 * static_cast<double>(samples))).epsilon(1e-12));
  CHECK_FALSE(all->recorded);
}

TEST_CASE("an ensemble's diversity comes from its members' columns, each metric once") {
  const World w = ensemble_world(false);
  const auto rows = board::rescore(w.db, w.plan.protocol_hash);
  for (const char* id : {"disagreement", "q_statistic", "double_fault", "error_correlation", "member_accuracy", "balanced_accuracy",
                         "macro_f1", "ece", "ece_equal_mass", "ece_sweep", "aurc", "eaurc", "coverage_at_risk_5", "accuracy"}) {
    CAPTURE(id);
    CHECK(std::count_if(rows.begin(), rows.end(), [&](const Rescored& r) { return r.quantity == id; }) == 1);
    REQUIRE(find(rows, id) != nullptr);
    CHECK(find(rows, id)->cells == 3);
    CHECK(find(rows, id)->configuration.empty());
  }
  CHECK(find(rows, "aurc")->agrees);
  CHECK_FALSE(find(rows, "double_fault")->agrees);  // what was recorded is wrong, and rescore says so
  CHECK(find(rows, "nll") == nullptr);              // no such column
}

TEST_CASE("a correlation of errors that is not defined is left out, not made up") {
  const World w = ensemble_world(true);
  const auto rows = board::rescore(w.db, w.plan.protocol_hash);
  CHECK(find(rows, "error_correlation") == nullptr);
  REQUIRE(find(rows, "double_fault") != nullptr);
  CHECK(find(rows, "double_fault")->mean == 0);
}

TEST_CASE("a board ranked by a statistic of several columns has an interval over samples") {
  const World w = ensemble_world(false);
  const Board b = w.board("aurc");
  REQUIRE(b.metrics[0].quantity == "aurc");
  const auto& value = b.rows[0].values[0];
  REQUIRE(value.interval);
  CHECK(value.interval->over == "samples");
  CHECK(value.interval->lo < *value.mean);
  CHECK(*value.mean < value.interval->hi);
}
