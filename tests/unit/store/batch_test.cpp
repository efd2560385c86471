// Several imports in one transaction: stored together, lost together, refused one by one.
#include <doctest/doctest.h>

#include "results/store/store.hpp"
#include "store_text.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;

namespace {

std::vector<Event> outcome(double value) {
  return {column_event(column("robust", "eps=1/10", {value, 0})), score("robust_accuracy", "eps=1/10", value / 2)};
}

struct World {
  TempDir dir{"assay-batch-test", scratch_parent()};
  fs::path file = dir.path() / "x.db";
  Bench bench;
  Plan plan = make_plan("attack", "robust_accuracy", "eps=1/10");

  World() {
    for (int seed = 0; seed < 4; ++seed) plan.nodes.push_back(make_cell({"pgd", seed}));
  }
  std::vector<Finished> finished() {
    std::vector<Finished> out;
    for (const Node& node : plan.nodes) out.push_back(bench.ok(node, outcome(1)));
    return out;
  }
};

std::string attempts(const fs::path& file) { return rows_of(file, "SELECT count(*) FROM attempt")[0]; }

}  // namespace

TEST_CASE("a batch leaves what the same imports leave one by one, and nobody sees it before it is committed") {
  World w;
  const auto all = w.finished();
  const fs::path other = w.dir.path() / "single.db";
  {
    Store single = Store::open(other);
    for (const Finished& one : all) single.import(w.plan, one);
  }
  Store db = Store::open(w.file);
  {
    Store::Batch batch(db);
    for (const Finished& one : all) CHECK(db.import(w.plan, one).added);
    CHECK(db.cells(w.plan.protocol_hash)[0].standing.has_value());  // the writer itself goes on from them
    CHECK(attempts(w.file) == "0");
    batch.commit();
  }
  CHECK(text_of_database(w.file) == text_of_database(other));
  CHECK_FALSE(db.import(w.plan, all[0]).added);
}

TEST_CASE("a batch that is not committed stores nothing; the same shards are imported again") {
  World w;
  const auto all = w.finished();
  Store db = Store::open(w.file);
  {
    const Store::Batch batch(db);
    for (const Finished& one : all) db.import(w.plan, one);
  }
  CHECK(attempts(w.file) == "0");
  for (const Finished& one : all) CHECK(db.import(w.plan, one).added);
  CHECK(attempts(w.file) == "4");
}

TEST_CASE("an import that is refused takes back its own work only [rule 7]") {
  World w;
  const auto all = w.finished();
  Store db = Store::open(w.file);
  {
    Store::Batch batch(db);
    db.import(w.plan, all[0]);
    const Finished different = w.bench.ok(w.plan.nodes[0], outcome(0));
    CHECK(message_of([&] { db.import(w.plan, different); }).find("disagrees with attempt 1") != std::string::npos);
    db.import(w.plan, all[1]);
    batch.commit();
  }
  CHECK(attempts(w.file) == "2");
  CHECK(db.problems().empty());
  db.import(w.plan, all[2]);  // transactions of their own again
  CHECK(attempts(w.file) == "3");
}

TEST_CASE("a reader cannot begin a batch") {
  World w;
  { const Store made = Store::open(w.file); }
  OpenOptions reading;
  reading.write = false;
  Store db = Store::open(w.file, reading);
  CHECK(message_of([&] { const Store::Batch batch(db); }).find("opened read-only, cannot begin a batch") != std::string::npos);
}
