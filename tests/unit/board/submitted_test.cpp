// Submitted outputs on boards: judged numbers with intervals, no rank, no cost; counted where they are proofs.
#include <doctest/doctest.h>

#include <algorithm>

#include "boards.hpp"
#include "results/board/compare.hpp"
#include "results/board/format.hpp"

using namespace boards;
using namespace assay;

namespace {

Node submitted_node(std::int64_t seed, const std::string& content = "file") {
  Node node = make_cell({"mine", seed});
  node.plugin_version = submitted_version;
  node.identity["submitted"] = content;
  node.key = sha256(node.identity.dump());
  node.stages.erase(node.stages.begin());
  return node;
}

// The suite's own plan, and one plan a submitted cell, as `assay submit` records them.
struct Mixed : World {
  explicit Mixed(const std::string& rank = "method") : World(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10")) {
    plan.rank = rank;
    for (std::int64_t seed = 0; seed < 3; ++seed) {
      ok(add({"pgd", seed}), attacked(flags(180, 1), flags(60, 2)));
      ok(add({"noise", seed, true}), attacked(flags(180, 1), flags(190, 3)));
    }
    import();
  }
  void submit(std::int64_t seed, std::size_t robust, const std::string& content = "file") {
    Plan own = plan;
    own.suite = submitted_prefix + plan.suite + ": mine, seed " + std::to_string(seed);
    own.claims.clear();
    own.nodes = {submitted_node(seed, content)};
    db.record_plan(own);
    Finished done;
    done.node = &own.nodes[0];
    done.status = "ok";
    done.host = Json::object({{"machine", "m"}, {"build", "b"}});
    done.input_digests = {{"data", sha256("data")}, {"model:net", sha256("net")}};
    bench.add_stage(done, "judge", "ok", attacked(flags(180, 1), flags(robust, 4)));
    db.import(own, done);
  }
};

}  // namespace

TEST_CASE("a submitted row has judged numbers with an interval, no rank and no cost [rule 26]") {
  Mixed w;
  for (std::int64_t seed = 0; seed < 3; ++seed) w.submit(seed, 20);
  const Board b = w.board();
  const Row& mine = row_of(b, "mine");
  CHECK(mine.submitted);
  CHECK_FALSE(mine.ranked);
  CHECK(mine.unranked_because.rfind("submitted", 0) == 0);
  CHECK(mine.coverage.done == 3);
  REQUIRE(mine.values[0].interval);
  CHECK_FALSE(mine.cost.known);
  CHECK(row_of(b, "pgd").rank->lo == 1);  // though fewer samples survive the submission
  CHECK(*mine.values[0].mean < *row_of(b, "pgd").values[0].mean);
  const std::string table = board::format(b, board::Format::table, {});
  CHECK(table.find("sub.") != std::string::npos);
  CHECK(table.find("cost unknown; not ranked") != std::string::npos);
  const Json json = Json::parse(board::format(b, board::Format::json, {}), "board");
  for (const Json& row : json.at("rows").as_array()) {
    CHECK(row.at("submitted").as_bool() == (row.get("method", "") == "mine"));
    CHECK(row.at("cost").is_null() == (row.get("method", "") == "mine"));
  }
}

TEST_CASE("a later file takes the place of an earlier one, and a new plan of the suite takes neither away") {
  Mixed w;
  w.submit(0, 20, "first");
  w.submit(0, 100, "second");
  CHECK(row_of(w.board(), "mine").coverage.planned == 1);
  const double now = *row_of(w.board(), "mine").values[0].mean;
  CHECK(now > *row_of(w.board(), "pgd").values[0].mean);
  Plan next = w.plan;
  next.min_coverage = 0.5;
  w.db.record_plan(next);
  CHECK(*row_of(w.board(), "mine").values[0].mean == now);
  CHECK(w.db.suites().size() == 1);  // a submission is no suite
  CHECK(w.db.protocol(w.plan.protocol_hash).name == w.plan.suite);
}

TEST_CASE("compare pairs a submission with the suite's methods, sample by sample [rule 45]") {
  Mixed w;
  for (std::int64_t seed = 0; seed < 3; ++seed) w.submit(seed, 20);
  const board::WideTable wide = board::wide_of(w.db, w.board(), {{"mine", "pgd"}, "", std::nullopt});
  CHECK(wide.table.data_sets.size() == samples);
  CHECK(wide.table.methods == std::vector<std::string>{"mine (submitted)", "pgd"});
}

TEST_CASE("the worst case of a subject counts submitted inputs, which the judge proved, and says so [rule 14]") {
  Mixed before("subject"), after("subject");
  for (std::int64_t seed = 0; seed < 3; ++seed) after.submit(seed, 20);
  const Board a = before.board(), b = after.board();
  CHECK(*b.rows[0].values[0].mean < *a.rows[0].values[0].mean);
  CHECK_FALSE(b.rows[0].submitted);
  CHECK(b.rows[0].ranked);
  CHECK(b.rows[0].cost.known);
  CHECK(std::any_of(b.rows[0].notes.begin(), b.rows[0].notes.end(),
                    [](const std::string& note) { return note == "the worst case includes inputs submitted as mine"; }));
}
