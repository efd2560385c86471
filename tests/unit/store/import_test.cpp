// Importing shards: round trip, idempotency, refusals, forged outcomes, attempts that do not hide each other.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <functional>

#include "results/store/store.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;

namespace {

struct World {
  Bench bench;
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  Store db = Store::open(bench.path() / "assay.db");

  World() {
    for (std::int64_t seed = 0; seed < 3; ++seed) plan.nodes.push_back(make_cell({"pgd", seed}));
  }
  const Node& node(std::size_t i = 0) const { return plan.nodes[i]; }
};

std::vector<Event> attack_outcomes(const std::vector<double>& robust = {1, 0, 1, 0}) {
  return {column_event(column("correct", "clean", {1, 1, 1, 0})), column_event(column("robust", "eps=1/10", robust)),
          score("accuracy", "clean", 0.75, 4), score("robust_accuracy", "eps=1/10", 0.5, 4),
          score("attack_success_rate", "eps=1/10", 1.0 / 3, 4,
                Json::object({{"numerator", 1}, {"denominator", 3}, {"mode", "untargeted"}}))};
}

}  // namespace

TEST_CASE("an attack cell comes back as it was imported") {
  World w;
  Finished f = w.bench.ok(w.node(), attack_outcomes(),
                          {{Json::object({{"type", "trace"}, {"name", "loss"}, {"step", 1}, {"value", 0.5}}), {}},
                           {Json::object({{"type", "trace"}, {"name", "loss"}, {"step", 2}, {"value", 0.25}}), {}},
                           {Json::object({{"type", "phase"}, {"name", "attack"}, {"wall", 1.0}, {"cpu", 0.9}}), {}}});
  f.artifact.files = {{"model.safetensors", sha256("bytes"), 5}};
  Descriptor descriptor;
  descriptor.id = "pgd";
  descriptor.iterative = true;
  const Imported imported = w.db.import(w.plan, f, &descriptor);
  CHECK(imported.added);
  CHECK(imported.n == 1);
  CHECK(imported.status == "ok");
  CHECK(imported.level == Level::valid);

  const auto cells = w.db.cells(w.plan.protocol_hash);
  REQUIRE(cells.size() == 3);
  const CellRecord& cell = cells[0];
  CHECK(cell.generation == w.node().key);
  CHECK(cell.seeds.get("method") == 0);
  CHECK(cell.plugin_digest == w.node().plugin_sha256);
  REQUIRE(cell.descriptor);
  CHECK(Descriptor::from_json(*cell.descriptor).iterative);
  REQUIRE(cell.standing.has_value());
  const AttemptRecord& a = *cell.standing;
  CHECK(a.forward == 400);
  CHECK(a.macs == 123456789);
  CHECK(a.cpu_seconds == 1.5);  // the judge's time is not the method's cost
  CHECK(a.machine == "m-0123");
  CHECK(a.data_hash.size() == 64);
  CHECK(a.model_hash.size() == 64);
  REQUIRE(a.scores.size() == 3);
  CHECK(a.scores[1].quantity == "attack_success_rate");
  CHECK(a.scores[1].extra.at("denominator").as_int() == 3);
  CHECK(a.scores[1].extra.at("mode").as_string() == "untargeted");

  const auto columns = w.db.outcomes(a.id, "robust");
  REQUIRE(columns.size() == 1);
  CHECK(columns[0].values == std::vector<double>{1, 0, 1, 0});
  CHECK(columns[0].ids == std::vector<std::int64_t>{1000, 1007, 1014, 1021});
  CHECK(columns[0].unit == "sample");
  CHECK(w.db.outcomes(a.id).size() == 2);
  const auto traces = w.db.traces(a.id);
  REQUIRE(traces.size() == 2);
  CHECK(traces[1].value == 0.25);
  CHECK(traces[1].grade == "reported");  // a plugin's stage wrote it
  const auto artifacts = w.db.artifacts(a.id);
  REQUIRE(artifacts.size() == 4);
  CHECK(artifacts[0].made);
  CHECK(artifacts[0].bytes == 5);
  const auto log = w.db.log(w.node().key.substr(0, 10));
  REQUIRE(log.size() == 2);
  CHECK(log[0].phases.at(0).at("name").as_string() == "attack");
  CHECK(w.db.show(w.node().key.substr(0, 10)).identity == w.node().identity);
  REQUIRE(w.db.find(w.node().key));
  CHECK(w.db.find(w.node().key)->label == w.node().label);
  CHECK_FALSE(w.db.find(w.node().key.substr(0, 10)));  // only a whole hash
  CHECK(w.db.claims("attack-demo").size() == 2);
  CHECK_FALSE(w.db.claims("attack-demo")[1].gate);
}

