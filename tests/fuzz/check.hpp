// One program, four ways: eager against the naive references application by application, compiled (with and without
// optimisation) against eager, and gradients against differences of the references in double.
#pragma once

#include <optional>
#include <string>

#include "tests/fuzz/program.hpp"

namespace assay::fuzz {

struct Verdict {
  std::optional<std::string> failure;  // what disagrees, in a sentence
  bool gradient_checked = false;       // false: no path from a leaf to the root, or a kink on the way
};

Verdict check(const Program& program);

}  // namespace assay::fuzz
