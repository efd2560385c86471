// Input checks shared by the files of this folder. [any-thread]
#pragma once

#include <cmath>
#include <span>
#include <string>

#include "harness/base/error.hpp"

namespace assay::stats::detail {

[[noreturn]] inline void refuse(const std::string& what, const std::string& why) {
  throw Error(Fault::bad_input, what + ": " + why);
}

inline void need_numbers(const char* what, std::span<const double> values) {
  if (values.empty()) refuse(what, "no values");
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isnan(values[i])) refuse(what, "value " + std::to_string(i) + " is not a number");
}

// Rule 45: paired data must be pairs.
inline void need_pairs(const char* what, std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size())
    refuse(what, "needs the same samples on both sides, got " + std::to_string(a.size()) + " and " + std::to_string(b.size()));
  need_numbers(what, a);
  need_numbers(what, b);
}

}  // namespace assay::stats::detail
