// The functions of the language, in one table. Private to harness/claim.
#pragma once

#include <string>
#include <vector>

namespace assay::claim {

struct Function {
  std::string name;
  bool measure = false;    // of a metric over cells: f(metric, filters)
  bool aggregate = false;  // of a number over an axis: f(axis, number)
  bool counts = false;     // of a statement over an axis: f(axis, statement)
  bool scalar = false;     // of numbers: f(number, ...)
  int least = 1, most = 1; // numbers of a scalar function, or after the axis of a relation
  bool relation = false;   // f(axis, number, number)
  bool shape = false;      // f(axis, number), a statement
  bool quantifier = false; // f(axis, statement), a statement
  bool margin = false;     // f(number, number, margin=...)
};

const std::vector<Function>& functions();
const Function* find_function(const std::string& name);
std::vector<std::string> function_names();

}  // namespace assay::claim
