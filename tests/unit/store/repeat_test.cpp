// Second runs in the record: kept in order, and a different one makes the attempt SUSPECT.
#include <doctest/doctest.h>

#include "results/store/store.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;

TEST_CASE("repetitions are kept, and one that differs makes the attempt suspect once [rule 7]") {
  Bench bench;
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.nodes = {make_cell({"pgd", 0})};
  Store db = Store::open(bench.path() / "assay.db");
  const Finished finished = bench.ok(plan.nodes[0], {column_event(column("robust", "eps=1/10", {1, 0, 1, 0})),
                                                     score("robust_accuracy", "eps=1/10", 0.5, 4), verdict("SUSPECT", 19, "zero gradients")});
  const std::int64_t attempt = db.import(plan, finished).attempt;
  const auto standing = [&] { return *db.find(plan.nodes[0].key)->standing; };
  CHECK(db.repeats(attempt).empty());

  db.add_repeat(attempt, {"identical", "identical: all", "m-1", "b-1", "n1", 1, 4, 1, Json()});
  CHECK(standing().verdicts.size() == 1);
  const Json deviations = Json(Json::Array{Json::object({{"quantity", "robust"}})});
  for (int i = 0; i < 2; ++i) db.add_repeat(attempt, {"different", "different: robust", "m-1", "b-1", "n1", 1, 4, 1, deviations});

  const auto repeats = db.repeats(attempt);
  REQUIRE(repeats.size() == 3);
  CHECK((repeats[0].verdict == "identical" && repeats[0].deviations.size() == 0 && repeats[0].units == 4));
  CHECK((repeats[2].verdict == "different" && repeats[2].deviations == deviations));
  REQUIRE(standing().verdicts.size() == 2);
  CHECK(standing().verdicts[1].rule == 7);
  CHECK(standing().verdicts[1].reason == "run again, the same cell gave other outcomes: different: robust");
  CHECK(standing().level == Level::suspect);
  CHECK(db.problems().empty());
  CHECK(message_of([&] { db.add_repeat(99, {"identical", "", "", "", "", 0, 0, 0, Json()}); }) == "repeat: no attempt with id 99");
  CHECK(message_of([&] { db.add_repeat(attempt, {"perhaps", "", "", "", "", 0, 0, 0, Json()}); }) != "");
}

TEST_CASE("a cell knows the suites that planned it, the latest first") {
  Bench bench;
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.nodes = {make_cell({"pgd", 0})};
  Store db = Store::open(bench.path() / "assay.db");
  db.record_plan(plan);
  plan.suite = "another";
  plan.file = "elsewhere/another.toml";
  db.record_plan(plan);
  const auto planned = db.planned_in(db.find(plan.nodes[0].key)->id);
  REQUIRE(planned.size() == 2);
  CHECK((planned[0].suite == "another" && planned[0].file == "elsewhere/another.toml"));
  CHECK((planned[1].suite == "attack-demo" && planned[1].protocol == plan.protocol_hash));
}
