// Results that a board shows no more: another build of a plugin, other numerics, a method that was given up.
#include <doctest/doctest.h>

#include "results/board/history.hpp"
#include "tests/unit/board/boards.hpp"

using namespace assay;
using boards::World;

namespace {

// Two methods of two seeds; `version` is a build of the first one's plugin.
void add_runs(World& w, const std::string& version, bool second_method) {
  for (std::uint64_t s = 0; s < 3; ++s) {
    const auto clean = boards::flags(180, 1000 + s);
    Node node = synthetic::make_cell({"pgd", static_cast<std::int64_t>(s)});
    node.plugin_version = version;
    node.plugin_sha256 = sha256("pgd " + version);
    node.key = sha256(node.key + version);
    w.plan.nodes.push_back(node);
    w.ok(w.plan.nodes.back(), boards::attacked(clean, boards::flags(version == "1.0" ? 90 : 30, 20 + s)));
    if (second_method) w.ok(w.add({"fgsm", static_cast<std::int64_t>(s)}), boards::attacked(clean, boards::flags(100, 40 + s)));
  }
  w.import();
}

board::Query query_of(const World& w) {
  board::Query query;
  query.protocol = w.plan.protocol_hash;
  query.require_certificate = false;
  query.resamples = 400;
  return query;
}

}  // namespace

TEST_CASE("an earlier build's results keep the numbers and intervals that its board showed [rule 6]") {
  World w(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10"));
  add_runs(w, "1.0", true);
  const board::Board before = w.board();
  CHECK(board::earlier_results(w.db, query_of(w), before).empty());

  w.plan.nodes.clear();
  add_runs(w, "1.1", false);  // and the other method is given up
  const board::Board now = w.board();
  CHECK(now.rows.size() == 1);
  const auto earlier = board::earlier_results(w.db, query_of(w), now);
  REQUIRE(earlier.size() == 2);
  for (const board::Earlier& one : earlier) {
    const board::Row& then = boards::row_of(before, one.row.method);
    CAPTURE(one.row.method);
    CHECK(one.row.plugin_version == "1.0");
    CHECK(one.numerics == synthetic::make_cell({"pgd", 0}).numerics.str());
    REQUIRE(one.row.values.size() == 1);
    CHECK(one.row.values[0].mean == then.values[0].mean);
    CHECK(one.row.values[0].per_seed == then.values[0].per_seed);
    REQUIRE(one.row.values[0].interval);
    CHECK(one.row.values[0].interval->lo == then.values[0].interval->lo);
    CHECK(one.row.values[0].interval->hi == then.values[0].interval->hi);
    CHECK(one.row.cells == then.cells);
    CHECK_FALSE(one.row.ranked);
  }
  // In the order of recording, all before what stands now.
  CHECK(earlier[0].order < earlier[1].order);
  std::map<std::string, const store::CellRecord*> cells;
  const auto current = w.db.cells(w.plan.protocol_hash);
  for (const auto& cell : current) cells[cell.generation] = &cell;
  CHECK(earlier[1].order < board::recorded(now.rows[0], cells).order);
  CHECK(board::recorded(now.rows[0], cells).numerics == earlier[0].numerics);
}

TEST_CASE("a retracted result is no history, and results of two numerics classes are two rows") {
  World w(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10"));
  add_runs(w, "1.0", false);
  const auto old = w.db.cells(w.plan.protocol_hash);
  REQUIRE(old.size() == 3);
  const Node made = w.plan.nodes[0];
  w.plan.nodes.clear();
  Node other = made;
  other.numerics.isa = "avx512_core";
  other.key = sha256(made.key + "avx512");
  w.plan.nodes.push_back(other);
  w.ok(w.plan.nodes.back(), boards::attacked(boards::flags(180, 1000), boards::flags(50, 3)));
  w.import();
  w.plan.nodes.clear();
  add_runs(w, "1.1", false);
  const auto earlier = board::earlier_results(w.db, query_of(w), w.board());
  REQUIRE(earlier.size() == 2);
  CHECK(earlier[0].numerics != earlier[1].numerics);
  CHECK(earlier[0].row.values[0].per_seed.size() == 3);
  CHECK(earlier[1].row.values[0].per_seed.size() == 1);
  for (const auto& cell : old) w.db.retract(cell.standing->id, "a wrong data set");
  CHECK(board::earlier_results(w.db, query_of(w), w.board()).size() == 1);
}

TEST_CASE("a history goes as far back as it is asked to: the last plans, and of their cells the last ones") {
  World w(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10"));
  for (const char* version : {"1.0", "1.1", "1.2"}) {
    w.plan.nodes.clear();
    add_runs(w, version, false);
  }
  const std::string& protocol = w.plan.protocol_hash;
  const auto all = w.db.earlier_cells(protocol);
  REQUIRE(all.size() == 6);
  CHECK(w.db.earlier_cells(protocol, {1, 1000}).empty());  // the latest plan has no earlier cell
  const auto last = w.db.earlier_cells(protocol, {2, 1000});
  REQUIRE(last.size() == 3);
  CHECK(last[0].cell.plugin_version == "1.1");
  const auto two = w.db.earlier_cells(protocol, {12, 2});
  REQUIRE(two.size() == 2);
  CHECK(two[0].cell.generation == all[4].cell.generation);
  CHECK(two[1].cell.generation == all[5].cell.generation);
}
