// Merging the databases of several machines.
#include <doctest/doctest.h>

#include <fstream>

#include "results/store/schema.hpp"
#include "results/store/store.hpp"
#include "store_text.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;

namespace {

std::vector<Event> outcomes(const std::vector<double>& robust = {1, 0, 1, 0}, double accuracy = 0.5) {
  return {column_event(column("robust", "eps=1/10", robust)), score("robust_accuracy", "eps=1/10", accuracy, 4)};
}

// Machines that run cells of one plan, each into a database of its own.
struct World {
  Bench bench;
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  fs::path a = bench.path() / "a.db", b = bench.path() / "b.db";

  World() {
    for (std::int64_t seed = 0; seed < 4; ++seed) plan.nodes.push_back(make_cell({"pgd", seed}));
  }
  Finished on(const std::string& machine, std::size_t cell, const std::vector<Event>& judged = outcomes()) {
    // Two machines never take the same time, so their shards differ where their outcomes do not.
    Finished f = bench.ok(plan.nodes[cell], judged,
                          {{Json::object({{"type", "phase"}, {"name", "run on " + machine}, {"wall", 1.0}, {"cpu", 1.0}}), {}}});
    f.host["machine"] = machine;
    f.artifact.files = {{"adversarial", sha256("adversarial " + std::to_string(cell)), 1234}};
    return f;
  }
  void run(const fs::path& file, const std::vector<Finished>& records) const {
    Store db = Store::open(file);
    db.record_plan(plan);
    for (const Finished& f : records) db.import(plan, f);
  }
  static std::string merge_error(const fs::path& into, const std::vector<fs::path>& others) {
    return message_of([&] { Store::open(into).merge(others); });
  }
};

// What a board is made of, without the numbers that only a file knows.
std::string board_of(const fs::path& file, const std::string& protocol) {
  const Store db = Store::open(file);
  std::string text;
  for (const LeaderboardRow& row : db.leaderboard(protocol))
    text += row.method + " " + row.quantity + " " + row.condition + " " + Json(row.mean).dump() + " " + std::to_string(row.seeds) +
            " " + std::to_string(row.done) + "/" + std::to_string(row.planned) + " " + row.level + "\n";
  for (const CellRecord& cell : db.cells(protocol)) {
    text += cell.label + " " + (cell.standing ? cell.standing->status + " on " + cell.standing->machine : "none") + "\n";
    if (cell.standing)
      for (const OutcomeColumn& c : db.outcomes(cell.standing->id)) text += "  " + c.quantity + " " + c.sha256 + "\n";
  }
  return text;
}

const auto contains = [](const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
};

}  // namespace

TEST_CASE("two halves of a suite give the same board whichever way they are merged, and a second merge changes nothing") {
  World w;
  w.run(w.a, {w.on("m1", 0), w.on("m1", 1)});
  w.run(w.b, {w.on("m2", 2), w.on("m2", 3)});
  const fs::path a2 = w.bench.path() / "a2.db", b2 = w.bench.path() / "b2.db";
  fs::copy_file(w.a, a2);
  fs::copy_file(w.b, b2);
  const auto merged = Store::open(w.a).merge({w.b});
  REQUIRE(merged.size() == 1);
  CHECK(merged[0].from == w.b);
  CHECK(merged[0].attempts == 2);
  CHECK(merged[0].known == 0);
  CHECK(merged[0].cells == 0);
  CHECK(merged[0].plans == 0);
  Store::open(b2).merge({a2});
  const std::string board = board_of(w.a, w.plan.protocol_hash);
  CHECK(contains(board, "pgd robust_accuracy eps=1/10 0.5 4 4/4 VALID"));
  CHECK(board == board_of(b2, w.plan.protocol_hash));
  CHECK(Store::open(w.a).problems() == std::vector<std::string>{});
  const std::string before = text_of_database(w.a);
  const auto again = Store::open(w.a).merge({w.b, b2});
  CHECK(again[0].attempts == 0);
  CHECK(again[0].known == 2);
  CHECK(again[1].known == 4);
  CHECK(text_of_database(w.a) == before);
}

