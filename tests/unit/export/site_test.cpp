// Sites written from databases made by hand, read back chunk by chunk and compared with the boards that they are made
// from.
#include "results/export/site.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "tests/unit/board/boards.hpp"
#include "tests/unit/export/written.hpp"

using namespace assay;
using boards::World;
using export_test::Written;

namespace {

const Json& row_of(const Json& board, const std::string& method) {
  for (const Json& row : board.at("rows").as_array())
    if (row.at("method").as_string() == method) return row;
  FAIL("no row " << method);
  return board;
}

Json cell_of(const Written& site, const std::string& key) {
  const auto digits = site.chunk("index").at("cell_prefix").as_int();
  return site.chunk("cells/" + (digits == 0 ? std::string("all") : key.substr(0, static_cast<std::size_t>(digits))))
      .at(key);
}

std::string problem(const store::Store& db, const site::SiteOptions& options) {
  return synthetic::message_of([&] { site::write_site(db, options); });
}

}  // namespace

TEST_CASE("a board's chunk says what the board says: values, intervals, ranks, why a row has none [rule 2] [rule 6]") {
  World w = boards::attack_world();
  w.db.add_claimed({w.plan.series, "pgd", "net", "robust_accuracy", "eps=1/10", "Table 1", 0.01});
  const Written site(w.db);
  board::Query query;
  query.protocol = w.plan.protocol_hash;
  const board::Board expected = board::make_board(w.db, query);
  const Json chunk = site.chunk("board/" + w.plan.protocol_hash.substr(0, 12));
  REQUIRE(chunk.at("rows").size() == expected.rows.size());
  for (std::size_t r = 0; r < expected.rows.size(); ++r) {
    const board::Row& row = expected.rows[r];
    const Json& written = chunk.at("rows").at(r);
    CHECK(written.at("method").as_string() == row.method);
    CHECK(written.has("rank") == row.rank.has_value());
    CHECK(written.get("unranked", "") == row.unranked_because);
    CHECK(written.get("status", "ok") == row.status);
    CHECK(written.get("level", 0) == static_cast<int>(row.level));
    CHECK(written.get("done", 0) == row.coverage.done);
    for (std::size_t m = 0; m < row.values.size(); ++m) {
      const Json& value = written.at("values").at(m);
      CHECK(value.is_null() == !row.values[m].mean.has_value());
      if (value.is_null()) continue;
      CHECK(value.at(0).as_real() == *row.values[m].mean);
      CHECK(value.at(5).size() == row.values[m].per_seed.size());
      if (!row.values[m].interval) continue;
      CHECK(value.at(1).as_real() == row.values[m].interval->lo);
      CHECK(value.at(2).as_real() == row.values[m].interval->hi);
      CHECK(chunk.at("over").at(static_cast<std::size_t>(value.at(3).as_int())).as_string() ==
            row.values[m].interval->over);
      CHECK(value.at(4).as_int() == row.values[m].interval->n);
    }
  }
  CHECK(chunk.at("claimed").at(std::size_t{0}).at("source").as_string() == "Table 1");
  CHECK(chunk.at("metrics").at(std::size_t{0}).at("better").as_string() == "lower");
}

TEST_CASE(
    "paired differences are those of the means, corrected together, and include no invalid row [rule 45] [rule 50]") {
  const World w = boards::attack_world();
  const Written site(w.db);
  const std::string id = w.plan.protocol_hash.substr(0, 12);
  const Json board = site.chunk("board/" + id), compare = site.chunk("compare/" + id);
  REQUIRE(compare.at("pairs").size() > 3);
  for (const Json& pair : compare.at("pairs").as_array()) {
    const Json& a = board.at("rows").at(static_cast<std::size_t>(pair.at(0).as_int()));
    const Json& b = board.at("rows").at(static_cast<std::size_t>(pair.at(1).as_int()));
    CHECK(a.get("level", 0) < 2);
    CHECK(b.get("level", 0) < 2);
    const double difference = a.at("values").at(std::size_t{0}).at(std::size_t{0}).as_real() -
                              b.at("values").at(std::size_t{0}).at(std::size_t{0}).as_real();
    CHECK(pair.at(2).as_real() == doctest::Approx(difference).epsilon(1e-12));
    CHECK(pair.at(3).as_real() <= pair.at(2).as_real());
    CHECK(pair.at(4).as_real() >= pair.at(2).as_real());
    CHECK(pair.at(6).as_real() >= pair.at(5).as_real());
  }
  CHECK(compare.at("cd").at("status").as_string() == "too_few");
}

TEST_CASE(
    "a cell's record has its verdicts, scores, stages with logs where they matter, and the command that makes it "
    "again") {
  const World w = boards::attack_world();
  const Written site(w.db);
  const Json board = site.chunk("board/" + w.plan.protocol_hash.substr(0, 12));
  const Json suspect = cell_of(site, row_of(board, "masked").at("cells").at(std::size_t{0}).as_string());
  CHECK(suspect.at("attempts").at(std::size_t{0}).at("level").as_int() == 1);
  CHECK(suspect.at("attempts").at(std::size_t{0}).at("verdicts").at(std::size_t{0}).at("rule").as_int() == 19);
  CHECK(suspect.at("stages").at(std::size_t{0}).has("log"));
  CHECK(suspect.at("commands")
            .at(std::size_t{0})
            .as_string()
            .rfind("assay run " + w.plan.file + " --only method=masked", 0) == 0);
  const Json noise = cell_of(site, row_of(board, "noise").at("cells").at(std::size_t{0}).as_string());
  CHECK_FALSE(noise.at("stages").at(std::size_t{0}).has("log"));
}

