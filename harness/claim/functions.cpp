#include "harness/claim/functions.hpp"

namespace assay::claim {
namespace {

Function over_both(const char* name) {
  Function f;
  f.name = name;
  f.measure = f.aggregate = true;
  return f;
}

Function extreme(const char* name) {
  Function f = over_both(name);
  f.scalar = true;
  f.most = 1000;
  return f;
}

Function scalar(const char* name) {
  Function f;
  f.name = name;
  f.scalar = true;
  return f;
}

Function relation(const char* name, int least, int most) {
  Function f;
  f.name = name;
  f.relation = true;
  f.least = least;
  f.most = most;
  return f;
}

Function with(const char* name, bool Function::*kind) {
  Function f;
  f.name = name;
  f.*kind = true;
  return f;
}

}  // namespace

const std::vector<Function>& functions() {
  static const std::vector<Function> all = {
      over_both("mean"), over_both("median"), over_both("std"), over_both("sum"), over_both("quantile"),
      extreme("min"), extreme("max"),
      with("argmin", &Function::aggregate), with("argmax", &Function::aggregate),
      with("count", &Function::counts), with("share", &Function::counts),
      scalar("abs"), scalar("sqrt"), scalar("log"), scalar("log2"), scalar("log10"), scalar("exp"), scalar("width"),
      relation("pearson", 2, 2), relation("spearman", 2, 2), relation("kendall", 2, 2), relation("weighted_tau", 2, 2),
      relation("slope", 1, 2), relation("intercept", 1, 2), relation("r2", 1, 2), relation("area", 1, 2),
      relation("crossing", 2, 3),
      with("increasing", &Function::shape), with("decreasing", &Function::shape),
      with("interior_min", &Function::shape), with("interior_max", &Function::shape),
      with("all", &Function::quantifier), with("any", &Function::quantifier),
      with("noninferior", &Function::margin), with("equivalent", &Function::margin),
      with("rank", &Function::measure),
  };
  return all;
}

const Function* find_function(const std::string& name) {
  for (const Function& f : functions())
    if (f.name == name) return &f;
  return nullptr;
}

std::vector<std::string> function_names() {
  std::vector<std::string> names;
  for (const Function& f : functions()) names.push_back(f.name);
  return names;
}

}  // namespace assay::claim
