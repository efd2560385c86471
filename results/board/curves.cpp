// Quality against an axis (rule 36: pruning is shown as a curve, with the unpruned point on it).
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "harness/base/rational.hpp"
#include "results/board/session.hpp"

namespace assay::board {
namespace {

std::string text_of(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

std::optional<double> number_on(const Json& axes, const std::string& axis) {
  if (!axes.is_object() || !axes.has(axis)) return std::nullopt;
  const auto parsed = Rational::parse(text_of(axes.at(axis)));
  return parsed ? std::optional(parsed->value()) : std::nullopt;
}

// The axis at which the suite ranks, else the one with the most numeric values.
std::string choose_axis(const std::vector<Group>& groups, const Json& rank_axes) {
  std::map<std::string, std::set<double>> values;
  for (const Group& group : groups)
    for (const auto& [axis, value] : group.axes.as_object())
      if (const auto x = number_on(group.axes, axis)) values[axis].insert(*x);
  std::string best;
  for (const auto& [axis, xs] : values) {
    if (xs.size() < 2) continue;
    if (rank_axes.is_object() && rank_axes.has(axis)) return axis;
    if (best.empty() || xs.size() > values[best].size()) best = axis;
  }
  return best;
}

// The row's other axes, so that two curves of one method can be told apart.
std::string curve_name(const Group& group, const std::string& axis) {
  std::string name = group.method;
  for (const auto& [key, value] : group.axes.as_object())
    if (key != axis && key != "subject") name += " " + key + "=" + text_of(value);
  return name;
}

CurvePoint make_point(const Group& group, const std::string& axis, const Metric& metric, Replicator& replicator) {
  CurvePoint point;
  point.label = text_of(group.axes.at(axis));
  point.x = number_on(group.axes, axis).value_or(0);
  std::vector<double> values;
  for (const auto* cell : done_cells(group))
    if (const auto* score = find_score(*cell, metric)) values.push_back(score->value);
  if (values.empty()) return point;
  point.mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  const auto cells = done_cells(group);
  if (values.size() == cells.size()) point.interval = replicator.over_samples(metric, cells);
  return point;
}

// Every curve gets one entry per axis value, empty where there was no cell.
void align(Curves& curves, bool pruning) {
  std::map<double, std::string> xs;
  for (const Curve& curve : curves.curves)
    for (const CurvePoint& point : curve.points) xs.try_emplace(point.x, point.label);
  for (Curve& curve : curves.curves) {
    std::vector<CurvePoint> all;
    for (const auto& x : xs) {
      const auto at = std::find_if(curve.points.begin(), curve.points.end(), [&](const CurvePoint& p) { return p.x == x.first; });
      all.push_back(at == curve.points.end() ? CurvePoint{x.first, x.second, std::nullopt, std::nullopt} : *at);
    }
    curve.points = std::move(all);
  }
  if (!pruning) return;
  std::size_t compressed = 0;
  for (const auto& [x, label] : xs) compressed += x > 1;
  if (curves.axis == "ratio" && compressed < 5)
    curves.notes.push_back(std::to_string(compressed) + " compression points; a pruning claim needs at least 5 (rule 36)");
  if (curves.axis == "ratio" && xs.count(1) == 0) curves.notes.emplace_back("the unpruned point is missing (rule 36)");
}

}  // namespace

std::optional<Curves> curves_of(Session& session) {
  const auto groups = make_groups(session.cells);
  Curves out;
  out.axis = choose_axis(groups, session.suite.rank_axes);
  if (out.axis.empty()) return std::nullopt;
  out.quantity = session.suite.rank_by;
  out.condition = session.suite.condition;
  const Metric metric{out.quantity, out.condition, "", "judged", true};
  std::map<std::pair<std::string, std::string>, Curve> curves;
  for (const Group& group : groups) {
    if (!number_on(group.axes, out.axis)) continue;
    const std::string name = curve_name(group, out.axis);
    Curve& curve = curves[{group.subject, name}];
    curve.method = name;
    curve.subject = group.subject;
    curve.baseline = group.baseline;
    curve.points.push_back(make_point(group, out.axis, metric, session.replicator));
  }
  for (auto& [key, curve] : curves) out.curves.push_back(std::move(curve));
  align(out, session.suite.task == "compress");
  return out;
}

}  // namespace assay::board
