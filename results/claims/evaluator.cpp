// Numbers: names to cells, functions, aggregates over axes.
#include "results/claims/evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/base/rational.hpp"
#include "results/board/groups.hpp"
#include "results/board/ranking.hpp"
#include "results/claims/decide.hpp"
#include "results/stats/correlation.hpp"

namespace assay::claims {

using claim::Expr;
using claim::Op;

namespace {

// "8", "1/10", and of "eps=1/10" what stands behind the sign.
double number_of(const std::string& axis, const std::string& value) {
  const auto sign = value.rfind('=');
  const auto parsed = Rational::parse(sign == std::string::npos ? value : value.substr(sign + 1));
  if (!parsed) throw Void("axis " + axis + " has the value '" + value + "', which is no number");
  return parsed->value();
}

bool over_axis(Op op) {
  return op == Op::aggregate || op == Op::relation || op == Op::shape || op == Op::all || op == Op::any;
}

double applied(Op op, double a, double b) {
  switch (op) {
    case Op::add: return a + b;
    case Op::subtract: return a - b;
    case Op::multiply: return a * b;
    default: return b == 0 ? undefined : a / b;
  }
}

double applied(const std::string& name, const std::vector<double>& of) {
  if (name == "abs") return std::abs(of[0]);
  if (name == "sqrt") return of[0] < 0 ? undefined : std::sqrt(of[0]);
  if (name == "exp") return std::exp(of[0]);
  if (name == "min" || name == "max") return summary(name, of, 0);
  if (!(of[0] > 0)) return undefined;
  return name == "log2" ? std::log2(of[0]) : name == "log10" ? std::log10(of[0]) : std::log(of[0]);
}

double related(const std::string& name, const std::vector<std::vector<double>>& of) {
  if (of[0].size() < 2) return undefined;
  for (const auto& values : of)
    for (const double v : values)
      if (!std::isfinite(v)) return undefined;
  if (name == "pearson") return stats::pearson(of[0], of[1]);
  if (name == "spearman") return stats::spearman(of[0], of[1]);
  if (name == "kendall") return stats::kendall(of[0], of[1]);
  if (name == "weighted_tau") return stats::weighted_tau(of[0], of[1]);
  if (name == "crossing") return stats::first_crossing(of[0], {of[1], of[2]});
  if (name == "area") return stats::mean_height(of[0], of[1]);
  const stats::Line line = stats::fit_line(of[0], of[1]);
  return name == "slope" ? line.slope : name == "intercept" ? line.intercept : line.r2;
}

}  // namespace

// --- names ---

// A name's own filters, then those of what encloses it, the nearest first.
Wanted Evaluator::wanted(const std::vector<claim::Filter>& own, const std::string& except) const {
  Wanted out;
  for (const auto& filter : own) out.emplace(filter.key, filter.values);
  for (auto binding = scope_.rbegin(); binding != scope_.rend(); ++binding) out.emplace(binding->key, binding->values);
  out.erase(except);
  return out;
}

// The values of the axis that each measure inside of expr has, where it does not say which one itself.
void Evaluator::leaf_domains(const Expr& expr, const std::string& axis, std::vector<std::vector<std::string>>& out) {
  const bool fixes = std::any_of(expr.filters.begin(), expr.filters.end(), [&](const auto& f) { return f.key == axis; });
  if (fixes || (over_axis(expr.op) && expr.name == axis)) return;
  if (expr.op == Op::measure || expr.op == Op::rank) {
    const Wanted want = wanted(expr.filters, axis);
    if (axis == "condition" || axis == "configuration") {
      out.push_back(source_.measured_at(expr.name, want, axis));
      return;
    }
    std::vector<std::string> values;
    for (const auto* cell : source_.matching(want))
      if (const auto value = value_of(*cell, axis); value && std::find(values.begin(), values.end(), *value) == values.end())
        values.push_back(*value);
    out.push_back(values);
    return;
  }
  const std::size_t depth = scope_.size();
  for (const auto& filter : expr.filters) scope_.push_back({filter.key, filter.values, false});
  for (const Expr& arg : expr.args) leaf_domains(arg, axis, out);
  scope_.resize(depth);
}

std::vector<std::string> Evaluator::domain(const Expr& aggregate) {
  const std::string& axis = aggregate.name;
  std::vector<std::vector<std::string>> of_leaves;
  for (const Expr& arg : aggregate.args) leaf_domains(arg, axis, of_leaves);
  if (of_leaves.empty()) throw Void("nothing inside of " + aggregate.function + "(" + axis + ", ...) varies with " + axis);
  std::vector<std::string> out;
  for (const std::string& value : of_leaves[0]) {
    const bool shared = std::all_of(of_leaves.begin(), of_leaves.end(), [&](const auto& values) {
      return std::any_of(values.begin(), values.end(), [&](const auto& v) { return claim::same_value(v, value); });
    });
    if (shared) out.push_back(value);
  }
  for (const auto& filter : aggregate.filters)
    if (filter.key == axis)
      std::erase_if(out, [&](const std::string& v) {
        return std::none_of(filter.values.begin(), filter.values.end(), [&](const auto& w) { return claim::same_value(v, w); });
      });
  if (out.empty()) throw Void("no value of " + axis + " is shared by all that " + aggregate.function + "(" + axis + ", ...) names");
  std::sort(out.begin(), out.end(), board::natural_less);
  return out;
}

// --- numbers ---

Numbers Evaluator::constant(double value) const {
  Numbers out;
  out.at.assign(source_.layout().size(), value);
  return out;
}

Numbers Evaluator::variable(const std::string& axis) const {
  for (auto binding = scope_.rbegin(); binding != scope_.rend(); ++binding)
    if (binding->axis && binding->key == axis) return constant(number_of(axis, binding->values[0]));
  throw Void("'" + axis + "' is bound by nothing");
}

Numbers Evaluator::arithmetic(const Expr& expr) {
  const std::vector<Numbers> of = {number(expr.args[0]), number(expr.args[1])};
  return pointwise(of, [&](const auto& v) { return applied(expr.op, v[0], v[1]); });
}

Numbers Evaluator::function(const Expr& expr) {
  std::vector<Numbers> of;
  of.reserve(expr.args.size());
  for (const Expr& arg : expr.args) of.push_back(number(arg));
  if (expr.function != "width") return pointwise(of, [&](const auto& v) { return applied(expr.function, v); });
  const stats::Interval interval = interval_of(of[0], source_.layout(), 0.95);
  return constant(interval.hi - interval.lo);
}

// Methods that may not be ranked are left out and named; baselines are no competitors.
Numbers Evaluator::rank(const Expr& expr) {
  Expr one = expr;
  one.op = Op::measure;
  one.function = "mean";
  const std::string asked = wanted(expr.filters).at("method").at(0);
  std::vector<std::string> methods;
  for (const auto* cell : source_.matching(wanted(expr.filters, "method")))
    if ((!cell->baseline || cell->method == asked) && std::find(methods.begin(), methods.end(), cell->method) == methods.end())
      methods.push_back(cell->method);
  std::vector<Numbers> of = {number(one)};
  for (const std::string& method : methods) {
    if (method == asked) continue;
    for (auto& filter : one.filters)
      if (filter.key == "method") filter.values = {method};
    try {
      of.push_back(number(one));
    } catch (const Void& why) {
      source_.note("rank without " + method + ": " + why.what());
    }
  }
  const auto& suite = source_.suite();
  const bool lower = board::lower_is_better(expr.name, suite.task, suite.rank);
  return pointwise(of, [&](const auto& v) {
    double place = 1;
    for (std::size_t k = 1; k < v.size(); ++k) place += v[k] == v[0] ? 0.5 : (lower ? v[k] < v[0] : v[k] > v[0]) ? 1 : 0;
    return place;
  });
}

Evaluator::Points Evaluator::points(const Expr& expr) {
  Points out;
  out.numbers.resize(expr.args.size());
  each(expr, [&](const std::string& value) {
    out.values.push_back(value);
    for (std::size_t a = 0; a < expr.args.size(); ++a)
      out.numbers[a].push_back(expr.args[a].is_statement() ? truth(statement(expr.args[a])) : number(expr.args[a]));
  });
  return out;
}

template <class Of>
Numbers Evaluator::along(const Expr& expr, const Points& points, const Of& compute) const {
  const Layout& layout = source_.layout();
  Numbers out = blank(layout);
  for (const auto& argument : points.numbers)
    for (const Numbers& one : argument) join_flags(out, one);
  const bool seeds = expr.name == "seed";
  out.seeds.resize(layout.seeds.size());
  if (seeds)
    for (std::size_t s = 0; s < layout.seeds.size(); ++s)
      out.seeds[s] = static_cast<char>(std::find(points.values.begin(), points.values.end(), layout.seeds[s]) != points.values.end());
  for (std::size_t i = 0; i < out.at.size(); ++i) {
    const std::size_t first = layout.without(0);
    std::vector<std::vector<double>> values(points.numbers.size());
    std::vector<std::string> kept;
    for (std::size_t k = 0; k < points.values.size(); ++k) {
      if (seeds && i >= first && layout.seeds[i - first] == points.values[k]) continue;
      kept.push_back(points.values[k]);
      for (std::size_t a = 0; a < values.size(); ++a) values[a].push_back(points.numbers[a][k].at[i]);
    }
    out.at[i] = compute(values, kept);
  }
  return out;
}

Numbers Evaluator::aggregate(const Expr& expr) {
  const Points of = points(expr);
  const std::string& name = expr.function;
  const auto q = expr.options.find("q");
  return along(expr, of, [&](const auto& values, const auto& kept) {
    const auto& v = values[0];
    if (v.empty()) return undefined;
    if (name == "count") return summary("sum", v, 0);
    if (name == "share") return summary("mean", v, 0);
    if (name != "argmin" && name != "argmax") return summary(name, v, q == expr.options.end() ? 0.5 : q->second);
    const auto at = name == "argmin" ? std::min_element(v.begin(), v.end()) : std::max_element(v.begin(), v.end());
    return number_of(expr.name, kept[static_cast<std::size_t>(at - v.begin())]);
  });
}

// The axis' own value is x where only y is given.
Numbers Evaluator::relation(const Expr& expr) {
  const Points of = points(expr);
  const std::string& name = expr.function;
  const bool own_x = (name == "crossing" && expr.args.size() == 2) || expr.args.size() == 1;
  return along(expr, of, [&](auto values, const auto& kept) {
    if (own_x) {
      std::vector<double> x;
      x.reserve(kept.size());
      for (const std::string& value : kept) x.push_back(number_of(expr.name, value));
      values.insert(values.begin(), x);
    }
    return related(name, values);
  });
}

Numbers Evaluator::number(const Expr& expr) {
  switch (expr.op) {
    case Op::number: return constant(expr.number);
    case Op::variable: return variable(expr.name);
    case Op::measure: return source_.measure(expr, wanted(expr.filters));
    case Op::rank: return rank(expr);
    case Op::negate: return pointwise({number(expr.args[0])}, [](const auto& v) { return -v[0]; });
    case Op::function: return function(expr);
    case Op::aggregate: return aggregate(expr);
    case Op::relation: return relation(expr);
    default: return arithmetic(expr);
  }
}

}  // namespace assay::claims
