// The database as text files, and the check of a whole file.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <sstream>

#include "results/store/store.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;

namespace {

constexpr double third = 1.0 / 3;

struct Filled {
  Bench bench;
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  fs::path file = bench.path() / "assay.db";

  Filled() {
    plan.nodes.push_back(make_cell({"a \"quoted\", method", 0}));
    Store db = Store::open(file);
    db.import(plan, bench.ok(plan.nodes[0], {column_event(column("robust", "eps=1/10", {1, third})),
                                             score("robust_accuracy", "eps=1/10", third, 2, Json::object({{"mode", "x"}})),
                                             verdict("SUSPECT", 19, "two\nlines")}));
  }
  void raw(const std::string& sql) const {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
  }
  Store reader() const {
    OpenOptions options;
    options.write = false;
    return Store::open(file, options);
  }
};

std::vector<Json> lines_of(const fs::path& file) {
  std::vector<Json> out;
  std::istringstream text(read_text(file));
  for (std::string line; std::getline(text, line);) out.push_back(Json::parse(line, file.string()));
  return out;
}

}  // namespace

TEST_CASE("the database as JSON lines: every view, numbers exact, JSON columns as values") {
  const Filled w;
  const fs::path folder = w.bench.path() / "out";
  const auto dumped = w.reader().dump(folder, DumpFormat::jsonl, true);
  REQUIRE(dumped.size() == 8);
  for (const Dumped& one : dumped) CHECK(lines_of(one.file).size() == static_cast<std::size_t>(one.rows));
  const auto samples = lines_of(folder / "samples.jsonl");
  REQUIRE(samples.size() == 2);
  CHECK(samples[1].at("id").as_int() == 1007);
  CHECK(samples[1].at("value").as_real() == third);
  CHECK(samples[1].at("generation").as_string() == w.plan.nodes[0].key);
  const Json score = lines_of(folder / "scores.jsonl").at(0);
  CHECK(score.at("value").as_real() == third);
  CHECK(score.at("extra").at("mode").as_string() == "x");
  CHECK(lines_of(folder / "attempts.jsonl").at(0).at("seeds").at("method").as_int() == 0);
  CHECK(lines_of(folder / "verdicts.jsonl").at(0).at("reason").as_string() == "two\nlines");
  CHECK(lines_of(folder / "leaderboard.jsonl").at(0).at("mean").as_real() == third);
}

TEST_CASE("the database as CSV: quoted where needed, one state, no samples unless asked for") {
  const Filled w;
  const fs::path folder = w.bench.path() / "out";
  CHECK(w.reader().dump(folder, DumpFormat::csv, false).size() == 7);
  CHECK_FALSE(fs::exists(folder / "samples.csv"));
  const std::string board = read_text(folder / "leaderboard.csv");
  CHECK(board.find("protocol_hash,method,") == 0);
  CHECK(board.find(",\"a \"\"quoted\"\", method\",") != std::string::npos);
  CHECK(read_text(folder / "verdicts.csv").find("\"two\nlines\"") != std::string::npos);
  for (const auto& entry : fs::directory_iterator(folder)) CHECK(entry.path().extension() == ".csv");
}

TEST_CASE("a damaged column and a broken reference are named, a whole file has no problems") {
  const Filled w;
  w.raw("INSERT INTO claimed VALUES ('s', 'm', '', 'q', 'c', 0.5, 'Table 1')");  // SQLite 3.40 calls the value NULL
  CHECK(w.reader().problems() == std::vector<std::string>{});
  w.raw("UPDATE outcome SET sha256 = 'else'");
  auto problems = w.reader().problems();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].find("outcome 'robust' at 'eps=1/10' of attempt 1: has digest") == 0);
  w.raw("UPDATE outcome SET values_z = x'00'");
  problems = w.reader().problems();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].find("outcome 'robust' at 'eps=1/10' of attempt 1") != std::string::npos);
  w.raw("DELETE FROM outcome; DELETE FROM cell");  // foreign keys are off in this connection
  CHECK_FALSE(w.reader().problems().empty());
  CHECK(w.reader().problems()[0].find("points at no row of 'cell'") != std::string::npos);
}
