// Statements: comparisons, joined ones, shapes of curves, non-inferiority.
#include <algorithm>
#include <cmath>

#include "results/board/ranking.hpp"
#include "results/claims/evaluator.hpp"

namespace assay::claims {

using claim::Expr;
using claim::Op;

namespace {

// Sides that are equal but for rounding are equal: 0.6 + 0.2 against 0.8. As in the tests on ranks and signs of
// results/stats: 2^-40 (9e-13) of the larger.
double difference(double a, double b) {
  const double d = a - b;
  return std::abs(d) <= std::ldexp(std::max(std::abs(a), std::abs(b)), -40) ? 0 : d;
}

}  // namespace

bool holds(Op relation, double margin) {
  switch (relation) {
    case Op::less: return margin < 0;
    case Op::less_equal: return margin <= 0;
    case Op::greater: return margin > 0;
    case Op::greater_equal: return margin >= 0;
    case Op::equal: return margin == 0;
    default: return margin != 0;
  }
}

Statement Evaluator::compare(Op op, const Numbers& left, const Numbers& right) const {
  Statement out;
  out.relation = op;
  out.margin = pointwise({left, right}, [](const auto& v) { return difference(v[0], v[1]); });
  return out;
}

Numbers Evaluator::truth(const Statement& statement) const {
  if (statement.kind == Statement::Kind::compare)
    return pointwise({statement.margin}, [&](const auto& v) { return holds(statement.relation, v[0]) ? 1.0 : 0.0; });
  std::vector<Numbers> parts;
  for (const Statement& part : statement.parts) parts.push_back(truth(part));
  if (statement.kind == Statement::Kind::negation) return pointwise(parts, [](const auto& v) { return 1 - v[0]; });
  const bool all = statement.kind == Statement::Kind::all;
  return pointwise(parts, [&](const auto& v) { return all ? *std::min_element(v.begin(), v.end()) : *std::max_element(v.begin(), v.end()); });
}

namespace {

Statement joined(Statement::Kind kind, std::vector<Statement> parts) {
  Statement out;
  out.kind = kind;
  out.parts = std::move(parts);
  return out;
}

}  // namespace

// increasing: every step is at least -slack. interior_min: some point between the ends lies below both of them.
Statement Evaluator::shape(const Expr& expr) {
  const Points of = points(expr);
  const auto& y = of.numbers[0];
  const std::string& name = expr.function;
  const bool interior = name == "interior_min" || name == "interior_max";
  if (y.size() < (interior ? 3u : 2u))
    throw Void(name + " needs at least " + (interior ? "3" : "2") + " values of " + expr.name + ", there is " + std::to_string(y.size()));
  const auto slack = expr.options.find("slack");
  const Numbers zero = constant(slack == expr.options.end() ? 0 : slack->second);
  std::vector<Statement> parts;
  if (interior) {
    const Op op = name == "interior_min" ? Op::less : Op::greater;
    for (std::size_t k = 1; k + 1 < y.size(); ++k)
      parts.push_back(joined(Statement::Kind::all, {compare(op, y[k], y.front()), compare(op, y[k], y.back())}));
    return joined(Statement::Kind::any, std::move(parts));
  }
  for (std::size_t k = 1; k < y.size(); ++k) {
    const Numbers& from = name == "increasing" ? y[k - 1] : y[k];
    const Numbers& to = name == "increasing" ? y[k] : y[k - 1];
    const Numbers raised = pointwise({to, zero}, [](const auto& v) { return v[0] + v[1]; });
    parts.push_back(compare(Op::greater_equal, raised, from));
  }
  return joined(Statement::Kind::all, std::move(parts));
}

namespace {

const Expr* first_measure(const Expr& expr) {
  if (expr.op == Op::measure) return &expr;
  for (const Expr& arg : expr.args)
    if (const Expr* found = first_measure(arg)) return found;
  return nullptr;
}

}  // namespace

Statement Evaluator::noninferior(const Expr& expr) {
  const Expr* metric = first_measure(expr.args[0]);
  if (metric == nullptr) throw Void("noninferior needs a metric on its left side, whose direction says what is worse");
  const auto& suite = source_.suite();
  const double margin = expr.options.at("margin");
  const bool lower = board::lower_is_better(metric->name, suite.task, suite.rank);
  const Numbers a = number(expr.args[0]), b = number(expr.args[1]);
  const std::vector<Numbers> pair = lower ? std::vector<Numbers>{b, a} : std::vector<Numbers>{a, b};
  return compare(Op::greater, pointwise(pair, [](const auto& v) { return v[0] - v[1]; }), constant(-margin));
}

Statement Evaluator::statement(const Expr& expr) {
  switch (expr.op) {
    case Op::both: return joined(Statement::Kind::all, {statement(expr.args[0]), statement(expr.args[1])});
    case Op::either: return joined(Statement::Kind::any, {statement(expr.args[0]), statement(expr.args[1])});
    case Op::negation: return joined(Statement::Kind::negation, {statement(expr.args[0])});
    case Op::shape: return shape(expr);
    case Op::noninferior: return noninferior(expr);
    case Op::all:
    case Op::any: {
      Statement out;
      out.kind = expr.op == Op::all ? Statement::Kind::all : Statement::Kind::any;
      out.axis = expr.name;
      each(expr, [&](const std::string&) { out.parts.push_back(statement(expr.args[0])); });
      return out;
    }
    default: return compare(expr.op, number(expr.args[0]), number(expr.args[1]));
  }
}

}  // namespace assay::claims