TEST_CASE("detect, predict and compress cells keep their columns, extreme ids and values included") {
  for (const std::string task : {"detect", "predict", "compress"}) {
    CAPTURE(task);
    Bench bench;
    Plan plan = synthetic::make_plan(task, "auroc", "far");
    plan.nodes.push_back(make_cell({"method", 0, false, Json::object({{"k", 3}}), Json::object({{"ratio", "8"}})}));
    Store db = Store::open(bench.path() / "a.db");
    Column c{"score", "far:mnist", "", "sample", "judged", {INT64_MIN, 5, INT64_MAX, -3}, {-0.0, 1e-308, INFINITY, -1e300}};
    Column empty{"score", "near:none", "", "sample", "judged", {}, {}};
    db.import(plan, bench.ok(plan.nodes[0], {column_event(c), column_event(empty), score("auroc", "far:mnist", 0.9)}));
    const auto got = db.outcomes(db.cells(plan.protocol_hash)[0].standing->id);
    REQUIRE(got.size() == 2);
    CHECK(got[0].ids == std::vector<std::int64_t>{INT64_MIN, -3, 5, INT64_MAX});  // stored in id order
    CHECK(std::signbit(got[0].values[0]));
    CHECK(got[0].values[1] == -1e300);
    CHECK(got[0].values[3] == INFINITY);
    CHECK(got[1].values.empty());
  }
}

TEST_CASE("importing the same shards twice changes nothing") {
  World w;
  const Finished f = w.bench.ok(w.node(), attack_outcomes());
  const Imported first = w.db.import(w.plan, f);
  const Imported second = w.db.import(w.plan, f);
  CHECK(first.added);
  CHECK_FALSE(second.added);
  CHECK(second.attempt == first.attempt);
  CHECK(w.db.attempts(w.db.cells(w.plan.protocol_hash)[0].id).size() == 1);
}

TEST_CASE("equal outcomes of another run are a further attempt, different ones are refused with both shown [rule 7]") {
  World w;
  w.db.import(w.plan, w.bench.ok(w.node(), attack_outcomes()));
  std::vector<Event> extra = {{Json::object({{"type", "trace"}, {"name", "loss"}, {"step", 1}, {"value", 9.0}}), {}}};
  CHECK(w.db.import(w.plan, w.bench.ok(w.node(), attack_outcomes(), extra)).n == 2);
  const Finished other = w.bench.ok(w.node(), attack_outcomes({1, 1, 1, 0}));
  const std::string message = message_of([&] { w.db.import(w.plan, other); });
  CHECK(message.find("attempt 3 disagrees with attempt 2") != std::string::npos);
  CHECK(message.find("robust @ eps=1/10 of sample 1007: was 0.0, is 1.0") != std::string::npos);
  CHECK(w.db.attempts(w.db.cells(w.plan.protocol_hash)[0].id).size() == 2);

  SUBCASE("another numerics class is a replicate") {
    Node replicate = w.node();
    replicate.numerics.isa = "avx512_core";
    Finished g = w.bench.ok(replicate, attack_outcomes({1, 1, 1, 0}));
    CHECK(w.db.import(w.plan, g).added);
    // ... and does not stand for the cell, whose own class has a record
    CHECK(w.db.cells(w.plan.protocol_hash)[0].standing->n == 2);
  }
  SUBCASE("a clock-bounded plugin is exempt") {
    Descriptor descriptor;
    descriptor.clock_bounded = true;
    CHECK(w.db.import(w.plan, other, &descriptor).added);
  }
  SUBCASE("host-measured numbers are not compared") {
    auto timed = [](double v) {
      auto events = attack_outcomes();
      events.push_back({Json::object({{"type", "score"}, {"quantity", "latency"}, {"value", v}, {"grade", "host-measured"}}), {}});
      return events;
    };
    CHECK(w.db.import(w.plan, w.bench.ok(w.node(1), timed(1))).added);
    CHECK(w.db.import(w.plan, w.bench.ok(w.node(1), timed(2))).added);
  }
  SUBCASE("a missing column disagrees") {
    const auto all = attack_outcomes();
    const Finished fewer = w.bench.ok(w.node(), {all.begin() + 1, all.end()});
    CHECK(message_of([&] { w.db.import(w.plan, fewer); }).find("correct @ clean: was recorded, is missing") != std::string::npos);
  }
  SUBCASE("what a newer judge records besides contradicts nothing") {
    auto more = attack_outcomes();
    more.push_back(column_event(column("extra", "clean", {1, 2, 3, 4})));
    more.push_back(score("extra_score", "clean", 0.5));
    CHECK(w.db.import(w.plan, w.bench.ok(w.node(), more)).added);
  }
}

