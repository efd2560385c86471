#include "results/board/cell_columns.hpp"

#include <cmath>
#include <numeric>

namespace assay::board {

using metrics::MetricInfo;
using metrics::Pool;

namespace {

const store::OutcomeColumn* pick(const std::vector<store::OutcomeColumn>& columns, const std::string& configuration) {
  for (const auto& c : columns)
    if (c.configuration == configuration && c.grade == "judged" && !c.ids.empty()) return &c;
  return nullptr;
}

}  // namespace

namespace {

// Adds a column over the units that `out` has so far; false when there is none, or over others.
bool add(CellColumns& out, const store::OutcomeColumn* column) {
  if (column == nullptr || (!out.ids.empty() && column->ids != out.ids)) return false;
  out.ids = column->ids;
  out.values.push_back(column->values);
  return true;
}

// The members' columns, in the order of their names.
bool add_members(CellColumns& out, const std::vector<store::OutcomeColumn>& columns) {
  for (const auto& column : columns)
    if (is_member(column.configuration) && column.grade == "judged" && !column.ids.empty() && !add(out, &column)) return false;
  return out.values.size() >= 2;
}

}  // namespace

bool is_member(const std::string& configuration) { return configuration.rfind(metrics::member_prefix, 0) == 0; }

CellColumns load_columns(const store::Store& db, const store::CellRecord& cell, const Metric& metric, const MetricInfo& info) {
  CellColumns out;
  for (std::size_t i = 0; i < info.columns.size(); ++i) {
    const auto columns = db.outcomes(cell.standing->id, info.columns[i], metric.condition);
    const bool members = i == 0 && info.pool == Pool::members;
    if (!(members ? add_members(out, columns) : add(out, pick(columns, metric.configuration)))) return out;
  }
  if (info.pool == Pool::rank) {
    const auto columns = db.outcomes(cell.standing->id, info.columns[0], info.reference);
    const auto* column = pick(columns, metric.configuration);
    if (column == nullptr) return out;
    out.reference_ids = column->ids;
    out.reference = column->values;
  }
  out.complete = !out.values.empty();
  return out;
}

std::optional<double> metric_of(const MetricInfo& info, const CellColumns& columns) {
  std::vector<std::span<const double>> spans;
  if (info.pool == Pool::rank) spans.emplace_back(columns.reference);
  for (const auto& values : columns.values) spans.emplace_back(values);
  if (info.pool == Pool::ratio && std::accumulate(columns.values[1].begin(), columns.values[1].end(), 0.0) == 0) return std::nullopt;
  const double value = metrics::evaluate(info.id, spans);
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

}  // namespace assay::board