TEST_CASE("the index counts what is in trouble and names every board, method and claim") {
  const World w = boards::attack_world();
  const Written site(w.db);
  const Json index = site.chunk("index"), entry = index.at("boards").at(std::size_t{0});
  CHECK(index.at("format").as_int() == 1);
  CHECK(index.at("version").as_string() == "9.9");
  CHECK(entry.get("planned", 0) == 25);
  CHECK(entry.get("suspect", 0) == 3);
  CHECK(entry.get("failed", 0) == 7);  // 3 crashed, 1 out of memory, 3 rejected
  CHECK(index.at("claims").size() == 2);
  CHECK(index.at("health").at("problems").size() == 10);
  for (const Json& method : index.at("methods").as_array())
    CHECK(fs::exists(site.target / "data/method" / (method.at("name").as_string() + ".js")));
  CHECK(site.report.cells == 25);
}

TEST_CASE("a site is replaced by a newer one, another folder is not touched, and what is missing is said") {
  const World w = boards::attack_world();
  const Written site(w.db);
  write_atomic(site.target / "data/board/old.js", std::string_view("stale"));
  site.again(w.db);
  CHECK_FALSE(fs::exists(site.target / "data/board/old.js"));

  const TempDir other;
  write_atomic(other.path() / "thesis.txt", std::string_view("mine"));
  const fs::path front = site.folder.path() / "front";
  CHECK(problem(w.db, {front, other.path(), ""}).find("neither empty nor a site") != std::string::npos);
  CHECK(read_text(other.path() / "thesis.txt") == "mine");
  CHECK(problem(w.db, {other.path() / "none", other.path() / "x", ""}).find("assay-site-bundle") != std::string::npos);
  const auto empty = store::Store::open(other.path() / "empty.db");
  CHECK(problem(empty, {front, other.path() / "y", ""}).find("no suite has been run") != std::string::npos);
}

TEST_CASE("a transfer matrix is written as rows of the board by source and victim, its diagonal marked [rule 27]") {
  World w = boards::matrix_world(1);
  const Written site(w.db);
  const Json chunk = site.chunk("board/" + w.plan.protocol_hash.substr(0, 12));
  REQUIRE(chunk.at("matrices").size() == 2);
  const Json& matrix = chunk.at("matrices").at(0);
  CHECK(matrix.at("method").as_string() == "mi-fgsm");
  CHECK(matrix.at("sources") == Json(std::vector<std::string>{"b", "a"}));
  CHECK(matrix.at("victims") == Json(std::vector<std::string>{"a", "b", "c"}));
  const Json& same = matrix.at("rows").at(1).at(0);
  CHECK(same.at(1) == Json(1));
  const Json& across = matrix.at("rows").at(0).at(0);
  CHECK(across.at(1) == Json(0));
  const Json& row = chunk.at("rows").at(static_cast<std::size_t>(across.at(0).as_int()));
  CHECK(row.at("subject").as_string() == "a");
  CHECK(row.at("axes").at("surrogate").as_string() == "b");
  World other = boards::attack_world();
  CHECK(Written(other.db).chunk("board/" + other.plan.protocol_hash.substr(0, 12)).at("matrices").size() == 0);
}

TEST_CASE("a row of a board of subjects says what the net is and names its cells by attack") {
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.rank = "subject";
  const Json lenet = Json::object({{"arch", "lenet"}, {"params", Json::object({{"width", 2}})}});
  plan.protocol["subjects"] = Json(Json::Array{
      Json::object({{"id", "robust"}, {"build", lenet}, {"recipe", Json::object({{"adversary", "pgd"}, {"adv_eps", "1/10"}, {"epochs", 8}})}}),
      Json::object({{"id", "plain"}, {"build", lenet}, {"recipe", Json::object({{"epochs", 4}})}}),
      Json::object({{"id", "usual"}, {"build", lenet}, {"recipe", Json::object({{"adversary", "fgsm"}, {"epochs", 8}})}}),
      Json::object({{"id", "given"}, {"build", Json::object({{"onnx", std::string(64, 'a')}})}}),
      Json::object({{"id", "three"}, {"from", Json::object({{"method", "dverge"}, {"model", "plain"}, {"members", 3}})}})});
  plan.protocol_hash = sha256(plan.protocol.dump());
  World w(plan);
  const Json none{Json::Object{}};
  for (const std::string subject : {"robust", "plain", "usual", "given", "three"})
    for (const std::string method : {"noise", "pgd"})
      w.ok(w.add({method, 0, method == "noise", none, none, subject}), boards::attacked(boards::flags(180, 1), boards::flags(40, 2)));
  w.import();
  const Json chunk = Written(w.db).chunk("board/" + w.plan.protocol_hash.substr(0, 12));
  std::map<std::string, std::string> nets;
  for (const Json& row : chunk.at("rows").as_array()) {
    nets[row.at("subject").as_string()] = row.at("net").as_string();
    REQUIRE(row.at("labels").size() == row.at("cells").size());
    CHECK(row.at("labels").at(1).as_string().find("pgd") == 0);
  }
  CHECK(nets["robust"] == "lenet (width 2); trained against pgd, eps 1/10, 8 epochs");
  CHECK(nets["plain"] == "lenet (width 2); trained on clean inputs, 4 epochs");
  CHECK(nets["usual"] == "lenet (width 2); trained against fgsm, 8 epochs");  // keys at their defaults are no part of a protocol
  CHECK(nets["given"] == "given as ONNX, aaaaaaaaaaaa");
  CHECK(nets["three"] == "dverge of 3 x plain");
  // What a trivial baseline leaves is part of the worst case and no column.
  std::set<std::string> columns;
  for (const Json& metric : chunk.at("metrics").as_array()) columns.insert(metric.at("configuration").as_string());
  CHECK(columns == std::set<std::string>{"", "pgd"});
}