TEST_CASE("a row that lacks part of its identity is refused by name [rule 1]") {
  const std::vector<std::pair<std::string, std::function<void(Plan&, Node&, Finished&)>>> holes = {
      {"protocol hash", [](Plan& p, Node&, Finished&) { p.protocol_hash = ""; }},
      {"data hash", [](Plan&, Node&, Finished& f) { f.input_digests.erase(f.input_digests.begin()); }},
      {"model hash", [](Plan&, Node&, Finished& f) { f.input_digests.erase(f.input_digests.begin() + 1); }},
      {"plugin id", [](Plan&, Node& n, Finished&) { n.plugin_id = ""; }},
      {"plugin version", [](Plan&, Node& n, Finished&) { n.plugin_version = ""; }},
      {"plugin digest", [](Plan&, Node& n, Finished&) { n.plugin_sha256 = ""; }},
      {"seed", [](Plan&, Node& n, Finished&) { n.seeds.values.clear(); }},
      {"machine id", [](Plan&, Node&, Finished& f) { f.host.object_ref().erase("machine"); }},
      {"build id", [](Plan&, Node&, Finished& f) { f.host.object_ref().erase("build"); }},
  };
  for (const auto& hole : holes) {
    const auto& name = hole.first;  // clang 14 refuses a captured binding
    const auto& dig = hole.second;
    CAPTURE(name);
    World w;
    Finished f = w.bench.ok(w.node(), attack_outcomes());
    dig(w.plan, w.plan.nodes[0], f);
    const std::string message = message_of([&] { w.db.import(w.plan, f); });
    CHECK(message.find("it names no " + name + " (rule 1)") != std::string::npos);
    CHECK(w.db.suites().empty());  // nothing of it was stored
  }
}

TEST_CASE("outcomes that a run stage wrote are not stored and make the cell INVALID") {
  for (const Event& forged : {score("robust_accuracy", "eps=1/10", 0.99), verdict("SUSPECT", 0, "mine"),
                              column_event(column("robust", "eps=1/10", {1, 1, 1, 1}))}) {
    CAPTURE(forged.type());
    World w;
    const Imported imported = w.db.import(w.plan, w.bench.ok(w.node(), attack_outcomes(), {forged}));
    CHECK(imported.status == "ok");
    CHECK(imported.level == Level::invalid);
    const auto standing = w.db.cells(w.plan.protocol_hash)[0].standing;
    REQUIRE(standing->verdicts.size() == 1);
    CHECK(standing->verdicts[0].reason == "the shard of stage 'run' carries 1 " + forged.type() + " event, which only a judge may write");
    for (const ScoreRecord& s : standing->scores) CHECK(s.value != 0.99);
    CHECK_FALSE(w.db.has_valid(w.node().key, w.node().judgement));
    CHECK(w.db.concluded(w.node().key, w.node().judgement));
    CHECK(w.db.leaderboard(w.plan.protocol_hash).empty());
  }
}

TEST_CASE("the host's clock brings outcomes beside the judge, at no cost of the method's; a plugin's does not [rule 40]") {
  for (const bool plugin : {false, true}) {
    CAPTURE(plugin);
    World w;
    Stage timed;
    timed.stage = "time";
    timed.plugin = plugin;
    for (Node& node : w.plan.nodes) node.stages.push_back(timed);
    Finished finished = w.bench.ok(w.node(), attack_outcomes());
    w.bench.add_stage(finished, "time", "ok", {{Json::object({{"type", "score"}, {"quantity", "latency"}, {"condition", "test"},
                                                             {"value", 0.25}, {"n", 21}, {"grade", "host-measured"}}), {}}});
    const Imported imported = w.db.import(w.plan, finished);
    CHECK(imported.level == (plugin ? Level::invalid : Level::valid));
    const auto standing = w.db.cells(w.plan.protocol_hash)[0].standing;
    CHECK(std::count_if(standing->scores.begin(), standing->scores.end(), [](const auto& s) { return s.quantity == "latency"; }) ==
          (plugin ? 0 : 1));
    CHECK(standing->cpu_seconds == (plugin ? 3.0 : 1.5));
  }
}

