// A part of a database as a database of its own.
#include <doctest/doctest.h>

#include "results/store/store.hpp"
#include "store_text.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;

namespace {

std::vector<Event> outcomes(const std::vector<double>& robust) {
  return {column_event(column("robust", "eps=1/10", robust)), score("robust_accuracy", "eps=1/10", 0.5, 4)};
}

// A suite with a cell that failed first and stood then, one that failed, and one that never ran; and another suite.
struct TwoSuites {
  Bench bench;
  Plan plan = make_plan("attack", "robust_accuracy", "eps=1/10"), other = make_plan("detect", "auroc", "far");
  fs::path all = bench.path() / "all.db", part = bench.path() / "part.db";

  TwoSuites() {
    for (std::int64_t seed = 0; seed < 3; ++seed) plan.nodes.push_back(make_cell({"pgd", seed}));
    other.nodes.push_back(make_cell({"msp", 0}));
    plan.file = "/home/me/assay/suites/attack/demo.toml";
    Descriptor pgd;
    pgd.id = "pgd";
    pgd.version = "1.0";
    pgd.path = "/home/me/assay/plugins/pgd.so";
    pgd.sha256 = plan.nodes[0].plugin_sha256;
    Store db = Store::open(all);
    db.record_plan(plan);
    db.record_plan(other);
    db.import(plan, bench.failed(plan.nodes[0], "crashed", "signal 11"));
    Finished again = bench.ok(plan.nodes[0], outcomes({1, 0, 1, 0}));
    again.attempt = 2;
    db.import(plan, again, &pgd);
    db.import(plan, bench.failed(plan.nodes[1], "timeout", "too slow"));
    db.import(other, bench.ok(other.nodes[0], outcomes({1, 1, 1, 0})));
    db.add_claimed({plan.series, "pgd", "net", "robust_accuracy", "eps=1/10", "Table 3", 0.41});
    db.add_claimed({other.series, "msp", "net", "auroc", "far", "Table 1", 0.9});
  }
};

}  // namespace

TEST_CASE("extract: the boards of one protocol as a database of its own, without other suites and superseded attempts") {
  TwoSuites w;
  const Merged taken = Store::open(w.all).extract(w.plan.protocol_hash, w.part);
  CHECK(taken.attempts == 2);
  CHECK(taken.cells == 3);
  CHECK(taken.plans == 1);
  CHECK_FALSE(fs::exists(w.part.string() + "-wal"));
  CHECK_FALSE(fs::exists(w.part.string() + ".lock"));
  OpenOptions reading;
  reading.write = false;
  const Store part = Store::open(w.part, reading), all = Store::open(w.all, reading);
  CHECK(part.problems().empty());
  REQUIRE(part.suites().size() == 1);
  CHECK(part.suites()[0].name == "attack-demo");
  CHECK(part.claims("attack-demo").size() == 2);
  CHECK(part.claimed(w.plan.series).size() == 1);
  CHECK(part.claimed(w.other.series).empty());
  CHECK(part.suites()[0].file == "suites/attack/demo.toml");
  REQUIRE(part.cells(w.plan.protocol_hash)[0].descriptor);
  CHECK(part.cells(w.plan.protocol_hash)[0].descriptor->at("path") == Json("pgd.so"));
  CHECK(all.suites()[0].file.starts_with("/home/me/"));
  const auto here = part.cells(w.plan.protocol_hash), there = all.cells(w.plan.protocol_hash);
  REQUIRE(here.size() == there.size());
  for (std::size_t i = 0; i < here.size(); ++i) {
    CAPTURE(here[i].label);
    CHECK(here[i].standing.has_value() == there[i].standing.has_value());
    if (!here[i].standing) continue;
    CHECK(here[i].standing->status == there[i].standing->status);
    CHECK(here[i].standing->n == there[i].standing->n);
    CHECK(part.attempts(here[i].id).size() == 1);
    const auto columns = part.outcomes(here[i].standing->id), before = all.outcomes(there[i].standing->id);
    REQUIRE(columns.size() == before.size());
    for (std::size_t c = 0; c < columns.size(); ++c) CHECK(columns[c].sha256 == before[c].sha256);
  }
}

TEST_CASE("extract: merged back it changes nothing where it came from, and all of it is new elsewhere") {
  TwoSuites w;
  Store::open(w.all).extract(w.plan.protocol_hash, w.part);
  const std::string before = text_of_database(w.all);
  CHECK(Store::open(w.all).merge({w.part})[0].known == 2);
  CHECK(text_of_database(w.all) == before);
  const fs::path elsewhere = w.bench.path() / "elsewhere.db";
  CHECK(Store::open(elsewhere).merge({w.part})[0].attempts == 2);
  CHECK(Store::open(elsewhere).leaderboard(w.plan.protocol_hash).size() == Store::open(w.all).leaderboard(w.plan.protocol_hash).size());
}

TEST_CASE("extract: an unknown protocol and a file that is there are refused, and nothing is left behind") {
  TwoSuites w;
  const Store db = Store::open(w.all);
  CHECK(message_of([&] { db.extract("feed", w.part); }).find("feed") != std::string::npos);
  CHECK_FALSE(fs::exists(w.part));
  write_atomic(w.part, "mine");
  CHECK(message_of([&] { db.extract(w.plan.protocol_hash, w.part); }).find("is there already") != std::string::npos);
  CHECK(read_text(w.part) == "mine");
}
