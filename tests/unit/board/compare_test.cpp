// Comparisons from wide tables: the numbers against scipy's (fixtures/make_compare.py), the words against golden files.
#include "results/board/compare.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "boards.hpp"

using namespace assay;
using namespace assay::board;
using namespace boards;

namespace {

const fs::path here = fs::path(ASSAY_SOURCE_DIR) / "tests/unit/board";

WideTable fixture() { return parse_wide(read_text(here / "fixtures/wide.csv"), "wide.csv", true); }

void same_as_golden(const std::string& name, const std::string& got) {
  const fs::path file = here / "golden" / name;
  const char* mode = std::getenv("ASSAY_GOLDEN");
  if (mode != nullptr && std::string(mode) == "collect") write_atomic(file, got);
  REQUIRE_MESSAGE(fs::exists(file), "missing " << name << "; run with ASSAY_GOLDEN=collect");
  CHECK_MESSAGE(got == read_text(file), name << " differs; got:\n" << got);
}

std::string refusal(const std::string& csv) {
  try {
    parse_wide(csv, "t.csv", true);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool says(const Comparison& c, const std::string& part) {
  return std::any_of(c.sentences.begin(), c.sentences.end(),
                     [&](const std::string& s) { return s.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("a comparison over data sets has scipy's numbers; seeds are averaged first [rules 46, 49, 50]") {
  const Json want = Json::parse(read_text(here / "fixtures/compare.json"), "compare.json");
  const Comparison got = compare(fixture());
  CHECK(got.rows == 12);
  REQUIRE(got.many.has_value());
  CHECK(got.many->friedman.f == doctest::Approx(want.at("f").as_real()).epsilon(1e-10));
  CHECK(got.many->friedman.f_p == doctest::Approx(want.at("f_p").as_real()).epsilon(1e-10));
  REQUIRE(got.pairs.size() == 3);
  REQUIRE(got.methods.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(got.methods[i].method == want.at("methods").at(i).as_string());
    CHECK(got.methods[i].mean == doctest::Approx(want.at("mean").at(i).as_real()).epsilon(1e-12));
    CHECK(got.methods[i].rank == doctest::Approx(want.at("ranks").at(i).as_real()).epsilon(1e-12));
    CHECK(got.methods[i].interval.over == "data sets");
    CHECK(got.pairs[i].p == doctest::Approx(want.at("p").at(i).as_real()).epsilon(1e-10));
    CHECK(got.pairs[i].adjusted == doctest::Approx(want.at("holm").at(i).as_real()).epsilon(1e-10));
  }
  CHECK(got.pairs[0].outcome == Outcome::no_difference_found);
  CHECK(got.pairs[1].outcome == Outcome::better);
  CHECK(got.alike == std::vector<std::vector<std::string>>{{"knn", "ours"}});
}

TEST_CASE("the report in four formats; no difference is not equivalence [rule 48]") {
  CompareOptions options;
  options.rope = stats::Rope{-0.012, 0.012};
  options.quantity = "AUROC";
  const Comparison got = compare(fixture(), options);
  REQUIRE(got.pairs[0].practical.has_value());
  CHECK(got.pairs[0].practical->verdict == stats::Practical::equivalent);
  CHECK(got.pairs[0].practical->interval.level == doctest::Approx(1 - 2 * 0.05 / 3));
  CHECK(got.pairs[1].practical->verdict == stats::Practical::different);
  same_as_golden("compare.txt", format(got, CompareFormat::text));
  same_as_golden("compare.md", format(got, CompareFormat::markdown));
  same_as_golden("compare.tex", format(got, CompareFormat::latex));
  same_as_golden("compare.json", format(got, CompareFormat::json));
  Json::parse(format(got, CompareFormat::json));
  CHECK(says(compare(fixture()), "which does not show that they are equivalent"));
  CHECK(parse_compare_format("latex") == CompareFormat::latex);
  CHECK_THROWS_WITH(parse_compare_format("latx"), "format 'latx' is unknown; did you mean 'latex'?");
}

TEST_CASE("samples of 0 and 1 are compared by McNemar, seeds by permutation; neither has an omnibus or a diagram") {
  std::string by_sample = "sample,a,b\n", by_seed = "seed,a,b\n";
  for (int i = 0; i < 40; ++i) by_sample += std::to_string(i) + (i < 30 ? ",1," : ",0,") + (i < 18 ? "1\n" : "0\n");
  for (int i = 0; i < 3; ++i)
    by_seed += std::to_string(i) + "," + std::to_string(0.9 + 0.01 * i) + "," + std::to_string(0.8 + 0.02 * i) + "\n";
  const Comparison binary = compare(parse_wide(by_sample, "t.csv", true));
  CHECK(binary.test == "McNemar's exact test");
  CHECK(binary.pairs[0].p == stats::mcnemar(12, 0).p);
  CHECK(std::isinf(binary.pairs[0].effect));
  CHECK(binary.pairs[0].outcome == Outcome::better);
  CHECK_FALSE(binary.many.has_value());
  CHECK(binary.pairs[0].detectable == stats::mcnemar_detectable(0.3, 40));
  const Comparison few = compare(parse_wide(by_seed, "t.csv", true));
  CHECK(few.test == "the paired permutation test");
  CHECK(few.pairs[0].p == 0.25);  // three seeds cannot say more
  CHECK(few.pairs[0].outcome == Outcome::no_difference_found);
  CHECK(few.pairs[0].interval.method == "Student");
  CHECK(few.methods[0].interval.over == "seeds");
  // One data set with seeds: the seeds are the rows.
  CHECK(parse_wide("data,seed,a,b\nx,1,0.5,0.6\nx,2,0.5,0.7\n", "t.csv", true).unit == Unit::seeds);
}

TEST_CASE("lower is better turns the verdict; missing entries are named; too few data sets are said [rules 3, 47]") {
  std::string csv = "data,fast,slow,mid\n";
  for (int i = 0; i < 4; ++i)
    csv += "d" + std::to_string(i) + "," + std::to_string(1 + i) + "," + std::to_string(5 + 2 * i) + "," +
           std::to_string(3 + i) + "\n";
  CompareOptions options;
  const Comparison few = compare(parse_wide(csv, "t.csv", false), options);
  CHECK(few.methods[0].method == "fast");
  CHECK(says(few, "No critical-difference diagram is drawn: too few data sets: 4 of at least 5."));
  CHECK(says(few, "4 data sets are too few for this"));
  csv += "d4,NA,9,3\n";
  CHECK_THROWS_WITH(compare(parse_wide(csv, "t.csv", false), options),
                    "table: 'fast' has no result on 'd4'; say whether such data sets are left out or such entries "
                    "count as the worst");
  options.missing = stats::Missing::drop_data_set;
  CHECK(says(compare(parse_wide(csv, "t.csv", false), options),
             "Left out, because results are missing there: d4 (4 of 5 data sets remain)."));
  options.missing = stats::Missing::worst;
  CHECK(says(compare(parse_wide(csv, "t.csv", false), options), "1 missing entry counted as the worst"));
  options.rope = stats::Rope{1, 2};
  CHECK_THROWS_WITH(compare(parse_wide(csv, "t.csv", false), options),
                    "compare: the region of practical equivalence must contain 0");
}

TEST_CASE("wide tables: quotes are read, faults are named with row and column") {
  const WideTable quoted =
      parse_wide("data,\"a,1\",\"b\"\"2\"\"\"\r\n\"x\ny\", 0.5 ,-\r\n\r\nz,1e-3,nan\n", "t.csv", true);
  CHECK(quoted.table.methods == std::vector<std::string>{"a,1", "b\"2\""});
  CHECK(quoted.table.data_sets == std::vector<std::string>{"x\ny", "z"});
  CHECK(*quoted.table.values[1][0] == 0.001);
  CHECK_FALSE(quoted.table.values[0][1].has_value());
  CHECK(refusal("data,a,b\n") == "t.csv: needs a head and at least one row");
  CHECK(refusal("data,a\nx,1\n") == "t.csv: needs a column of names and at least two methods");
  CHECK(refusal("data,a,a\nx,1,2\n") == "t.csv: two columns are named 'a'");
  CHECK(refusal("data,a,b\nx,1\n") == "t.csv, row 1: 2 fields for 3 columns");
  CHECK(refusal("data,a,b\nx,1,2\ny,1,2x\n") == "t.csv, row 2, column 'b': '2x' is not a finite number");
  CHECK(refusal("data,a,b\nx,1,2\nx,3,4\n") == "t.csv, row 2: 'x' is there twice");
  CHECK(refusal("data,a,b\nx,1,\"2\n") == "t.csv:3: a quoted field does not end");
}