TEST_CASE("merging into a new file takes every table, row for row") {
  World w;
  std::vector<Event> judged = outcomes();
  judged.push_back(verdict("SUSPECT", 17, "looks odd"));
  w.run(w.a, {w.on("m1", 0, judged), w.on("m1", 1), w.bench.failed(w.plan.nodes[2], "timeout", "too slow")});
  Store::open(w.a).add_claimed({"series-attack", "pgd", "net", "robust_accuracy", "eps=1/10", "Table 3", 0.41});
  Store::open(w.b).merge({w.a});
  // The counter that orders plans is the one column that is the file's own.
  CHECK(text_of_database(w.b, "used") == text_of_database(w.a, "used"));
  for (const std::string table : {"attempt", "stage", "verdict", "outcome", "score", "edge", "artifact", "claim", "claimed", "cell_seed"})
    CHECK_MESSAGE(rows_of(w.b, "SELECT count(*) > 0 FROM " + table) == std::vector<std::string>{"1"}, table);
}

TEST_CASE("outcomes that disagree under the same identity are refused with both shown, and nothing is written [rule 7]") {
  World w;
  w.run(w.a, {w.on("m1", 0), w.on("m1", 1)});
  w.run(w.b, {w.on("m2", 1, outcomes({1, 1, 1, 0}, 0.75)), w.on("m2", 2)});
  const std::string before = text_of_database(w.a);
  const std::string message = w.merge_error(w.a, {w.b});
  CHECK(contains(message, "nothing was merged into " + w.a.string()));
  CHECK(contains(message, "cell 'pgd on net, seed 1' (" + w.plan.nodes[1].key.substr(0, 12) + ")"));
  CHECK(contains(message, "attempt 1 in " + w.a.string() + " (machine m1, build b-4567), attempt 1 in " + w.b.string() + " (machine m2"));
  CHECK(contains(message, "robust @ eps=1/10 of sample 1007: " + w.a.string() + " has 0.0, " + w.b.string() + " has 1.0"));
  CHECK(contains(message, "score robust_accuracy @ eps=1/10: " + w.a.string() + " has 0.5, " + w.b.string() + " has 0.75"));
  CHECK(text_of_database(w.a) == before);

  SUBCASE("neither are the other files of the same merge") {
    const fs::path c = w.bench.path() / "c.db";
    w.run(c, {w.on("m3", 3)});
    CHECK_FALSE(w.merge_error(w.a, {c, w.b}).empty());
    CHECK(text_of_database(w.a) == before);
  }
  SUBCASE("when one is retracted they merge, and it stays struck through") {
    {
      Store other = Store::open(w.b);
      other.retract(other.attempts(other.find(w.plan.nodes[1].key)->id)[0].id, "wrong test list");
    }
    CHECK(Store::open(w.a).merge({w.b})[0].attempts == 2);
    const Store db = Store::open(w.a);
    const auto attempts = db.attempts(db.find(w.plan.nodes[1].key)->id);
    REQUIRE(attempts.size() == 2);
    CHECK(attempts[1].retracted == "wrong test list");
    CHECK(db.cells(w.plan.protocol_hash)[1].standing->machine == "m1");
  }
  SUBCASE("a clock-bounded method is exempt") {
    Descriptor descriptor;
    descriptor.id = "pgd";
    descriptor.clock_bounded = true;
    Store::open(w.b).import(w.plan, w.on("m2", 3), &descriptor);
    CHECK(Store::open(w.a).merge({w.b})[0].attempts == 3);
  }
}

TEST_CASE("two copies of one record that differ are refused: somebody wrote into one of the files") {
  World w;
  w.run(w.a, {w.on("m1", 0)});
  fs::copy_file(w.a, w.b);
  SUBCASE("a score") {
    rows_of(w.b, "UPDATE score SET value = 0.9");
    CHECK(contains(w.merge_error(w.a, {w.b}), "robust_accuracy @ eps=1/10: " + w.a.string() + " has 0.5, " + w.b.string() + " has 0.9"));
  }
  SUBCASE("a column whose digest is no longer its own is damage") {
    rows_of(w.b, "UPDATE outcome SET sha256 = 'ff'");
    CHECK(contains(w.merge_error(w.a, {w.b}), "damaged, nothing was merged (outcome 'robust'"));
  }
}