TEST_CASE("a failed attempt is stored with its cause and hides no good one, before or after [rule 3]") {
  World w;
  CHECK(w.db.import(w.plan, w.bench.failed(w.node(), "crashed", "signal 11 (segmentation fault)")).n == 1);
  CHECK_FALSE(w.db.has_valid(w.node().key, w.node().judgement));
  CHECK(w.db.cells(w.plan.protocol_hash)[0].standing->reason == "signal 11 (segmentation fault)");
  CHECK(w.db.log(w.node().key)[0].log_tail == "last words of pgd on net, seed 0\n");
  CHECK(w.db.import(w.plan, w.bench.ok(w.node(), attack_outcomes())).n == 2);
  CHECK(w.db.import(w.plan, w.bench.failed(w.node(), "oom", "memory limit")).n == 3);
  CHECK(w.db.has_valid(w.node().key, w.node().judgement));
  CHECK(w.db.has_valid(w.node().key, w.node().judgement, w.plan.protocol_hash));
  CHECK_FALSE(w.db.has_valid(w.node().key, "another judgement"));
  CHECK_FALSE(w.db.has_valid(w.node().key, w.node().judgement, "another protocol"));
  const auto cell = w.db.cells(w.plan.protocol_hash)[0];
  CHECK(cell.standing->n == 2);
  CHECK(w.db.attempts(cell.id).size() == 3);
  // a failed attempt needs no data or model hash: it may have died before its inputs were known
  Finished early = w.bench.failed(w.node(1), "failed", "input missing");
  early.input_digests.clear();
  CHECK(w.db.import(w.plan, early).added);
}

TEST_CASE("an ok cell without a judged outcome is a failure") {
  World w;
  CHECK(w.db.import(w.plan, w.bench.ok(w.node(), {})).reason == "the judge recorded no outcome");
  Finished no_judge = w.bench.ok(w.node(), attack_outcomes());
  no_judge.stages.pop_back();
  CHECK(w.db.import(w.plan, no_judge).reason == "no judge's shard");
  Finished torn = w.bench.ok(w.node(), attack_outcomes());
  const std::string file = torn.stages[1].shard;
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 3);
  CHECK(w.db.import(w.plan, torn).reason == "the judge's shard is torn or has no end");
  CHECK_FALSE(w.db.has_valid(w.node().key, w.node().judgement));
}

TEST_CASE("a judge that was interrupted and began again counts once") {
  World w;
  Finished f = w.bench.ok(w.node(), {});
  std::filesystem::remove(f.stages[1].shard);
  write_shard(f.stages[1].shard, "judge", attack_outcomes({0, 0, 0, 0}), false);
  write_shard(f.stages[1].shard, "judge", attack_outcomes());
  CHECK(w.db.import(w.plan, f).status == "ok");
  CHECK(w.db.outcomes(w.db.cells(w.plan.protocol_hash)[0].standing->id, "robust")[0].values[0] == 1);
}

TEST_CASE("malformed judge events name the shard") {
  World w;
  Column twice = column("robust", "eps=1/10", {1, 0});
  twice.ids = {5, 5};
  CHECK(message_of([&] { w.db.import(w.plan, w.bench.ok(w.node(), {column_event(twice)})); }).find("unit 5 appears twice") !=
        std::string::npos);
  Column graded = column("robust", "eps=1/10", {1});
  graded.grade = "judgd";
  CHECK(message_of([&] { w.db.import(w.plan, w.bench.ok(w.node(), {column_event(graded)})); }).find("did you mean 'judged'") !=
        std::string::npos);
  const auto s = score("a", "b", 1);
  CHECK(message_of([&] { w.db.import(w.plan, w.bench.ok(w.node(), {s, s})); }).find("refused a row") != std::string::npos);
  CHECK(w.db.suites().empty());
}

