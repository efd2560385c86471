// Input checks shared by the metric files; not for other layers. [any-thread]
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>

#include "harness/base/error.hpp"

namespace assay::metrics::detail {

[[noreturn]] inline void refuse(const std::string& metric, const std::string& what) {
  bad_input_in("metric '" + metric + "'", what);
}

inline void need_same(const char* metric, std::size_t a, std::size_t b, const char* what) {
  if (a != b) refuse(metric, std::string(what) + ": " + std::to_string(a) + " values against " + std::to_string(b));
}

inline void need_numbers(const char* metric, std::span<const double> values, const char* name) {
  if (values.empty()) refuse(metric, std::string("no values in '") + name + "'");
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isnan(values[i])) refuse(metric, std::string(name) + "[" + std::to_string(i) + "] is not a number");
}

inline void need_flags(const char* metric, std::span<const double> values, const char* name) {
  need_numbers(metric, values, name);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != 0.0 && values[i] != 1.0)
      refuse(metric, std::string(name) + "[" + std::to_string(i) + "] is " + std::to_string(values[i]) + "; expected 0 or 1");
}

}  // namespace assay::metrics::detail
