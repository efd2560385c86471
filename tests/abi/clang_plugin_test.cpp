// A plugin built by clang in a host built by gcc.
#include <doctest/doctest.h>

#include "harness/validate/validate.hpp"

TEST_CASE("a clang plugin passes every check in a gcc host") {
  for (const assay::validate::Check& check : assay::validate::checks()) {
    CAPTURE(check.id);
    const assay::validate::CheckResult result = assay::validate::run_check(check.id, CLANG_PLUGIN, "good-attack");
    CAPTURE(result.detail);
    CHECK((result.status == "passed" || result.status == "skipped"));
  }
}
