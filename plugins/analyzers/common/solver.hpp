// Z3 as these methods use it: exact rationals from doubles, and a limit on its work that is a count and not a time, so
// that a verdict does not depend on the machine. What runs out of it is unknown.
#pragma once

#include <z3++.h>

#include <cmath>
#include <string>

#include "assay/sdk.hpp"

namespace analyzers {

// The double itself, not a decimal near it: mantissa * 2^exponent.
inline z3::expr exactly(z3::context& z3, double value) {
  int exponent = 0;
  constexpr int bits = 53;
  auto mantissa = static_cast<std::int64_t>(std::ldexp(std::frexp(value, &exponent), bits));
  exponent -= bits;
  if (mantissa == 0) return z3.real_val(0);
  for (; mantissa % 2 == 0; mantissa /= 2) ++exponent;
  std::string power = "1";  // 2^|exponent| in digits
  for (int k = 0; k < std::abs(exponent); ++k) {
    int carry = 0;
    for (auto digit = power.rbegin(); digit != power.rend(); ++digit) {
      const int twice = 2 * (*digit - '0') + carry;
      *digit = static_cast<char>('0' + twice % 10);
      carry = twice / 10;
    }
    if (carry > 0) power.insert(power.begin(), static_cast<char>('0' + carry));
  }
  if (exponent < 0) return z3.real_val((std::to_string(mantissa) + "/" + power).c_str());
  return (z3.real_val(std::to_string(mantissa).c_str()) * z3.real_val(power.c_str())).simplify();
}

// Of a model's value, completed.
inline double as_double(const z3::model& model, const z3::expr& variable) {
  double number = 0;
  if (!model.eval(variable, true).is_numeral(number)) assay::fail(ASSAY_INTERNAL, "Z3 left a variable without a value");
  return number;
}

inline z3::solver limited_solver(z3::context& z3, std::int64_t work) {
  z3::solver solver(z3);
  z3::params params(z3);
  params.set("rlimit", static_cast<unsigned>(work));
  params.set("random_seed", 0u);
  solver.set(params);
  return solver;
}

// Runs a body that asks Z3; its exceptions become errors of the host's kind.
template <class Body>
auto with_z3(Body&& body) {
  try {
    return body();
  } catch (const z3::exception& error) {
    assay::fail(ASSAY_INTERNAL, std::string("Z3: ") + error.msg());
  }
}

}  // namespace analyzers
