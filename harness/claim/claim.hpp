// The language of claims: text to a tree, without any number. README.md has the grammar with examples. What the names
// in it mean is checked against `Names`; what it evaluates to is said by results/claims. [any-thread]
//
// Every error is Error(bad_input) whose message starts "column N: ", N from 1 in the text, and says what was expected
// and the nearest valid name.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace assay::claim {

// method='pgd', seed=[0, 1], ratio='1/2': cells whose key has one of the values. Numbers stay as they were written.
struct Filter {
  std::string key;
  std::vector<std::string> values;
  int column = 0;
};

enum class Op {
  number,     // `number`
  variable,   // `name`: the value of an axis that an enclosing aggregate binds
  measure,    // `function` over the cells of metric `name`: mean(accuracy, method='a')
  rank,       // the place of a method among all methods by metric `name`, 1 = best, ties share
  negate,     // -a
  add, subtract, multiply, divide,
  function,   // abs, sqrt, log, log2, log10, exp, width, min, max of args
  aggregate,  // `function` over axis `name` of a number (mean ... argmax) or of a statement (count, share)
  relation,   // `function` over axis `name` of two or three numbers: correlations, fits, crossing, area
  less, less_equal, greater, greater_equal, equal, not_equal,  // a statement of two numbers
  both, either, negation,                                      // a and b, a or b, not a
  all, any,      // of a statement over axis `name`
  shape,         // increasing, decreasing, interior_min, interior_max along axis `name`
  noninferior,   // a is at most `options["margin"]` worse than b, in the direction of the metric that stands first in a
};

struct Expr {
  Op op = Op::number;
  int column = 0, name_column = 0;  // where it and its name start
  double number = 0;
  std::string name, function;
  std::vector<Expr> args;
  std::vector<Filter> filters;            // of a measure or a rank; of an aggregate: of everything inside of it
  std::map<std::string, double> options;  // margin, slack, q
  bool is_statement() const;              // true or false, not a number
};

// A whole claim: a statement.
Expr parse(std::string_view text);

// The names that may stand in a claim.
struct Names {
  std::vector<std::string> metrics;  // none: any
  // Keys of filters and axes with their values; no value listed: any.
  std::map<std::string, std::vector<std::string>> keys;
};
void check(const Expr& expr, const Names& names);

// True when two values of a key mean the same: equal text, or equal numbers ("0.5" and "1/2").
bool same_value(const std::string& a, const std::string& b);

// What [[claim]] may give as `test`; "" is the default (README.md of results/claims says what each does).
const std::vector<std::string>& tests();

}  // namespace assay::claim