TEST_CASE("verdicts, rejection and retraction") {
  World w;
  CHECK(w.db.import(w.plan, w.bench.ok(w.node(), [] {
                      auto e = attack_outcomes();
                      e.push_back(verdict("SUSPECT", 19, "2 % zero gradients"));
                      return e;
                    }()))
            .level == Level::suspect);
  Finished rejected = w.bench.ok(w.node(1), {verdict("INVALID", 15, "linf 0.2 > 0.1 for 3 samples")});
  rejected.status = "rejected";
  rejected.reason = "left the threat model";
  CHECK(w.db.import(w.plan, rejected).level == Level::invalid);
  CHECK(w.db.concluded(w.node(1).key, w.node(1).judgement));
  const auto cells = w.db.cells(w.plan.protocol_hash);
  CHECK(cells[0].standing->verdicts[0].rule == 19);
  w.db.retract(cells[0].standing->id, "wrong data");
  CHECK_FALSE(w.db.cells(w.plan.protocol_hash)[0].standing.has_value());
  CHECK(w.db.attempts(cells[0].id)[0].retracted == "wrong data");
  CHECK(message_of([&] { w.db.retract(12345, "x"); }).find("no attempt") != std::string::npos);
}

TEST_CASE("the latest plan of a suite says what is planned; a plan narrowed to some cells does not shrink it [rule 2]") {
  World w;
  w.db.record_plan(w.plan);
  w.db.record_plan(w.plan);
  Plan narrowed = w.plan;
  narrowed.nodes.resize(1);
  w.db.import(narrowed, w.bench.ok(w.node(), attack_outcomes()));
  CHECK(w.db.cells(w.plan.protocol_hash).size() == 3);
  const auto rows = w.db.leaderboard(w.plan.protocol_hash);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].done == 1);
  CHECK(rows[0].planned == 3);
  Plan changed = w.plan;
  changed.suite_sha256 = sha256("edited");
  changed.nodes = {make_cell({"fgsm", 0})};
  w.db.record_plan(changed);
  CHECK(w.db.cells(w.plan.protocol_hash).size() == 1);
  w.db.record_plan(w.plan);
  CHECK(w.db.cells(w.plan.protocol_hash).size() == 3);
}

TEST_CASE("numbers of two protocols never meet") {
  World w;
  w.db.import(w.plan, w.bench.ok(w.node(), attack_outcomes()));
  Plan other = w.plan;
  other.suite = "another";
  other.protocol_hash = sha256("another protocol");
  w.db.record_plan(other);
  const auto cells = w.db.cells(other.protocol_hash);  // the same cells, but judged under the first protocol only
  REQUIRE(cells.size() == 3);
  CHECK_FALSE(cells[0].standing.has_value());
  CHECK(w.db.leaderboard(other.protocol_hash).empty());
  CHECK(message_of([&] { w.db.protocol(""); }).find("no protocol") == 0);
  CHECK(w.db.protocol(other.protocol_hash.substr(0, 8)).name == "another");
}

TEST_CASE("certificates of a certify node") {
  World w;
  Node node = make_cell({"pgd", 0});
  node.kind = NodeKind::certify;
  node.key = sha256("certify pgd");
  Stage stage;
  stage.stage = "certify";
  stage.plugin = true;
  stage.spec = Json::object({{"role", "attack"}, {"checks", Json::Array{"planted", "zero-eps", "never"}}});
  node.stages = {stage};
  w.plan.nodes.push_back(node);
  Finished f = w.bench.failed(node, "ok", "");
  f.stages.clear();
  w.bench.add_stage(f, "certify", "ok",
                    {{Json::object({{"type", "trace"}, {"name", "planted"}, {"step", 0}, {"value", 1.0}}), {}},
                     {Json::object({{"type", "trace"}, {"name", "zero-eps"}, {"step", 0}, {"value", 0.0}}), {}},
                     score("zero-eps", "", 0.125, 1, Json::object({{"detail", "3 samples moved"}}))});
  w.db.import(w.plan, f);
  const auto all = w.db.certificates(node.plugin_sha256);
  REQUIRE(all.size() == 3);
  CHECK(all[0].check == "never");
  CHECK_FALSE(all[0].passed);
  CHECK(all[1].passed);
  CHECK(all[2].detail == "3 samples moved");
  CHECK(all[2].value == 0.125);
}

TEST_CASE("claimed numbers live in a table of their own and need a source [rule 12]") {
  World w;
  w.db.add_claimed({"series-attack", "pgd", "net", "robust_accuracy", "eps=1/10", "Table 3", 0.41});
  REQUIRE(w.db.claimed("series-attack").size() == 1);
  CHECK(w.db.claimed("series-attack")[0].value == 0.41);
  CHECK(w.db.leaderboard(w.plan.protocol_hash).empty());
  CHECK(message_of([&] { w.db.add_claimed({"s", "m", "", "q", "c", "", 1}); }).find("source is needed") != std::string::npos);
}