TEST_CASE("equal outcomes of two machines are two attempts of one cell; another numerics class is a replicate") {
  World w;
  w.run(w.a, {w.on("m1", 0)});
  SUBCASE("the same class") {
    w.run(w.b, {w.on("m2", 0)});
    const auto merged = Store::open(w.a).merge({w.b});
    CHECK(merged[0].attempts == 1);
    CHECK(merged[0].replicates == 0);
  }
  SUBCASE("another class, with another outcome") {
    Node replicate = w.plan.nodes[0];
    replicate.numerics.isa = "avx512_core";
    Finished f = w.on("m2", 0, outcomes({1, 1, 1, 0}, 0.75));
    f.node = &replicate;
    w.run(w.b, {f});
    const auto merged = Store::open(w.a).merge({w.b});
    CHECK(merged[0].attempts == 1);
    CHECK(merged[0].replicates == 1);
  }
  const Store db = Store::open(w.a);
  CHECK(db.attempts(db.find(w.plan.nodes[0].key)->id).size() == 2);
  // The cell's own class stands.
  CHECK(db.leaderboard(w.plan.protocol_hash).at(0).mean == 0.5);
}

TEST_CASE("retractions travel and do not come undone") {
  World w;
  w.run(w.a, {w.on("m1", 0)});
  fs::copy_file(w.a, w.b);
  Store::open(w.b).retract(1, "wrong test list");
  CHECK(Store::open(w.a).merge({w.b})[0].retractions == 1);
  const auto retracted = [&](const fs::path& file) { return rows_of(file, "SELECT retracted FROM attempt"); };
  CHECK(retracted(w.a) == std::vector<std::string>{"wrong test list"});
  const fs::path c = w.bench.path() / "c.db";
  w.run(c, {});
  Store::open(c).merge({w.a});
  CHECK(retracted(c) == std::vector<std::string>{"wrong test list"});
  // A file from before the retraction does not bring the result back.
  const fs::path old = w.bench.path() / "old.db";
  fs::copy_file(w.a, old);
  rows_of(old, "UPDATE attempt SET retracted = ''");
  CHECK(Store::open(w.a).merge({old})[0].retractions == 0);
  CHECK(retracted(w.a) == std::vector<std::string>{"wrong test list"});
}

TEST_CASE("of two certificates the one that failed stands, until the plugin is certified again") {
  World w;
  Node node = make_cell({"pgd", 9});
  node.kind = NodeKind::certify;
  node.key = sha256("certify pgd");
  Stage stage;
  stage.stage = "certify";
  stage.plugin = true;
  stage.spec = Json::object({{"role", "attack"}, {"checks", Json::Array{"planted"}}});
  node.stages = {stage};
  w.plan.nodes.push_back(node);
  const auto certified = [&](double passed, const std::string& machine) {
    Finished f = w.on(machine, 4);
    f.stages.clear();
    w.bench.add_stage(f, "certify", "ok", {{Json::object({{"type", "trace"}, {"name", "planted"}, {"step", 0}, {"value", passed}}), {}},
                                           {Json::object({{"type", "phase"}, {"name", machine}, {"wall", 1.0}, {"cpu", 1.0}}), {}}});
    return f;
  };
  const auto passes = [&](const fs::path& file) { return Store::open(file).certificates(node.plugin_sha256).at(0).passed; };
  w.run(w.a, {certified(1, "m1")});
  w.run(w.b, {certified(0, "m2")});
  const fs::path b2 = w.bench.path() / "b2.db";
  fs::copy_file(w.b, b2);
  Store::open(b2).merge({w.a});
  CHECK_FALSE(passes(b2));
  Store::open(w.a).merge({w.b});
  CHECK_FALSE(passes(w.a));
  w.run(w.a, {certified(1, "m3")});
  Store::open(w.a).merge({w.b});
  CHECK(passes(w.a));
}

TEST_CASE("a dry run says what a merge would do and does nothing") {
  World w;
  w.run(w.a, {w.on("m1", 0)});
  w.run(w.b, {w.on("m2", 0), w.on("m2", 1)});
  const std::string before = text_of_database(w.a);
  const auto would = Store::open(w.a).merge({w.b}, true);
  CHECK(text_of_database(w.a) == before);
  const auto did = Store::open(w.a).merge({w.b});
  CHECK(would[0].attempts == 2);
  CHECK(did[0].attempts == 2);
  CHECK(text_of_database(w.a) != before);
}

