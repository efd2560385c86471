// Boards whose rows all have one seed, and what a board of subjects says of each attack.
#include <doctest/doctest.h>

#include "results/board/format.hpp"
#include "tests/unit/board/boards.hpp"

using namespace boards;
using assay::board::Format;

namespace {

World subjects(std::int64_t seeds) {
  Plan plan = make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.rank = "subject";
  World w(plan);
  const Json none{Json::Object{}};
  for (std::int64_t s = 0; s < seeds; ++s)
    for (const std::string subject : {"plain", "trained"}) {
      const bool trained = subject == "trained";
      const auto clean = flags(trained ? 160 : 190, 5);
      w.ok(w.add({"pgd", s, false, none, none, subject}), attacked(clean, flags(trained ? 120 : 4, 6)));
      w.ok(w.add({"autoattack", s, false, none, none, subject}), attacked(clean, flags(trained ? 100 : 0, 7)));
    }
  w.import();
  return w;
}

std::size_t times(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

}  // namespace

TEST_CASE("a board of single runs marks every row, in all four formats, and ranks none [rule 5]") {
  const Board b = subjects(1).board();
  for (const Row& row : b.rows) {
    CHECK(row.single_run);
    CHECK_FALSE(row.rank);
    CHECK(assay::board::format(b, Format::json).find("\"single_run\": true") != std::string::npos);
  }
  CHECK(b.rows[0].subject == "trained");  // in order of the numbers
  const std::string table = assay::board::format(b, Format::table, {120, true});
  CHECK(times(table, "single  ") == 2);
  CHECK(times(table, "Every row is a single run (fewer than 3 seeds, rule 5)") == 1);
  CHECK(b.sentence.find("One seed; brackets are 95 % intervals over 200 samples") != std::string::npos);
  CHECK(times(assay::board::format(b, Format::markdown), "| single |") == 2);
  CHECK(times(assay::board::format(b, Format::csv), ",single run,") == 2 * b.metrics.size());
}

TEST_CASE("three seeds are no single run, and two are") {
  CHECK(subjects(3).board().sentence.find("single run") == std::string::npos);
  CHECK(subjects(3).board().rows[0].rank);
  CHECK(subjects(2).board().sentence.find("Means over seeds") != std::string::npos);
  CHECK(subjects(2).board().sentence.find("single run") != std::string::npos);
}

TEST_CASE("a board of subjects has an interval on every number, and a column an attack [rule 6] [rule 14]") {
  const Board b = subjects(1).board();
  REQUIRE(b.metrics.size() == 4);
  CHECK(b.metrics[3].configuration == "pgd");
  CHECK(b.metrics[2].title() == "robust_accuracy @ eps=1/10 [autoattack]");
  for (const Row& row : b.rows)
    for (const auto& value : row.values) {
      REQUIRE(value.interval);
      CHECK(value.interval->over == "samples");
      CHECK(value.interval->lo <= *value.mean);
      CHECK(value.interval->hi >= *value.mean);
    }
  const Row& trained = b.rows[0];
  CHECK(*trained.values[1].mean == doctest::Approx(0.8));
  CHECK(*trained.values[0].mean <= std::min(*trained.values[2].mean, *trained.values[3].mean));
}

TEST_CASE("costs give way before what each attack leaves") {
  const std::string table = assay::board::format(subjects(1).board(), Format::table, {120, true});
  CHECK(table.find("under autoattack") < table.find("\n---"));  // a head, and not among what is not shown
  CHECK(table.find("MACs") > table.find("Not shown for width"));
}

TEST_CASE("in a narrow terminal a companion gives up its interval before the row breaks, and the table says so") {
  const Board b = subjects(1).board();
  const std::string narrow = assay::board::format(b, Format::table, {80, true});
  std::size_t widest = 0;
  for (std::size_t at = 0; at < narrow.size();) {
    const std::size_t end = narrow.find('\n', at);
    widest = std::max(widest, end - at);
    at = end + 1;
  }
  CHECK(widest <= 80);
  CHECK_MESSAGE(narrow.find("intervals") != std::string::npos, narrow);
}
