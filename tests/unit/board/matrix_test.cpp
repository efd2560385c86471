// Transfer matrices from their rows, and as text.
#include <doctest/doctest.h>

#include "results/board/format.hpp"
#include "results/board/matrix.hpp"
#include "tests/unit/board/boards.hpp"

using namespace boards;

TEST_CASE("a matrix has the suite's order, marks one net as both, and knows what has not run [rule 27]") {
  const World w = matrix_world(1);
  const Board b = w.board();
  const auto matrices = assay::board::make_matrices(b);
  REQUIRE(matrices.size() == 2);
  CHECK(matrices[0].method == "mi-fgsm");
  CHECK(matrices[1].baseline);
  const auto& m = matrices[0];
  CHECK(m.sources == std::vector<std::string>{"b", "a"});
  CHECK(m.victims == std::vector<std::string>{"a", "b", "c"});
  CHECK(m.pairings[0][1].diagonal);
  CHECK(m.pairings[1][0].diagonal);
  CHECK_FALSE(m.pairings[0][0].diagonal);
  const auto value = [&](std::size_t s, std::size_t v) { return b.rows[m.pairings[s][v].row].values[0].mean; };
  CHECK(*value(0, 0) == doctest::Approx(0.5));
  CHECK(*value(1, 1) == doctest::Approx(0.7));
  CHECK(*value(1, 0) == doctest::Approx(1.0));
  CHECK_FALSE(value(1, 2));
}

TEST_CASE("as text: sources are lines, the diagonal is in brackets, intervals where they fit, clean accuracy below") {
  const Board b = matrix_world(1).board();
  const std::string wide = assay::board::format(b, assay::board::Format::table, {120, false});
  CHECK(wide.find("mi-fgsm: attack_success_rate @ eps=1/10\n") != std::string::npos);
  CHECK(wide.find("noise (baseline): attack_success_rate") != std::string::npos);
  CHECK(wide.find("from \\ on ") != std::string::npos);
  CHECK(wide.find("[1.000\u00b10.000]") != std::string::npos);
  CHECK(wide.find("0.700\u00b10.0") != std::string::npos);
  CHECK(wide.find("accuracy @ clean") != std::string::npos);
  CHECK(wide.find("mi-fgsm surrogate=a on c: 1 of 1 not run") != std::string::npos);
  CHECK(wide.find("single run") != std::string::npos);
  const std::string narrow = assay::board::format(b, assay::board::Format::table, {50, false});
  CHECK(narrow.find("\u00b10") == std::string::npos);
  CHECK(narrow.find("Intervals need a wider terminal") != std::string::npos);
}

TEST_CASE("a baseline that looks at no source has one line") {
  World w(make_plan("attack", "attack_success_rate", "eps=1/10"));
  w.plan.rank = "none";
  w.plan.protocol["threat"] = Json::object({{"access", "transfer"}, {"matrix", true}, {"surrogates", Json(std::vector<std::string>{"a", "b"})},
                                            {"victims", Json(std::vector<std::string>{"a", "b"})}});
  w.plan.protocol_hash = assay::sha256(w.plan.protocol.dump());
  for (const std::string source : {"a", "b"})
    for (const std::string victim : {"a", "b"})
      w.ok(w.add({"noise", 0, true, Json(Json::Object{}), Json::object({{"surrogate", source}}), victim}),
           attacked(std::vector<double>(samples, 1), flags(victim == "a" ? 190 : 150, 1)));
  w.import();
  const std::string text = assay::board::matrix_text(w.board(), 100);
  CHECK(text.find("\nany ") != std::string::npos);
  CHECK(text.find("\na ") == std::string::npos);
  CHECK(text.find("[0.050") == std::string::npos);
}

TEST_CASE("other boards have no matrix") {
  CHECK(assay::board::make_matrices(attack_world().board()).empty());
  CHECK(assay::board::matrix_text(attack_world().board(), 100).empty());
}