TEST_CASE("what cannot be merged is refused with a reason") {
  World w;
  w.run(w.a, {w.on("m1", 0)});
  CHECK(contains(w.merge_error(w.a, {w.a}), "cannot be merged into itself"));
  CHECK(contains(w.merge_error(w.a, {w.b}), "no such file"));
  rows_of(w.b, "PRAGMA application_id = " + std::to_string(application_id) + ";" + migrations()[0] + "PRAGMA user_version = 1");
  CHECK(contains(w.merge_error(w.a, {w.b}), "schema version 1 is older than this program's " + std::to_string(migrations().size()) +
                                                "; run 'assay db migrate --db " + w.b.string() + "' first"));
  rows_of(w.b, "PRAGMA user_version = 999");
  CHECK(contains(w.merge_error(w.a, {w.b}), "schema version 999 is newer"));
  const fs::path text = w.bench.path() / "text.db";
  std::ofstream(text) << std::string(5000, 'x');
  CHECK(contains(w.merge_error(w.a, {text}), "not a database"));
}

TEST_CASE("the latest plan of a suite stays the latest, unless the other's is of a higher version [rule 2]") {
  World w;
  w.run(w.a, {w.on("m1", 0)});
  Plan other = w.plan;
  other.nodes.push_back(make_cell({"fgsm", 0}));
  const auto planned = [&](const fs::path& file) { return Store::open(file).cells(w.plan.protocol_hash).size(); };
  SUBCASE("edited there without a new version") { Store::open(w.b).record_plan(other); }
  SUBCASE("a higher version there") {
    other.version = 2;
    Store::open(w.b).record_plan(other);
    Store::open(w.a).merge({w.b});
    CHECK(planned(w.a) == 5);
    return;
  }
  CHECK(Store::open(w.a).merge({w.b})[0].plans == 1);
  CHECK(planned(w.a) == 4);
  CHECK(planned(w.b) == 5);
  Store::open(w.b).merge({w.a});
  CHECK(planned(w.b) == 5);
}

TEST_CASE("claimed numbers of one source that differ are refused [rule 12]") {
  World w;
  w.run(w.a, {});
  w.run(w.b, {});
  Store::open(w.a).add_claimed({"s", "pgd", "net", "robust_accuracy", "eps=1/10", "Table 3", 0.41});
  Store::open(w.b).add_claimed({"s", "pgd", "net", "robust_accuracy", "eps=1/10", "Table 3", 0.14});
  CHECK(contains(w.merge_error(w.a, {w.b}), "claimed robust_accuracy of 'pgd' on 'net' from 'Table 3': " + w.a.string() +
                                                " has 0.41, " + w.b.string() + " has 0.14"));
}

TEST_CASE("what a second run said comes along, and so does the verdict that it left [rule 7]") {
  World w;
  w.run(w.a, {w.on("m-1", 0)});
  w.run(w.b, {w.on("m-2", 1)});
  {
    Store db = Store::open(w.b);
    const std::int64_t attempt = db.find(w.plan.nodes[1].key)->standing->id;
    db.add_repeat(attempt, {"different", "different: robust", "m-2", "b-1", "n1", 1, 4, 1, Json::array()});
  }
  Store::open(w.a).merge({w.b});
  const Store db = Store::open(w.a);
  const AttemptRecord merged = *db.find(w.plan.nodes[1].key)->standing;
  CHECK(merged.level == Level::suspect);
  REQUIRE(db.repeats(merged.id).size() == 1);
  CHECK(db.repeats(merged.id)[0].says == "different: robust");
}

TEST_CASE("cells with a budget of time are no conflict, whatever they gave") {
  World w;
  w.plan.nodes[0].identity["budget"] = Json::object({{"seconds", 5.0}});
  w.run(w.a, {w.on("m-1", 0)});
  w.run(w.b, {w.on("m-2", 0, outcomes({0, 0, 1, 0}, 0.25))});
  CHECK(World::merge_error(w.a, {w.b}) == "");
}
