// Golden outputs of the four formats. ASSAY_GOLDEN=collect rewrites them; read the diff before committing it.
#include <doctest/doctest.h>

#include <cstdlib>

#include "boards.hpp"
#include "results/board/format.hpp"

using namespace assay;
using namespace assay::board;
using namespace boards;

namespace {

void compare(const std::string& name, const std::string& got) {
  const fs::path file = fs::path(ASSAY_SOURCE_DIR) / "tests/unit/board/golden" / name;
  const char* mode = std::getenv("ASSAY_GOLDEN");
  if (mode != nullptr && std::string(mode) == "collect") write_atomic(file, got);
  REQUIRE_MESSAGE(fs::exists(file), "missing " << name << "; run with ASSAY_GOLDEN=collect");
  CHECK_MESSAGE(got == read_text(file), name << " differs; got:\n" << got);
}

}  // namespace

TEST_CASE("an attack board in four formats") {
  World w = attack_world();
  w.db.add_claimed({"series-attack", "pgd", "net", "robust_accuracy", "eps=1/10", "a paper, table 3", 0.0312});
  const Board b = w.board();
  compare("attack.txt", format(b, Format::table, {120, false}));
  compare("attack-narrow.txt", format(b, Format::table, {80, true}));
  compare("attack.md", format(b, Format::markdown));
  compare("attack.csv", format(b, Format::csv));
  compare("attack.json", format(b, Format::json));
  Json::parse(format(b, Format::json));
}

TEST_CASE("a detection board and compression curves") {
  compare("detect.txt", format(detect_world().board(), Format::table, {140, true}));
  const World w = compress_world();
  compare("compress.txt", format(w.board(), Format::table, {120, true}));
  Query query;
  query.protocol = w.plan.protocol_hash;
  query.resamples = 200;
  const auto curves = make_curves(w.db, query);
  REQUIRE(curves);
  compare("curves.txt", format(*curves, Format::table));
  compare("curves.md", format(*curves, Format::markdown));
  compare("curves.csv", format(*curves, Format::csv));
  Json::parse(format(*curves, Format::json));
}

TEST_CASE("only a ranked first place is bold [rule 4] [rule 5]") {
  const std::string text = format(attack_world().board(), Format::markdown);
  for (const std::string method : {"noise", "lonely", "masked"}) {
    const auto at = text.find("| " + method);
    REQUIRE(at != std::string::npos);
    CHECK(text.substr(at, text.find('\n', at) - at).find("**") == std::string::npos);
  }
  CHECK(text.find("**0.0") != std::string::npos);
}

TEST_CASE("an empty board says so, quoting survives, names of formats are checked") {
  World w(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10"));
  w.import();
  CHECK(format(w.board(), Format::table).find("no cells") != std::string::npos);
  World quoted(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10"));
  quoted.finished.push_back(quoted.bench.failed(quoted.add({"odd", 0}), "failed", "said \"no\", twice | and left"));
  quoted.import();
  CHECK(format(quoted.board(), Format::csv).find(",1 of 1 failed,0,1,") != std::string::npos);
  CHECK(format(quoted.board(), Format::markdown).find("twice \\| and left") != std::string::npos);
  CHECK(parse_format("csv") == Format::csv);
  CHECK(message_of([] { parse_format("cvs"); }).find("did you mean 'csv'") != std::string::npos);
}

TEST_CASE("numbers keep their digits and narrow tables name what they leave out") {
  Value v;
  CHECK(number_text(v) == "-");
  v.mean = 0.91344;
  CHECK(number_text(v) == "0.9134");
  v.numerator = 12;
  v.denominator = 30;
  CHECK(number_text(v) == "0.9134 (12/30)");
  CHECK(format(attack_world().board(), Format::table, {60, true}).find("Not shown for width:") != std::string::npos);
}
