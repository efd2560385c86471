// Verdicts and critical-difference diagrams in the chunks, from databases made by hand.
#include <doctest/doctest.h>

#include "results/board/data_sets.hpp"
#include "results/export/sections.hpp"
#include "tests/unit/board/boards.hpp"

using namespace assay;
using boards::World;

namespace {

// Detectors on far lists and on one near list, 2 subjects, 3 seeds; auroc[method][list]. NaN: the score is missing.
World lists_world(const std::vector<std::pair<std::string, std::vector<double>>>& auroc) {
  World w(synthetic::make_plan("detect", "auroc", "far:set0"));
  for (const auto& [method, values] : auroc)
    for (std::int64_t seed = 0; seed < 3; ++seed)
      for (const char* subject : {"net", "other"}) {
        const double shift = 0.001 * static_cast<double>(seed) + (subject[0] == 'n' ? 0.01 : -0.01);
        std::vector<synthetic::Event> events = {synthetic::score("accuracy", "id", 0.9), synthetic::score("auroc", "near:set9", 0.5)};
        for (std::size_t d = 0; d < values.size(); ++d)
          if (!std::isnan(values[d])) events.push_back(synthetic::score("auroc", "far:set" + std::to_string(d), values[d] + shift));
        w.ok(w.add({method, seed, false, Json(Json::Object{}), Json::object({{"subject", subject}}), subject}), events);
      }
  w.import();
  return w;
}

std::string status_of(const World& w) { return site::critical_difference(w.board()).at("status").as_string(); }

}  // namespace

TEST_CASE("data sets of a board are the lists of the ranked group; seeds and subjects are averaged [rule 28] [rule 49]") {
  const World w = lists_world({{"a", {0.9, 0.8, 0.7}}, {"b", {0.6, 0.7, 0.8}}});
  const stats::Table table = board::data_set_table(w.board());
  CHECK(table.higher_is_better);
  CHECK(table.data_sets == std::vector<std::string>{"far:set0", "far:set1", "far:set2"});
  REQUIRE(table.methods.size() == 2);
  for (std::size_t m = 0; m < 2; ++m) {
    const bool a = table.methods[m] == "a";
    CHECK(*table.values[1][m] == doctest::Approx((a ? 0.8 : 0.7) + 0.001));
  }
}

TEST_CASE("a diagram from the database: ranks, cliques, and what left a list out [rule 46]") {
  // "best" leads by the same order on all lists, so of 8 lists every pair with it is rejected; "c" and "d" take turns.
  const double none = std::nan("");
  const World w = lists_world({{"best", {.90, .91, .92, .93, .94, .95, .96, .97, .98}},
                               {"c", {.80, .72, .83, .71, .85, .70, .84, .73, none}},
                               {"d", {.71, .83, .72, .80, .70, .84, .73, .85, .5}}});
  const Json cd = site::critical_difference(w.board());
  CHECK(cd.at("status").as_string() == "ok");
  CHECK(cd.at("datasets").as_int() == 8);
  CHECK(cd.at("reason").as_string().find("1 of 9 data sets lack a method") != std::string::npos);
  CHECK(cd.at("ranks").at(std::size_t{0}).at("method").as_string() == "best");
  CHECK(cd.at("ranks").at(std::size_t{0}).at("rank").as_real() == 1);
  CHECK(cd.at("ranks").at(std::size_t{1}).at("rank").as_real() == 2.5);
  REQUIRE(cd.at("cliques").size() == 1);
  CHECK(cd.at("cliques").at(std::size_t{0}).dump() == "[\"c\",\"d\"]");
}

TEST_CASE("no diagram: below five data sets, when nothing was told apart, without lists, without ranked methods [rule 47]") {
  const World few = lists_world({{"a", {.9, .9, .9, .9}}, {"b", {.8, .8, .8, .8}}, {"c", {.7, .7, .7, .7}}});
  CHECK(status_of(few) == "too_few");
  CHECK(site::critical_difference(few.board()).at("datasets").as_int() == 4);
  CHECK(status_of(lists_world({{"a", {.9, .7, .8, .9, .7, .8}}, {"b", {.8, .9, .7, .8, .9, .7}}, {"c", {.7, .8, .9, .7, .8, .9}}})) ==
        "no_difference");
  CHECK(status_of(boards::attack_world()) == "too_few");  // radii are no data sets
  board::Query query;
  query.protocol = few.plan.protocol_hash;  // nothing is certified, so nothing is ranked
  CHECK(site::critical_difference(board::make_board(few.db, query)).at("reason").as_string() == "fewer than two methods are ranked");
}

TEST_CASE("claims carry their verdict, its numbers and why into a board's chunk") {
  World w = boards::attack_world();
  w.plan.claims = {{"holds", "noise is harmless", "mean(robust_accuracy, method='noise') > 0.5", "", true},
                   {"open", "pgd has no certificate", "mean(robust_accuracy, method='pgd') < 0.5", "", false}};
  w.db.record_plan(w.plan);
  const site::BoardData data = site::read_board(w.db, w.db.protocol(w.plan.protocol_hash), {});
  const Json claims = site::board_chunk(data).at("claims");
  REQUIRE(claims.size() == 2);
  const Json &holds = claims.at(std::size_t{0}), &open = claims.at(std::size_t{1});
  CHECK(holds.at("verdict").as_string() == "reproduced");
  CHECK(holds.at("lo").as_real() < holds.at("effect").as_real());
  CHECK(holds.at("detail").as_string().find("over samples and seeds, n = 3 and 200") != std::string::npos);
  CHECK(holds.at("test").as_string() == "bootstrap over samples, Student over seeds");
  CHECK(open.at("verdict").as_string() == "void");
  CHECK(open.at("effect").is_null());
  CHECK(open.at("detail").as_string().find("no certificate") != std::string::npos);
  CHECK_FALSE(open.at("gate").as_bool());
}
