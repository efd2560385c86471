// Tables and texts that the cli prints. stdout of a test is no terminal, so nothing is coloured.
#include <doctest/doctest.h>

#include "harness/base/error.hpp"
#include "harness/cli/output.hpp"

using namespace assay;
using namespace assay::cli;

namespace {
Table sample() {
  Table table({{"name", "method"}, {"value", "robust", true}, {"notes", "notes"}});
  table.add({"pgd", 0.03125, Json(Json::Array{"a", "b"})}, Tone::bad);
  table.add({"müller", 12, Json()});
  table.add({"x,\"y\"", 1e-7, "p|q"});
  return table;
}
}  // namespace

TEST_CASE("a table is aligned by code points and has no trailing blanks") {
  CHECK(sample().text(Format::table) ==
        "method     robust  notes\n"
        "pgd        0.0312  a, b\n"
        "müller         12  -\n"
        "x,\"y\"   1.000e-07  p|q\n");
}

TEST_CASE("csv quotes, keeps every digit and leaves null empty") {
  CHECK(sample().text(Format::csv) ==
        "name,value,notes\n"
        "pgd,0.03125,\"a, b\"\n"
        "müller,12,\n"
        "\"x,\"\"y\"\"\",1e-07,p|q\n");
}

TEST_CASE("markdown escapes the bar and aligns numbers right") {
  const std::string text = sample().text(Format::markdown);
  CHECK(text.find("| method | robust | notes |\n|---|---:|---|\n") == 0);
  CHECK(text.find("p\\|q") != std::string::npos);
}

TEST_CASE("json keeps values and parses back") {
  const Json json = Json::parse(sample().text(Format::json));
  CHECK(json.size() == 3);
  CHECK(json.at(std::size_t{0}).at("value").as_real() == 0.03125);
  CHECK(json.at(std::size_t{1}).at("value").as_int() == 12);
  CHECK(json.at(std::size_t{1}).at("notes").is_null());
}

TEST_CASE("a row of the wrong length is a bug, told as such") {
  Table table(std::vector<TableColumn>{{"a", "a"}});
  CHECK_THROWS_WITH_AS(table.add({1, 2}), "table row with the wrong number of values", Error);
}

TEST_CASE("an unknown format names the nearest") {
  CHECK(parse_format("csv", {"table", "csv"}) == Format::csv);
  CHECK_THROWS_WITH_AS(parse_format("jsno", {"table", "json"}), "--format: unknown format 'jsno'; did you mean 'json'?", Error);
}

TEST_CASE("durations and sizes read well") {
  CHECK(duration_text(0.25) == "0.2 s");
  CHECK(duration_text(42) == "42 s");
  CHECK(duration_text(192) == "3 min 12 s");
  CHECK(duration_text(7500) == "2 h 05 min");
  CHECK(duration_text(-1) == "?");
  CHECK(bytes_text(999) == "999 B");
  CHECK(bytes_text(30'900'000) == "30.9 MB");
}

TEST_CASE("colour is off without a terminal") {
  CHECK(paint("x", Tone::bad, 1) == "x");
}
