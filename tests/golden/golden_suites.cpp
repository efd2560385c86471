// Every tests/golden/suites/NAME.toml is parsed and planned in the small world of tests/unit/plan/context.hpp; the
// message must be, letter for letter, what NAME.expected holds. "planned" stands for a suite that has no fault.
// ASSAY_GOLDEN=collect writes the files instead; read the diff before it is committed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/plan/plan.hpp"
#include "harness/suite/suite.hpp"
#include "tests/unit/plan/context.hpp"

namespace {

const assay::fs::path folder = assay::fs::path(ASSAY_SOURCE_DIR) / "tests/golden/suites";

std::string outcome(const assay::fs::path& file) {
  try {
    const auto spec = assay::parse_suite(assay::read_text(file), file.filename().string());
    assay::make_plan(spec, assay::test::context());
  } catch (const assay::Error& error) {
    return error.what();
  }
  return "planned";
}

std::vector<assay::fs::path> cases() {
  std::vector<assay::fs::path> files;
  for (const auto& entry : assay::fs::directory_iterator(folder))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

bool starts_with_place(const std::string& message, const std::string& file) {
  int line = 0, column = 0, end = 0;
  if (message.compare(0, file.size(), file) != 0) return false;
  return std::sscanf(message.c_str() + file.size(), ":%d:%d: %n", &line, &column, &end) == 2 && end > 0 && line > 0 && column > 0;
}

}  // namespace

TEST_CASE("malformed suites: one message each, with place, key, expectation and nearest name [rule 4] [rule 24] [rule 28] [rule 32] [rule 37]") {
  const char* mode = std::getenv("ASSAY_GOLDEN");
  const bool collect = mode && std::string(mode) == "collect";
  for (const auto& file : cases()) {
    CAPTURE(file.filename().string());
    const std::string message = outcome(file) + "\n";
    assay::fs::path expected = file;
    expected.replace_extension(".expected");
    if (collect) assay::write_atomic(expected, message);
    CHECK(message == assay::read_text(expected));
  }
}

TEST_CASE("every message of a malformed suite starts with file:line:column and is one line") {
  for (const auto& file : cases()) {
    if (file.stem() == "valid") continue;
    CAPTURE(file.filename().string());
    const std::string message = outcome(file);
    CHECK(starts_with_place(message, file.filename().string()));
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("the kinds of fault that the suite format promises to report are all here") {
  for (const char* kind : {"syntax", "unknown-key", "wrong-type", "unknown-plugin", "out-of-range-parameter", "missing-data-set",
                           "duplicate-id", "cyclic-reference", "valid"})
    CHECK_MESSAGE(assay::fs::exists(folder / (std::string(kind) + ".toml")), kind);
}
