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

CellColumns load_columns(const store::Store& db, const store::CellRecord& cell, const Metric& metric, const MetricInfo& info) {
  CellColumns out;
  for (const std::string& quantity : info.columns) {
    const auto columns = db.outcomes(cell.standing->id, quantity, metric.condition);
    const auto* column = pick(columns, metric.configuration);
    if (column == nullptr || (!out.ids.empty() && column->ids != out.ids)) return out;
    out.ids = column->ids;
    out.values.push_back(column->values);
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
