// Input checks shared by the files of this folder. [any-thread]
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

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
    refuse(what, "needs the same samples on both sides, got " + std::to_string(a.size()) + " and " +
                     std::to_string(b.size()));
  need_numbers(what, a);
  need_numbers(what, b);
}

// Something strictly between 0 and 1: a level, an alpha, a power.
inline void need_share(const char* what, const char* name, double value) {
  if (!(value > 0 && value < 1)) refuse(what, std::string(name) + " " + std::to_string(value) + " is outside (0, 1)");
}

inline void need_at_least(const char* what, std::size_t n, std::size_t least) {
  if (n < least) refuse(what, "needs at least " + std::to_string(least) + " values, got " + std::to_string(n));
}

// a - b by pair; refuses infinities, whose difference says nothing.
inline std::vector<double> differences(const char* what, std::span<const double> a, std::span<const double> b) {
  need_pairs(what, a, b);
  std::vector<double> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    out[i] = a[i] - b[i];
    if (!std::isfinite(out[i])) refuse(what, "the difference of pair " + std::to_string(i) + " is not finite");
  }
  return out;
}

// The same for tests on ranks or signs, where 0.3 - 0.2 and 0.2 - 0.1 must tie: rounded to 2^-40 (9e-13) of the largest
// absolute value, far above the rounding errors of a subtraction and far below anything measured.
inline std::vector<double> tied_differences(const char* what, std::span<const double> a, std::span<const double> b) {
  std::vector<double> out = differences(what, a, b);
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max({largest, std::abs(a[i]), std::abs(b[i])});
  if (largest == 0) return out;
  const double grain = std::ldexp(1.0, std::ilogb(largest) - 40);
  if (grain == 0) return out;  // subnormal data: subtraction is exact there
  for (double& d : out) d = std::round(d / grain) * grain;
  return out;
}

inline double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

}  // namespace assay::stats::detail
