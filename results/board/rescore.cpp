#include "results/board/rescore.hpp"

#include <cmath>
#include <set>
#include <utility>

#include "harness/base/error.hpp"
#include "harness/metrics/metrics.hpp"
#include "results/board/cell_columns.hpp"
#include "results/board/groups.hpp"

namespace assay::board {
namespace {

using metrics::MetricInfo;
using metrics::Pool;

constexpr double rounding = 1e-9;

// Where the metric may be computed from a column. What members of an ensemble did is a number of the ensemble.
bool gives(const MetricInfo& info, const store::OutcomeColumn& column) {
  if (column.grade != "judged" || column.ids.empty()) return false;
  if (is_member(column.configuration) != (info.pool == Pool::members)) return false;
  return info.pool != Pool::rank || column.condition != info.reference;
}

// Where the cells of a group have the metric's first column.
std::set<std::pair<std::string, std::string>> places(const store::Store& db, const Group& group, const MetricInfo& info) {
  std::set<std::pair<std::string, std::string>> out;
  for (const auto* cell : done_cells(group))
    for (const auto& column : db.outcomes(cell->standing->id, info.columns.at(0)))
      if (gives(info, column)) out.emplace(column.condition, info.pool == Pool::members ? "" : column.configuration);
  return out;
}

// Rule 25.
void add_counts(Rescored& out, const CellColumns& columns) {
  const metrics::Ratio ratio = metrics::attack_success_rate(columns.values[0], columns.values[1]);
  out.numerator = out.numerator.value_or(0) + ratio.numerator;
  out.denominator = out.denominator.value_or(0) + ratio.denominator;
}

Rescored row_of(const store::Store& db, const Group& group, const MetricInfo& info, const Metric& metric) {
  Rescored out{group.method, group.subject, group.params, group.axes, metric.quantity, metric.condition, metric.configuration,
               0, 0, std::nullopt, std::nullopt, std::nullopt, 0, true};
  double sum = 0, recorded = 0;
  std::int64_t known = 0;
  for (const auto* cell : done_cells(group)) {
    const CellColumns columns = load_columns(db, *cell, metric, info);
    const auto value = columns.complete ? metric_of(info, columns) : std::nullopt;
    if (!value) continue;
    ++out.cells;
    sum += *value;
    if (info.pool == Pool::ratio) add_counts(out, columns);
    const store::ScoreRecord* score = find_score(*cell, metric);
    if (score == nullptr) continue;
    ++known;
    recorded += score->value;
    const double gap = std::abs(score->value - *value);
    out.gap = std::max(out.gap, gap);
    out.agrees = out.agrees && gap <= rounding * std::max(1.0, std::abs(*value));
  }
  if (out.cells > 0) out.mean = sum / static_cast<double>(out.cells);
  if (out.cells > 0 && known == out.cells) out.recorded = recorded / static_cast<double>(known);
  return out;
}

}  // namespace

std::vector<Rescored> rescore(const store::Store& db, const std::string& protocol, const std::string& metric) {
  if (!metric.empty() && metrics::info(metric).pool == Pool::none)
    throw Error(Fault::bad_input, "metric '" + metric + "' cannot be computed from per-sample outcomes; expected one that can");
  std::vector<Rescored> out;
  const auto cells = db.cells(db.protocol(protocol).protocol_hash);
  for (const Group& group : make_groups(cells)) {
    for (const MetricInfo& info : metrics::registry()) {
      if (info.pool == Pool::none || (!metric.empty() && info.id != metric)) continue;
      for (const auto& [condition, configuration] : places(db, group, info)) {
        Rescored row = row_of(db, group, info, {info.id, condition, configuration, "judged", false});
        if (row.cells > 0) out.push_back(std::move(row));
      }
    }
  }
  return out;
}

}  // namespace assay::board
