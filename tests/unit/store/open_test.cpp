// Opening, migrating, locking, full disks and killed writers.
#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <map>
#include <thread>

#include "results/store/schema.hpp"
#include "results/store/store.hpp"
#include "store_text.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;

namespace {

void raw(const fs::path& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  char* error = nullptr;
  const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error);
  const std::string message = error == nullptr ? "" : error;
  sqlite3_free(error);
  sqlite3_close(db);
  REQUIRE_MESSAGE(code == SQLITE_OK, message);
}

std::string raw_text(const fs::path& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  std::string out;
  sqlite3_exec(
      db, sql.c_str(),
      [](void* to, int n, char** values, char**) {
        for (int i = 0; i < n; ++i) *static_cast<std::string*>(to) += std::string(values[i] == nullptr ? "" : values[i]) + "|";
        return 0;
      },
      &out, nullptr);
  sqlite3_close(db);
  return out;
}

std::string mark() { return "PRAGMA application_id = " + std::to_string(application_id) + ";"; }

std::string open_error(const fs::path& file, const OpenOptions& options = {}) {
  return message_of([&] { Store::open(file, options); });
}

OpenOptions reading() {
  OpenOptions options;
  options.write = false;
  return options;
}

std::vector<Event> small_outcome();

// Undoes migration 6: ids in every column again.
const std::string back_to_5 =
    "DROP VIEW outcomes; CREATE TABLE old AS SELECT * FROM outcome_column; DROP VIEW outcome_column; DROP TABLE outcome;"
    " DROP TABLE sample_list; CREATE TABLE outcome (id INTEGER PRIMARY KEY, attempt INTEGER NOT NULL REFERENCES attempt(id),"
    " condition TEXT NOT NULL, configuration TEXT NOT NULL, unit TEXT NOT NULL, quantity TEXT NOT NULL, grade TEXT NOT NULL,"
    " n INTEGER NOT NULL, mean REAL, sha256 TEXT NOT NULL, ids_z BLOB NOT NULL, values_z BLOB NOT NULL,"
    " UNIQUE (attempt, condition, configuration, unit, quantity)) STRICT; INSERT INTO outcome SELECT * FROM old; DROP TABLE old;"
    " CREATE VIEW outcomes AS SELECT s.protocol_hash, c.generation, c.method, c.params_json, c.subject, c.axes_json, c.seeds_json,"
    " o.attempt, o.condition, o.configuration, o.unit, o.quantity, o.grade, o.n, o.mean, o.sha256, o.ids_z, o.values_z"
    " FROM standing s JOIN cell c ON c.id = s.cell JOIN outcome o ON o.attempt = s.attempt;";

// A database with every kind of cell: done twice, failed after and before, rejected, retracted, of another numerics class,
// not run, planned by an earlier plan only, and under another protocol.
Plan many_states(const fs::path& file) {
  Store db = Store::open(file);
  Bench bench;
  Plan plan = make_plan("attack", "robust_accuracy", "eps=1/10");
  for (const char* method : {"pgd", "fgsm", "cw"})
    for (int seed = 0; seed < 4; ++seed) plan.nodes.push_back(make_cell({method, seed}));
  plan.nodes.push_back(make_cell({"gone", 0}));
  db.record_plan(plan);
  db.import(plan, bench.ok(plan.nodes.back(), small_outcome()));
  plan.nodes.pop_back();
  plan.version = 2;
  db.record_plan(plan);
  const auto& n = plan.nodes;
  for (std::size_t i = 0; i < 7; ++i) db.import(plan, bench.ok(n[i], small_outcome()));
  Finished later = bench.failed(n[0], "crashed", "signal 11");
  later.attempt = 2;
  db.import(plan, later);
  db.import(plan, bench.failed(n[7], "timeout", "600 s"));
  Finished rejected = bench.failed(n[8], "rejected", "left the ball");
  db.import(plan, rejected);
  db.retract(db.import(plan, bench.ok(n[9], small_outcome())).attempt, "wrong data");
  Node elsewhere = n[1];
  elsewhere.numerics.isa = "avx512_core";
  Plan other_class = plan;
  other_class.nodes = {elsewhere};
  db.import(other_class, bench.ok(other_class.nodes[0], {column_event(column("robust", "eps=1/10", {1, 1})), score("robust_accuracy", "eps=1/10", 1)}));
  auto suspect = small_outcome();
  suspect.push_back(verdict("SUSPECT", 19, "flat"));
  db.import(plan, bench.ok(n[10], suspect));
  Plan second = make_plan("detect", "auroc", "far");
  second.nodes = {make_cell({"msp", 0}), n[2]};
  db.record_plan(second);
  db.import(second, bench.ok(second.nodes[0], small_outcome()));
  db.import(second, bench.ok(second.nodes[1], small_outcome()));
  return plan;
}

