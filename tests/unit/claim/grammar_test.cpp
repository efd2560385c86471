// The language of claims: what a text means, and the one message that each malformed text gives.
#include <doctest/doctest.h>

#include "harness/base/error.hpp"
#include "harness/claim/claim.hpp"

using namespace assay;
using namespace assay::claim;

namespace {

const char* sign_of(Op op) {
  switch (op) {
    case Op::add: return "+";
    case Op::subtract: return "-";
    case Op::multiply: return "*";
    case Op::divide: return "/";
    case Op::less: return "<";
    case Op::less_equal: return "<=";
    case Op::greater: return ">";
    case Op::greater_equal: return ">=";
    case Op::equal: return "==";
    case Op::not_equal: return "!=";
    case Op::both: return "and";
    case Op::either: return "or";
    default: return "";
  }
}

// Fully bracketed, so that precedence shows.
std::string shown(const Expr& e) {
  std::string number = std::to_string(e.number);
  number.erase(number.find_last_not_of('0') + 1);
  if (!number.empty() && number.back() == '.') number.pop_back();
  if (e.op == Op::number) return number;
  if (e.op == Op::variable) return "$" + e.name;
  if (*sign_of(e.op) != '\0') return "(" + shown(e.args[0]) + " " + sign_of(e.op) + " " + shown(e.args[1]) + ")";
  if (e.op == Op::negate) return "-" + shown(e.args[0]);
  if (e.op == Op::negation) return "not " + shown(e.args[0]);
  std::string out = e.function + "{" + e.name;
  for (const Expr& arg : e.args) out += ";" + shown(arg);
  for (const Filter& f : e.filters) {
    out += ";" + f.key + "=";
    for (const std::string& v : f.values) out += v + "|";
  }
  for (const auto& [key, value] : e.options) out += ";" + key + ":" + std::to_string(value).substr(0, 4);
  return out + "}";
}

std::string parsed(const std::string& text) { return shown(parse(text)); }

std::string refusal(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Names names() {
  return {{"accuracy", "robust_accuracy", "nll"},
          {{"method", {"pgd", "fgsm"}}, {"subject", {"net"}}, {"seed", {"0", "1"}}, {"ratio", {"1/2", "8"}}, {"condition", {}}, {"configuration", {}}}};
}

std::string complaint(const std::string& text) {
  try {
    check(parse(text), names());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("precedence: arithmetic, comparison, not, and, or") {
  CHECK(parsed("1 + 2 * 3 - 4 / 5 < 6") == "(((1 + (2 * 3)) - (4 / 5)) < 6)");
  CHECK(parsed("1 < 2 or 3 < 4 and not 5 >= 6") == "((1 < 2) or ((3 < 4) and not (5 >= 6)))");
  CHECK(parsed("(1 < 2 or 3 < 4) and 5 != 6") == "(((1 < 2) or (3 < 4)) and (5 != 6))");
  CHECK(parsed("-(1 - 2) == --3") == "(-(1 - 2) == --3)");
  CHECK(parsed("8/255 > 5%") == "((8 / 255) > 0.05)");
  CHECK(parsed("1 - 2 - 3 < 0") == "(((1 - 2) - 3) < 0)");
}

TEST_CASE("0.1 < x <= 0.2 is both comparisons") { CHECK(parsed("0.1 < 0.15 <= 0.2") == "((0.1 < 0.15) and (0.15 <= 0.2))"); }

TEST_CASE("measures, filters and their lists") {
  CHECK(parsed("mean(accuracy) > 0") == "(mean{accuracy} > 0)");
  CHECK(parsed("median(accuracy, method='a b', seed=[0, \"1\"], ratio=1.5) > 0") == "(median{accuracy;method=a b|;seed=0|1|;ratio=1.5|} > 0)");
  CHECK(parsed("quantile(nll, q=0.9, method='a') > 0") == "(quantile{nll;method=a|;q:0.90} > 0)");
  CHECK(parsed("rank(accuracy, method='a') == 1") == "(rank{accuracy;method=a|} == 1)");
}

TEST_CASE("a first name with an expression behind it is an axis, whose value has its name inside") {
  CHECK(parsed("all(ratio, mean(accuracy) > 0.5)") == "all{ratio;(mean{accuracy} > 0.5)}");
  CHECK(parsed("mean(ratio, mean(accuracy)) > 0") == "(mean{ratio;mean{accuracy}} > 0)");
  CHECK(parsed("max(mean(accuracy), 0.5) > 0") == "(max{;mean{accuracy};0.5} > 0)");
  CHECK(parsed("slope(ratio, log2(ratio), mean(accuracy)) < 0") == "(slope{ratio;log2{;$ratio};mean{accuracy}} < 0)");
  CHECK(parsed("count(seed, mean(accuracy) > 0.5) >= 4") == "(count{seed;(mean{accuracy} > 0.5)} >= 4)");
  CHECK(parsed("all(ratio, mean(accuracy) > 0, ratio=['2', '4'], method='a')") == "all{ratio;(mean{accuracy} > 0);ratio=2|4|;method=a|}");
  CHECK(parsed("increasing(ratio, mean(accuracy), slack=0.01)") == "increasing{ratio;mean{accuracy};slack:0.01}");
}

TEST_CASE("margins: non-inferiority and, by two one-sided tests, equivalence") {
  CHECK(parsed("noninferior(mean(accuracy, method='a'), mean(accuracy, method='b'), margin=1/100)") ==
        "noninferior{;mean{accuracy;method=a|};mean{accuracy;method=b|};margin:0.01}");
  CHECK(parsed("equivalent(1, 2, margin=0.5)") == "(((1 - 2) > -0.5) and ((1 - 2) < 0.5))");
}

TEST_CASE("every function of the language parses in each of its forms") {
  for (const char* text :
       {"mean(m)", "median(m)", "std(m)", "sum(m)", "min(m)", "max(m)", "mean(a, mean(m))", "median(a, mean(m))", "std(a, mean(m))",
        "sum(a, mean(m))", "min(a, mean(m))", "max(a, mean(m))", "quantile(a, mean(m), q=0)", "argmin(a, mean(m))", "argmax(a, mean(m))",
        "count(a, mean(m) > 0)", "share(a, mean(m) > 0)", "abs(1)", "sqrt(1)", "log(1)", "log2(1)", "log10(1)", "exp(1)", "width(mean(m))",
        "min(1, 2, 3)", "max(1)", "pearson(a, mean(m), mean(k))", "spearman(a, mean(m), mean(k))", "kendall(a, mean(m), mean(k))",
        "weighted_tau(a, mean(m), mean(k))", "slope(a, mean(m))", "slope(a, a, mean(m))", "intercept(a, mean(m))", "r2(a, mean(m))",
        "area(a, mean(m))", "crossing(a, mean(m), 0.5)", "crossing(a, a, mean(m), mean(k))", "rank(m, method='x')"})
    CHECK_MESSAGE(refusal(std::string(text) + " > 0") == "", text);
  for (const char* text : {"any(a, mean(m) > 0)", "increasing(a, mean(m))", "decreasing(a, mean(m))", "interior_min(a, mean(m))",
                           "interior_max(a, mean(m))"})
    CHECK_MESSAGE(refusal(text) == "", text);
}

TEST_CASE("malformed: column, what was expected, the nearest name") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "column 1: expected a number, a function or '(', found the end"},
      {"nonsense", "column 1: 'nonsense' is no number here; expected a function such as mean(nonsense, ...), or an axis inside of all(axis, ...) and its like"},
      {"mean > 0", "column 1: 'mean' is no number here; expected '(' behind a function"},
      {"mean(accuracy)", "column 1: expected a statement that is true or false, such as mean(accuracy, method='a') >= 0.9; found a number"},
      {"mena(accuracy) > 0", "column 1: unknown function 'mena'; did you mean 'mean'?"},
      {"mean(accuracy > 0", "column 6: 'accuracy' is no number here; expected a function such as mean(accuracy, ...), or an axis inside of all(axis, ...) and its like"},
      {"mean(accuracy", "column 14: expected ',' or ')', found the end"},
      {"mean(accuracy, method='a' > 0", "column 27: expected ',' or ')', found '>'"},
      {"mean(accuracy) = 1", "column 16: expected a comparison, found '='; did you mean '=='?"},
      {"mean(accuracy) > ", "column 18: expected a number, a function or '(', found the end"},
      {"mean(accuracy) > 0.5 0.6", "column 22: expected an operator or the end, found the number 0.6"},
      {"mean(accuracy, method='a) > 0", "column 23: text without its closing quote"},
      {"mean(accuracy, method=pgd) > 0", "column 23: expected a quoted value, found 'pgd'"},
      {"mean(accuracy, method='a', method='b') > 0", "column 28: 'method' stands twice; alternatives are a list, method=['a', 'b']"},
      {"mean(accuracy, method='a', 3) > 0", "column 28: expected key='value', found an expression; expressions stand before filters"},
      {"3x > 1", "column 1: expected a number, found '3x'"},
      {"1 > 1e999", "column 5: expected a number, found one that is out of range"},
      {"1 > 0 $", "column 7: unexpected '$'"},
      {"(1 > 0", "column 7: expected ')', found the end"},
      {"1 > 0 and 2", "column 11: expected a statement that is true or false, on both sides of 'and'; found a number"},
      {"(1 > 0) + 2 > 1", "column 2: expected a number, found a statement that is true or false"},
      {"not 3", "column 5: expected a statement that is true or false, behind 'not'; found a number"},
      {"all(seed, mean(accuracy))", "column 11: expected a statement that is true or false, as in all(seed, a < b); found a number"},
      {"all(seed)", "column 5: expected all(axis, statement), found only 'seed'"},
      {"mean(seed, mean(accuracy) > 0) > 0", "column 12: expected a number, found a statement that is true or false"},
      {"pearson(seed, mean(accuracy)) > 0", "column 1: expected pearson(axis, x, y)"},
      {"crossing(seed, mean(accuracy)) > 0", "column 1: expected crossing(axis, y, level)"},
      {"abs(1, 2) > 0", "column 1: expected abs(number)"},
      {"mean(1) > 0", "column 1: expected mean(metric, method='a') or mean(axis, number)"},
      {"rank(accuracy) == 1", "column 1: 'rank' needs the method whose rank it is: rank(metric, method='a')"},
      {"quantile(accuracy) > 0", "column 1: 'quantile' needs q=, from 0 to 1"},
      {"quantile(accuracy, q=2) > 0", "column 22: expected a number from 0 to 1 behind 'q='"},
      {"mean(accuracy, margin=1) > 0", "column 1: 'mean' takes no 'margin='"},
      {"noninferior(1, 2)", "column 1: expected noninferior(number, number, margin=0.01)"},
      {"noninferior(1, 2, margin=-1)", "column 27: expected a number of at least 0 behind 'margin='"},
      {"noninferior(1, 2, margin='a')", "column 26: expected a number behind 'margin=', found the text 'a'"},
  };
  for (const auto& one : cases) {  // clang 14 refuses a captured binding
    CAPTURE(one.first);
    CHECK(refusal(one.first) == one.second);
  }
}

TEST_CASE("nesting ends before the stack does") {
  const std::string deep(100000, '(');
  CHECK(refusal(deep + "1 > 0") == "column 102: expected at most 100 levels of nesting");
  CHECK(refusal(std::string(100000, '-') + "1 > 0") == "column 102: expected at most 100 levels of nesting");
}

TEST_CASE("names against those that exist") {
  CHECK(complaint("mean(accuracy, method='pgd', ratio='0.5') > 0") == "");  // 0.5 is 1/2
  CHECK(complaint("mean(acuracy) > 0") == "column 6: unknown metric 'acuracy'; did you mean 'accuracy'?");
  CHECK(complaint("all(sed, mean(accuracy) > 0)") == "column 5: unknown axis 'sed'; did you mean 'seed'?");
  CHECK(complaint("mean(accuracy, metod='pgd') > 0") == "column 16: unknown filter 'metod'; did you mean 'method'?");
  CHECK(complaint("mean(accuracy, method='pdg') > 0") == "column 16: no cell has method='pdg'; did you mean 'pgd'?");
  CHECK(complaint("mean(accuracy, condition='anything') > 0") == "");
  CHECK(complaint("1 > 0 and mean(nl) > 0") == "column 16: unknown metric 'nl'; did you mean 'nll'?");
}

TEST_CASE("values are the same as text or as numbers") {
  CHECK(same_value("a", "a"));
  CHECK(same_value("1/2", "0.5"));
  CHECK(same_value("8", "8.0"));
  CHECK_FALSE(same_value("a", "b"));
  CHECK_FALSE(same_value("8", "80"));
}
