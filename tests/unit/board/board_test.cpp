// Boards against numbers computed by hand and against the SQL view; who is ranked and who is not.
#include <doctest/doctest.h>

#include <algorithm>

#include "boards.hpp"
#include "results/board/groups.hpp"

using namespace assay;
using namespace assay::board;
using namespace boards;

namespace {

std::size_t metric_at(const Board& board, const std::string& quantity, const std::string& condition) {
  for (std::size_t i = 0; i < board.metrics.size(); ++i)
    if (board.metrics[i].quantity == quantity && board.metrics[i].condition == condition) return i;
  FAIL("no metric " << quantity << " @ " << condition);
  return 0;
}

bool noted(const Row& row, const std::string& text) {
  return std::any_of(row.notes.begin(), row.notes.end(), [&](const auto& n) { return n.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("means, ratios and coverage equal numbers computed by hand [rule 2] [rule 25]") {
  const World w = attack_world();
  const Board b = w.board();
  REQUIRE(b.metrics[0].title() == "robust_accuracy @ eps=1/10");
  // fgsm by hand: robust only where also correct without attack
  double expected = 0, successes = 0;
  for (std::uint64_t s = 0; s < 3; ++s) {
    const auto clean = flags(180, 1000 + s), robust = flags(80, 20 + s);
    double standing = 0;
    for (std::size_t i = 0; i < samples; ++i) standing += clean[i] * robust[i];
    expected += standing / samples / 3;
    successes += 180 - standing;
  }
  const Row& fgsm = row_of(b, "fgsm");
  CHECK(*fgsm.values[0].mean == doctest::Approx(expected).epsilon(1e-12));
  CHECK(fgsm.values[0].per_seed.size() == 3);
  const Value& rate = fgsm.values[metric_at(b, "attack_success_rate", "eps=1/10")];
  CHECK(*rate.numerator == successes);
  CHECK(*rate.denominator == 540);
  CHECK(fgsm.coverage.str() == "3 of 3");
  CHECK(fgsm.cost.cpu_seconds == doctest::Approx(1.5));
  CHECK(fgsm.cost.forward == doctest::Approx(400));
  CHECK(fgsm.cost.backward == doctest::Approx(200));
  CHECK(fgsm.cost.macs == doctest::Approx(123456789.0));
  const Row& flaky = row_of(b, "flaky");
  CHECK(flaky.coverage.str() == "2 of 3");
  CHECK(flaky.status == "1 of 3 oom");
  CHECK(flaky.unranked_because == "coverage 2 of 3 is below the declared minimum");
}

TEST_CASE("every number of the board is the number of the SQL view") {
  for (const World* world : {new World(attack_world()), new World(detect_world()), new World(compress_world())}) {
    const std::unique_ptr<const World> w(world);
    const Board b = w->board();
    const auto view = w->db.leaderboard(w->plan.protocol_hash);
    std::size_t numbers = 0;
    for (const Row& row : b.rows)
      for (std::size_t i = 0; i < b.metrics.size(); ++i) numbers += row.values[i].mean.has_value();
    CHECK(numbers == view.size());
    for (const auto& line : view) {
      const auto at = std::find_if(b.rows.begin(), b.rows.end(), [&](const Row& r) {
        return r.method == line.method && r.params.dump() == line.params && r.axes.dump() == line.axes && r.subject == line.subject;
      });
      REQUIRE(at != b.rows.end());
      const Value& value = at->values[metric_at(b, line.quantity, line.condition)];
      CHECK(*value.mean == doctest::Approx(line.mean).epsilon(1e-14));
      CHECK(static_cast<std::int64_t>(value.per_seed.size()) == line.seeds);
      CHECK(at->coverage.done == line.done);
      CHECK(at->coverage.planned == line.planned);
      CHECK(store::level_name(at->level) == line.level);
    }
  }
}

TEST_CASE("ranks: strong attacks share a range, weak ones come after, others say why not [rule 3] [rule 4] [rule 5]") {
  const World w = attack_world();
  const Board b = w.board();
  const Row &pgd = row_of(b, "pgd"), &mi = row_of(b, "mi-fgsm"), &fgsm = row_of(b, "fgsm");
  REQUIRE(pgd.rank);
  CHECK(pgd.rank->lo == 1);
  CHECK(pgd.rank->hi == 2);
  CHECK(mi.rank->lo == 1);
  CHECK(mi.rank->hi == 2);
  CHECK(fgsm.rank->lo == 3);
  CHECK(fgsm.rank->hi == 3);
  CHECK(b.rows[0].ranked);
  CHECK(*b.rows[0].values[0].mean <= *b.rows[1].values[0].mean);  // an attack is better for leaving less

  CHECK(row_of(b, "noise").unranked_because == "baseline");
  CHECK_FALSE(row_of(b, "noise").rank);
  const Row& lonely = row_of(b, "lonely");  // the strongest of all, on one seed
  CHECK(lonely.single_run);
  CHECK(lonely.unranked_because == "single run");
  CHECK_FALSE(lonely.rank);
  const Row& masked = row_of(b, "masked");
  CHECK(masked.level == store::Level::suspect);
  CHECK(masked.unranked_because == "SUSPECT");
  CHECK(masked.values[0].mean);
  CHECK(masked.reasons == std::vector<std::string>{"SUSPECT (rule 19): 3 % of samples have a zero gradient"});
  const Row& cheat = row_of(b, "cheat");
  CHECK(cheat.level == store::Level::invalid);
  CHECK_FALSE(cheat.values[0].mean);
  CHECK(cheat.status == "3 of 3 rejected");
  const Row& crashing = row_of(b, "crashing");
  CHECK(crashing.unranked_because == "3 of 3 crashed");
  CHECK(crashing.reasons == std::vector<std::string>{"crashed: signal 11 (segmentation fault)"});
}

TEST_CASE("intervals say over what they are [rule 6]") {
  const World w = attack_world();
  const Board b = w.board();
  const Row& fgsm = row_of(b, "fgsm");
  REQUIRE(fgsm.values[0].interval);
  CHECK(fgsm.values[0].interval->over == "samples");
  CHECK(fgsm.values[0].interval->n == static_cast<std::int64_t>(samples));
  CHECK(fgsm.values[0].interval->lo < *fgsm.values[0].mean);
  CHECK(fgsm.values[0].interval->hi > *fgsm.values[0].mean);
  const Value& no_columns = fgsm.values[metric_at(b, "robust_accuracy", "eps=1/20")];
  CHECK(no_columns.interval->over == "seeds");
  CHECK(no_columns.interval->n == 3);
}

TEST_CASE("a failed cell enters the ranking only by the suite's declared rule [rule 3]") {
  World w = attack_world();
  SUBCASE("worst") {
    w.plan.on_failure = "worst";
    w.db.record_plan(w.plan);
    const Board b = w.board();
    const Row& flaky = row_of(b, "flaky");
    CHECK(flaky.ranked);
    CHECK(noted(flaky, "1 failed cell counted as the worst value"));
    // two cells of about 0.18 and one counted as 1 (an attack that breaks nothing): behind fgsm's 0.36, but with seeds
    // that scatter so widely it is told apart from none
    CHECK(b.rows[2].method == "fgsm");
    CHECK(b.rows[3].method == "flaky");
    CHECK(flaky.rank->lo == 1);
    CHECK(flaky.rank->hi == 5);
    const Row& crashing = row_of(b, "crashing");
    CHECK(b.rows[4].method == "crashing");
    CHECK(crashing.rank->lo == 4);
    CHECK(crashing.rank->hi == 5);
    CHECK_FALSE(crashing.values[0].mean);
  }
  SUBCASE("baseline") {
    w.plan.on_failure = "baseline";
    w.db.record_plan(w.plan);
    CHECK(noted(row_of(w.board(), "flaky"), "counted as the baseline"));
  }
  SUBCASE("a lower minimum coverage") {
    w.plan.min_coverage = 0.6;
    w.db.record_plan(w.plan);
    CHECK(row_of(w.board(), "flaky").unranked_because == "single run");  // two seeds are fewer than three (rule 5)
  }
}

TEST_CASE("a method counts only after its certificate, baselines are exempt") {
  World w = attack_world();
  Query query;
  query.protocol = w.plan.protocol_hash;
  query.resamples = 200;
  CHECK(row_of(make_board(w.db, query), "pgd").unranked_because == "no certificate");
  const auto certify = [&](const std::string& method, double value) {
    Node node = make_cell({method, 0});
    node.kind = NodeKind::certify;
    node.key = sha256("certify " + method);
    Stage stage;
    stage.stage = "certify";
    stage.plugin = true;
    stage.spec = Json::object({{"role", "attack"}, {"checks", Json::Array{"planted-adversarial"}}});
    node.stages = {stage};
    w.plan.nodes.push_back(node);
    w.db.record_plan(w.plan);
    Finished f = w.bench.failed(w.plan.nodes.back(), "ok", "");
    f.stages.clear();
    w.bench.add_stage(f, "certify", "ok",
                      {{Json::object({{"type", "trace"}, {"name", "planted-adversarial"}, {"step", 0}, {"value", value}}), {}}});
    w.db.import(w.plan, f);
  };
  certify("pgd", 1);
  certify("fgsm", 0);
  const Board b = make_board(w.db, query);
  CHECK(row_of(b, "pgd").ranked);
  CHECK(row_of(b, "fgsm").unranked_because == "certificate failed: planted-adversarial");
  CHECK(row_of(b, "noise").unranked_because == "baseline");
}

TEST_CASE("in-distribution accuracy stands beside every OOD score, outlier use is a column [rule 28] [rule 31]") {
  const World w = detect_world();
  const Board b = w.board();
  CHECK(b.metrics[0].title() == "auroc @ far:mnist");
  CHECK(b.metrics[1].title() == "accuracy @ id");
  CHECK(b.metrics[2].title() == "auroc @ near:kmnist");  // near and far are columns of their own
  CHECK(b.rows[0].method == "mahalanobis");
  CHECK(b.rows[0].rank->hi == 1);
  CHECK(b.rows[0].uses_outliers);
  CHECK(row_of(b, "msp").rank->lo == 2);
  CHECK(b.rows[0].values[0].interval->n == 2 * static_cast<std::int64_t>(samples));
  const World bare = detect_world(false);
  CHECK(row_of(bare.board(), "msp").unranked_because == "in-distribution accuracy of the same model is missing (rule 31)");
  CHECK(w.board("fpr_at_95").rows[0].method == "mahalanobis");  // lower is better
}

TEST_CASE("calibration error needs a proper score beside it [rule 34]") {
  World w(synthetic::make_plan("predict", "accuracy", "test"));
  for (std::int64_t s = 0; s < 3; ++s) {
    w.ok(w.add({"bare", s}), {score("accuracy", "test", 0.9), score("ece", "test", 0.01)});
    w.ok(w.add({"proper", s}), {score("accuracy", "test", 0.9), score("ece", "test", 0.02), score("nll", "test", 0.3)});
  }
  w.import();
  const Board b = w.board();
  const std::size_t ece = metric_at(b, "ece", "test");
  CHECK_FALSE(row_of(b, "bare").values[ece].mean);
  CHECK(noted(row_of(b, "bare"), "rule 34"));
  CHECK(*row_of(b, "proper").values[ece].mean == doctest::Approx(0.02));
  CHECK(metric_at(b, "nll", "test") + 1 == ece);
  CHECK(noted(row_of(b, "bare"), "no per-sample outcomes to compare by"));
  CHECK(row_of(b, "bare").rank->hi == 2);
}

TEST_CASE("compression: both ratios or no rank, ranked at the suite's point, curves with the unpruned point [rule 35] [rule 36]") {
  const World w = compress_world();
  const Board b = w.board();
  CHECK(b.metrics[1].quantity == "compression_ratio");
  CHECK(b.metrics[2].quantity == "theoretical_speedup");
  CHECK(b.rows[0].method == "magnitude");
  CHECK(b.rows[0].axes.at("ratio").as_string() == "8");
  CHECK(b.rows[0].rank->hi == 1);
  CHECK(b.rows[1].method == "random");
  CHECK(b.rows[1].rank->lo == 2);
  CHECK(b.rows[2].method == "unpruned");
  CHECK(b.rows[3].unranked_because == "ranked elsewhere on the axes");

  Query query;
  query.protocol = w.plan.protocol_hash;
  query.resamples = 200;
  const auto curves = make_curves(w.db, query);
  REQUIRE(curves);
  CHECK(curves->axis == "ratio");
  REQUIRE(curves->curves.size() == 3);
  CHECK(curves->curves[0].method == "magnitude");
  REQUIRE(curves->curves[0].points.size() == 6);
  CHECK(curves->curves[0].points[4].label == "16");
  CHECK(*curves->curves[0].points[1].mean == doctest::Approx(0.9));
  CHECK_FALSE(curves->curves[0].points[0].mean);
  CHECK(curves->curves[2].baseline);
  CHECK(*curves->curves[2].points[0].mean == doctest::Approx(0.92));
  CHECK(curves->notes.empty());
  CHECK_FALSE(make_curves(attack_world().db, {attack_world().plan.protocol_hash, "", "", 0.95, 100, false}));

  World half(synthetic::make_plan("compress", "accuracy", "test"));
  for (std::int64_t s = 0; s < 3; ++s)
    half.ok(half.add({"prune", s}), {score("accuracy", "test", 0.9), score("compression_ratio", "", 2)});
  half.import();
  CHECK(half.board().rows[0].unranked_because == "compression ratio and theoretical speed-up must both be reported (rule 35)");
}

TEST_CASE("subjects rank by the per-sample worst case over all attacks, misclassified samples count as not robust [rule 14]") {
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.rank = "subject";
  World w(plan);
  for (std::uint64_t s = 0; s < 3; ++s) {
    const auto seed = static_cast<std::int64_t>(s);
    const Json none{Json::Object{}};
    // strong: half of the samples fall to a, another tenth to b; weak: everything but a twentieth falls
    std::vector<double> correct(samples, 1), a(samples, 1), b(samples, 1), c(samples, 0);
    for (std::size_t i = 0; i < 100; ++i) a[i] = 0;
    for (std::size_t i = 90; i < 120; ++i) b[i] = 0;
    correct[150] = 0;
    for (std::size_t i = 0; i < 10; ++i) c[i] = 1;
    const auto raw = [&](const std::vector<double>& robust) {  // without the judge's own mask: the board must mask
      return std::vector<Event>{column_event(column("correct", "clean", correct)), column_event(column("robust", "eps=1/10", robust)),
                                score("robust_accuracy", "eps=1/10", share(robust))};
    };
    w.ok(w.add({"a", seed, false, none, none, "strong"}), raw(a));
    w.ok(w.add({"b", seed, false, none, none, "strong"}), raw(b));
    w.ok(w.add({"a", seed, false, none, none, "weak"}), raw(c));
    w.ok(w.add({"b", seed, false, none, none, "weak"}), raw(std::vector<double>(samples, 1)));
  }
  w.import();
  const Board b = w.board();
  CHECK(b.rank == "subject");
  REQUIRE(b.rows.size() == 2);
  CHECK(b.rows[0].subject == "strong");
  CHECK(*b.rows[0].values[0].mean == doctest::Approx(79.0 / 200));  // 120 fell, one more was wrong to begin with
  CHECK(*b.rows[0].values[1].mean == doctest::Approx(199.0 / 200));
  CHECK(*b.rows[1].values[0].mean == doctest::Approx(10.0 / 200));
  CHECK(b.rows[0].rank->hi == 1);
  CHECK(b.rows[1].rank->lo == 2);
  CHECK(b.rows[0].method == "worst of 2 attacks");
  CHECK(b.rows[0].coverage.str() == "6 of 6");
}

TEST_CASE("subjects whose chains stopped early are compared on the samples that all were judged on [rule 14] [rule 45]") {
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.rank = "subject";
  World w(plan);
  const Json none{Json::Object{}};
  const auto judged = [&](std::size_t n, std::size_t robust) {
    std::vector<double> flags(n, 0);
    for (std::size_t i = 0; i < robust; ++i) flags[i] = 1;
    return std::vector<Event>{column_event(column("correct", "clean", std::vector<double>(n, 1))),
                              column_event(column("robust", "eps=1/10", flags)), score("robust_accuracy", "eps=1/10", share(flags))};
  };
  for (std::int64_t seed = 0; seed < 3; ++seed) {
    w.ok(w.add({"noise", seed, false, none, none, "one"}), judged(samples, samples));
    w.ok(w.add({"chain", seed, false, none, none, "one"}), judged(seed == 1 ? 50 : 100, 30));
    w.ok(w.add({"noise", seed, false, none, none, "two"}), judged(samples, samples));
    w.ok(w.add({"chain", seed, false, none, none, "two"}), judged(samples, 45));
  }
  w.import();
  const Board b = w.board();
  REQUIRE(b.rows.size() == 2);
  CHECK(b.rows[0].subject == "two");
  CHECK(*b.rows[0].values[0].mean == doctest::Approx(45.0 / 50));
  CHECK(*b.rows[1].values[0].mean == doctest::Approx(30.0 / 50));
  CHECK(*b.rows[1].values[1].mean == doctest::Approx(1));
  CHECK(b.rows[0].values[0].interval->n == 50);
  CHECK(b.rows[1].values[0].interval->n == 50);
}

TEST_CASE("a board is a query on one protocol, and reported numbers never rank [rule 1] [rule 13]") {
  World w(synthetic::make_plan("predict", "accuracy", "test"));
  for (std::int64_t s = 0; s < 3; ++s)
    w.ok(w.add({"own", s}), {{Json::object({{"type", "score"}, {"quantity", "accuracy"}, {"condition", "test"}, {"value", 1.0},
                                           {"grade", "reported"}}), {}}});
  w.import();
  const Board b = w.board();
  CHECK(b.rows[0].unranked_because == "the ranked metric is reported by the plugin");
  CHECK(b.metrics[0].title() == "accuracy @ test (reported)");
  Query wrong;
  wrong.protocol = "ffff";
  CHECK(message_of([&] { make_board(w.db, wrong); }).find("no protocol's hash starts with") == 0);
  wrong.protocol = w.plan.protocol_hash;
  wrong.by = "acuracy";
  CHECK(message_of([&] { make_board(w.db, wrong); }).find("did you mean 'accuracy'") != std::string::npos);
}

TEST_CASE("a time taken beside other work is marked and never ranked [rule 41]") {
  World w(synthetic::make_plan("predict", "latency", "test"));
  for (const bool shared : {true, false})
    for (std::int64_t s = 0; s < 3; ++s)
      w.ok(w.add({shared ? "beside" : "alone", s}),
           {{Json::object({{"type", "score"}, {"quantity", "latency"}, {"condition", "test"}, {"value", shared ? 0.5 : 1.0},
                           {"grade", "host-measured"}, {"shared", shared}}), {}}});
  w.import();
  const Board b = w.board();
  CHECK(b.rows[0].method == "alone");
  CHECK(b.rows[0].ranked);
  CHECK(row_of(b, "beside").unranked_because == "measured under shared load (rule 41)");
  CHECK(noted(row_of(b, "beside"), "shared load"));
}

TEST_CASE("a timed stage that had the machine to itself ranks, though the rest of its cell ran beside others [rule 41]") {
  World w(synthetic::make_plan("predict", "latency", "test"));
  for (const bool told : {true, false}) {
    for (std::int64_t s = 0; s < 3; ++s) {
      Json score = Json::object({{"type", "score"}, {"quantity", "latency"}, {"condition", "test"}, {"value", 1.0}, {"grade", "host-measured"}});
      if (told) score["shared"] = false;
      w.ok(w.add({told ? "timed" : "untimed", s}), {{score, {}}});
      w.finished.back().host["shared"] = true;
    }
  }
  w.import();
  const Board b = w.board();
  CHECK(row_of(b, "timed").ranked);
  CHECK(row_of(b, "timed").cost.shared);  // its other times were
  CHECK(row_of(b, "untimed").unranked_because == "measured under shared load (rule 41)");
}

TEST_CASE("conditions order by value, not by letter") {
  CHECK(natural_less("eps=1/20", "eps=1/10"));
  CHECK(natural_less("eps=0", "eps=1/20"));
  CHECK_FALSE(natural_less("eps=1/10", "eps=1/20"));
  CHECK(natural_less("ratio=8", "ratio=16"));
  CHECK(natural_less("clean", "eps=0"));
  CHECK_FALSE(natural_less("a", "a"));
}

TEST_CASE("boards are deterministic") {
  const World w = attack_world();
  const Board a = w.board(), b = w.board();
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    CHECK(a.rows[i].method == b.rows[i].method);
    if (a.rows[i].values[0].interval) CHECK(a.rows[i].values[0].interval->lo == b.rows[i].values[0].interval->lo);
  }
}