std::vector<Event> small_outcome() { return {column_event(column("robust", "eps=1/10", {1, 0})), score("robust_accuracy", "eps=1/10", 0.5)}; }

}  // namespace

TEST_CASE("a new database has our marks, STRICT tables and a write-ahead log") {
  const TempDir dir;
  const fs::path file = dir.path() / "deep" / "er" / "assay.db";
  {
    Store db = Store::open(file);
    CHECK(db.schema_version() == static_cast<int>(migrations().size()));
    CHECK(db.journal_mode() == "wal");
  }
  CHECK(raw_text(file, "PRAGMA application_id") == std::to_string(application_id) + "|");
  CHECK(raw_text(file, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%STRICT%'") == "0|");
  CHECK(raw_text(file, "SELECT count(*) > 15 FROM sqlite_schema WHERE type = 'table'") == "1|");
}

TEST_CASE("a process that died while it made a database leaves nothing under the database's name") {
  const TempDir dir;
  const fs::path file = dir.path() / "x.db", unfinished = dir.path() / "x.db.new";
  raw(unfinished, "CREATE TABLE half(x);");
  CHECK(open_error(file, reading()).find("no such file") != std::string::npos);
  CHECK(Store::open(file).schema_version() == static_cast<int>(migrations().size()));
  CHECK_FALSE(fs::exists(unfinished));
  CHECK(raw_text(file, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'") == "0|");
}

TEST_CASE("what is not our database is refused with a reason") {
  const TempDir dir;
  const fs::path file = dir.path() / "x.db";
  SUBCASE("text") {
    std::ofstream(file) << std::string(5000, 'x');
    CHECK(open_error(file).find("not a database") != std::string::npos);
    CHECK(open_error(file, reading()).find("not a database") != std::string::npos);
  }
  SUBCASE("another application's") {
    raw(file, "PRAGMA application_id = 77; CREATE TABLE t(x);");
    CHECK(open_error(file).find("belongs to another application (application_id 77") != std::string::npos);
  }
  SUBCASE("someone's tables without a mark") {
    raw(file, "CREATE TABLE t(x);");
    CHECK(open_error(file).find("belongs to another application") != std::string::npos);
  }
  SUBCASE("a newer schema") {
    raw(file, mark() + "CREATE TABLE t(x); PRAGMA user_version = 999;");
    CHECK(open_error(file).find("schema version 999 is newer than this program's") != std::string::npos);
  }
  SUBCASE("absent, for reading") { CHECK(open_error(file, reading()).find("no such file") != std::string::npos); }
  SUBCASE("a folder") {
    fs::create_directory(file);
    CHECK(open_error(file).find("is a folder") != std::string::npos);
  }
}

TEST_CASE("migrations: from nothing, from version 0 and from version 1, rows kept") {
  const TempDir dir;
  const fs::path file = dir.path() / "x.db";
  const int newest = static_cast<int>(migrations().size());
  SUBCASE("an empty file") {
    std::ofstream(file).flush();
    CHECK(Store::open(file).schema_version() == newest);
  }
  SUBCASE("version 0 with our mark: killed before the first migration") {
    raw(file, mark());
    CHECK(Store::open(file).schema_version() == newest);
  }
  SUBCASE("version 1") {
    raw(file, mark() + migrations()[0] + "PRAGMA user_version = 1; INSERT INTO claimed VALUES ('s','m','','q','c',0.5,'p');");
    CHECK(open_error(file, reading()).find("schema version 1 is older") != std::string::npos);
    Store db = Store::open(file);
    CHECK(db.schema_version() == newest);
    CHECK(db.claimed("s").size() == 1);
    CHECK(db.leaderboard("none").empty());  // the views are there
  }
  SUBCASE("version 4: the views of version 5 say the same of the same rows") {
    const Plan plan = many_states(file);
    const std::vector<std::string> views = {"leaderboard", "coverage", "standing", "outcomes"};
    const auto said = [&](const std::string& view) { return rows_of(file, "SELECT * FROM " + view + " ORDER BY 1, 2, 3, 4, 5, 6"); };
    std::map<std::string, std::vector<std::string>> now;
    for (const std::string& view : views) now[view] = said(view);
    std::string back = back_to_5 + "DROP VIEW outcomes; DROP VIEW leaderboard; DROP VIEW coverage; DROP VIEW row_cell; DROP VIEW standing;"
                       " DROP VIEW current_cell; DROP INDEX plan_by_suite; DROP VIEW latest_plan; DROP VIEW attempts;";
    raw(file, back + migrations()[1] + "PRAGMA user_version = 4;");
    for (const std::string& view : views) {
      CAPTURE(view);
      CHECK(said(view).size() > 1);
      CHECK(said(view) == now[view]);
    }
    CHECK(Store::open(file).schema_version() == newest);
    for (const std::string& view : views) CHECK(said(view) == now[view]);
    CHECK(Store::open(file).leaderboard(plan.protocol_hash).size() > 1);
  }
  SUBCASE("version 5: every column keeps its ids and values, and a list is stored once") {
    many_states(file);
    const std::string columns = "SELECT id, attempt, condition, quantity, sha256, hex(ids_z), hex(values_z) FROM ";
    const auto now = rows_of(file, columns + "outcome_column ORDER BY id");
    raw(file, back_to_5 + "PRAGMA user_version = 5;");
    CHECK(rows_of(file, columns + "outcome ORDER BY id") == now);
    const Store db = Store::open(file);
    CHECK(db.schema_version() == newest);
    CHECK(db.problems().empty());
    CHECK(rows_of(file, columns + "outcome_column ORDER BY id") == now);
    CHECK(now.size() > 3);
    CHECK(raw_text(file, "SELECT count(*) = count(DISTINCT ids_z) AND count(*) = (SELECT count(DISTINCT ids_z) FROM outcome_column)"
                         " FROM sample_list") == "1|");
  }
  SUBCASE("a condition on the protocol reaches the plans: no other protocol's rows are read") {
    Store::open(file);
    for (const std::string view : {"current_cell", "coverage", "leaderboard", "outcomes"}) {
      std::string plan;
      for (const std::string& row : rows_of(file, "EXPLAIN QUERY PLAN SELECT * FROM " + view + " WHERE protocol_hash = 'x'"))
        plan += row + "\n";
      CAPTURE(plan);
      CHECK(plan.find("SEARCH p USING COVERING INDEX plan_by_protocol (protocol_hash=?)") != std::string::npos);
      CHECK(plan.find("SCAN p ") == std::string::npos);
      CHECK(plan.find("SCAN pc ") == std::string::npos);
      CHECK(plan.find("SCAN c ") == std::string::npos);
      CHECK(plan.find("SCAN a ") == std::string::npos);
    }
  }
  SUBCASE("every view can be read") {
    Store::open(file);
    for (const std::string view : {"latest_plan", "current_cell", "standing", "coverage", "leaderboard", "attempts", "outcomes"})
      CHECK(raw_text(file, "SELECT count(*) FROM " + view) == "0|");
  }
}

TEST_CASE("one writer: a second one is refused, a reader is not") {
  const TempDir dir;
  const fs::path file = dir.path() / "x.db";
  Store writer = Store::open(file);
  CHECK(open_error(file).find("locked by another process that writes it") != std::string::npos);
  CHECK(Store::open(file, reading()).suites().empty());
}

TEST_CASE("another connection's transaction gives a clear error after the busy timeout") {
  Bench bench;
  const fs::path file = bench.path() / "x.db";
  OpenOptions options;
  options.busy_ms = 30;
  Store db = Store::open(file, options);
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(message_of([&] { db.record_plan(synthetic::make_plan("attack", "", "")); }).find("locked by another process") !=
        std::string::npos);
  sqlite3_close(other);
  db.record_plan(synthetic::make_plan("attack", "", ""));
  CHECK(db.suites().size() == 1);
}

TEST_CASE("a read-only file is refused for writing and served for reading") {
  if (::geteuid() == 0) return;  // root may write anything
  const TempDir dir;
  const fs::path file = dir.path() / "x.db";
  Store::open(file);
  fs::permissions(file, fs::perms::owner_read);
  CHECK(open_error(file).find("read-only") != std::string::npos);
  CHECK(Store::open(file, reading()).suites().empty());
}

TEST_CASE("writing through a reader is refused") {
  const TempDir dir;
  const fs::path file = dir.path() / "x.db";
  Store::open(file);
  Store db = Store::open(file, reading());
  CHECK(message_of([&] { db.record_plan(synthetic::make_plan("attack", "", "")); }).find("opened read-only") != std::string::npos);
}

TEST_CASE("a network file system gets a rollback journal instead of a write-ahead log") {
  CHECK(std::string(journal_mode_for(0x6969)) == "delete");       // NFS
  CHECK(std::string(journal_mode_for(0xff534d42)) == "delete");   // CIFS
  CHECK(std::string(journal_mode_for(0x0bd00bd0)) == "delete");   // Lustre
  CHECK(std::string(journal_mode_for(0xef53)) == "wal");          // ext4
  CHECK(std::string(journal_mode_for(0x01021994)) == "wal");      // tmpfs
  const TempDir dir;
  const fs::path file = dir.path() / "x.db";
  Store::open(file);
  OpenOptions options;
  options.network = true;
  CHECK(Store::open(file, options).journal_mode() == "delete");   // a database that moved is converted
}

TEST_CASE("a full disk leaves the cell out as a whole and says so") {
  Bench bench;
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.nodes = {make_cell({"pgd", 0}), make_cell({"pgd", 1})};
  const fs::path file = bench.path() / "x.db";
  { Store::open(file).import(plan, bench.ok(plan.nodes[0], small_outcome())); }
  std::vector<double> noise(200000);
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = std::sin(static_cast<double>(i));
  const Finished big = bench.ok(plan.nodes[1], {column_event(column("score", "id", noise)), score("auroc", "id", 1)});
  {
    OpenOptions options;
    options.max_bytes = static_cast<std::int64_t>(fs::file_size(file)) + 300000;
    Store db = Store::open(file, options);
    const std::string message = message_of([&] { db.import(plan, big); });
    CHECK(message.find("disk full (") != std::string::npos);
    CHECK(message.find("bytes are free in " + bench.path().string() + "); nothing of this import was stored") != std::string::npos);
    CHECK(db.cells(plan.protocol_hash)[0].standing.has_value());
    CHECK_FALSE(db.cells(plan.protocol_hash)[1].standing.has_value());
  }
  Store db = Store::open(file);
  CHECK(db.import(plan, big).added);
}

TEST_CASE("kill -9 while importing leaves a consistent database that goes on") {
  Bench bench;
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  for (std::int64_t seed = 0; seed < 40; ++seed) plan.nodes.push_back(make_cell({"pgd", seed}));
  std::vector<Finished> all;
  for (const Node& node : plan.nodes) all.push_back(bench.ok(node, small_outcome()));
  const fs::path file = bench.path() / "x.db";
  for (int round = 0; round < 6; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        Store db = Store::open(file);
        for (const Finished& f : all) db.import(plan, f);
      } catch (...) {
        ::_exit(9);
      }
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + 11 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK_MESSAGE((WIFSIGNALED(status) || WEXITSTATUS(status) == 0), "the child failed by itself");
    if (!fs::exists(file)) continue;
    CHECK(raw_text(file, "PRAGMA integrity_check") == "ok|");
    CHECK(raw_text(file, "PRAGMA foreign_key_check").empty());
    if (raw_text(file, "PRAGMA user_version") != std::to_string(migrations().size()) + "|") continue;
    CHECK(raw_text(file, "SELECT count(*) FROM attempt a WHERE (SELECT count(*) FROM outcome o WHERE o.attempt = a.id) <> 1"
                         " OR (SELECT count(*) FROM stage s WHERE s.attempt = a.id) <> 2") == "0|");
  }
  Store db = Store::open(file);
  for (const Finished& f : all) db.import(plan, f);
  for (const CellRecord& cell : db.cells(plan.protocol_hash)) CHECK(cell.standing->n == 1);
  CHECK(db.leaderboard(plan.protocol_hash).at(0).done == 40);
}

TEST_CASE("a database in a folder that may not be written can be read") {
  if (::geteuid() == 0) return;
  const TempDir dir;
  const fs::path folder = dir.path() / "frozen#1", file = folder / "x.db";
  Store::open(file);
  for (const char* suffix : {"-wal", "-shm", ".lock"}) fs::remove(file.string() + suffix);
  fs::permissions(folder, fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(Store::open(file, reading()).suites().empty());
  fs::permissions(folder, fs::perms::owner_all);
}
