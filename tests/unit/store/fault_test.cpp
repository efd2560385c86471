// Other programs that hold the database, and shards that somebody removed.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <thread>

#include "results/store/store.hpp"
#include "store_text.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;

namespace {

// Another program's hold on a database, from its start to its end.
class Holder {
 public:
  Holder(const fs::path& file, const char* begin) {
    REQUIRE(sqlite3_open(file.c_str(), &db_) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db_, begin, nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() { release(); }
  void release() {
    sqlite3_close(db_);
    db_ = nullptr;
  }

 private:
  sqlite3* db_ = nullptr;
};

struct World {
  Bench bench;
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  fs::path file = bench.path() / "x.db";
  World() { plan.nodes = {make_cell({"pgd", 0}), make_cell({"pgd", 1})}; }
  Finished record(std::size_t at) {
    return bench.ok(plan.nodes[at], {column_event(column("robust", "eps=1/10", {1, 0})), score("robust_accuracy", "eps=1/10", 0.5)});
  }
  std::size_t stored(Store& db, std::size_t at) const {
    const auto cell = db.find(plan.nodes[at].key);
    return cell ? db.attempts(cell->id).size() : 0;
  }
};

}  // namespace

TEST_CASE("a lock that another program gives back in time is waited for") {
  World w;
  Store db = Store::open(w.file);
  db.import(w.plan, w.record(0));
  Holder holder(w.file, "BEGIN EXCLUSIVE");
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    holder.release();
  });
  CHECK(message_of([&] { db.import(w.plan, w.record(1)); }).empty());
  later.join();
  CHECK(w.stored(db, 1) == 1);
}

TEST_CASE("a lock that another program keeps ends the import with a reason, and leaves it to the next one") {
  World w;
  OpenOptions options;
  options.busy_ms = 50;
  Store db = Store::open(w.file, options);
  db.import(w.plan, w.record(0));
  const Finished second = w.record(1);
  {
    const Holder holder(w.file, "BEGIN EXCLUSIVE");
    CHECK(message_of([&] { db.import(w.plan, second); }) ==
          "database '" + w.file.string() + "': locked by another process; try again when it is done");
    CHECK(w.stored(db, 0) == 1);
    CHECK(w.stored(db, 1) == 0);
  }
  CHECK(db.problems() == std::vector<std::string>{});
  CHECK(db.import(w.plan, second).added);
}

TEST_CASE("a database that another program holds for itself alone is not opened, to read or to write") {
  World w;
  Store::open(w.file).import(w.plan, w.record(0));
  OpenOptions options;
  options.busy_ms = 50;
  {
    const Holder holder(w.file, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO suite(name, task) VALUES ('x', 'y')");
    for (const bool write : {true, false}) {
      options.write = write;
      CHECK(message_of([&] { Store::open(w.file, options); }).find("locked by another process") != std::string::npos);
    }
  }
  Store db = Store::open(w.file, options);
  CHECK(w.stored(db, 0) == 1);
  CHECK(db.suites().size() == 1);
}

TEST_CASE("shards that were removed make their cell a failure, never one without outcome, and leave the others") {
  World w;
  Store db = Store::open(w.file);
  db.import(w.plan, w.record(0));
  Finished gone = w.record(1);
  SUBCASE("the judge's") {
    fs::remove(gone.stages[1].shard);
    const Imported imported = db.import(w.plan, gone);
    CHECK(imported.status == "failed");
    CHECK(imported.reason == "no judge's shard");
  }
  SUBCASE("all of them") {
    for (const StageResult& stage : gone.stages) fs::remove(stage.shard);
    CHECK(db.import(w.plan, gone).status == "failed");
  }
  SUBCASE("the method's: its outcome is the judge's and stays") {
    fs::remove(gone.stages[0].shard);
    CHECK(db.import(w.plan, gone).status == "ok");
  }
  CHECK(db.problems() == std::vector<std::string>{});
  CHECK(w.stored(db, 0) == 1);
  CHECK(db.import(w.plan, w.record(1)).status == "ok");  // run again
  CHECK(db.leaderboard(w.plan.protocol_hash).at(0).done == 2);
}
