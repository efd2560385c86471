// The names in a claim against those that exist, and what `test` may be.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/base/rational.hpp"
#include "harness/claim/claim.hpp"
#include "harness/claim/lexer.hpp"

namespace assay::claim {
namespace {

std::vector<std::string> keys_of(const Names& names) {
  std::vector<std::string> keys;
  for (const auto& [key, values] : names.keys) keys.push_back(key);
  return keys;
}

void check_filter(const Filter& filter, const Names& names) {
  const auto known = names.keys.find(filter.key);
  if (known == names.keys.end())
    fail_at(filter.column, "unknown filter '" + filter.key + "'" + suggestion(filter.key, keys_of(names)));
  if (known->second.empty()) return;
  for (const std::string& value : filter.values) {
    const bool there = std::any_of(known->second.begin(), known->second.end(), [&](const std::string& one) { return same_value(one, value); });
    if (!there) fail_at(filter.column, "no cell has " + filter.key + "='" + value + "'" + suggestion(value, known->second));
  }
}

void check_name(const Expr& expr, const Names& names) {
  const bool metric = expr.op == Op::measure || expr.op == Op::rank;
  if (metric && !names.metrics.empty() && std::find(names.metrics.begin(), names.metrics.end(), expr.name) == names.metrics.end())
    fail_at(expr.name_column, "unknown metric '" + expr.name + "'" + suggestion(expr.name, names.metrics));
  const bool axis = expr.op == Op::aggregate || expr.op == Op::relation || expr.op == Op::shape || expr.op == Op::all || expr.op == Op::any;
  if (axis && names.keys.count(expr.name) == 0)
    fail_at(expr.name_column, "unknown axis '" + expr.name + "'" + suggestion(expr.name, keys_of(names)));
}

}  // namespace

void check(const Expr& expr, const Names& names) {
  check_name(expr, names);
  for (const Filter& filter : expr.filters) check_filter(filter, names);
  for (const Expr& arg : expr.args) check(arg, names);
}

bool same_value(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto x = Rational::parse(a), y = Rational::parse(b);
  return x && y && *x == *y;
}

const std::vector<std::string>& tests() {
  static const std::vector<std::string> all = {"bootstrap", "paired-bootstrap", "student", "permutation", "wilcoxon", "exact"};
  return all;
}

}  // namespace assay::claim
