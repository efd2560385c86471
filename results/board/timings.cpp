#include "results/board/timings.hpp"

#include <algorithm>

#include "harness/metrics/registry.hpp"

namespace assay::board {
namespace {

const store::OutcomeColumn* by_round(const std::vector<store::OutcomeColumn>& columns) {
  for (const auto& column : columns)
    if (column.unit == "round" && column.grade == "host-measured") return &column;
  return nullptr;
}

// One value a round; empty where a column is missing, or the two were not taken in the same rounds.
std::vector<double> rounds_of(const store::Store& db, const store::CellRecord& cell, const Metric& metric,
                              const std::vector<std::string>& quantities) {
  std::vector<double> out;
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < quantities.size(); ++i) {
    const auto columns = db.outcomes(cell.standing->id, quantities[i], metric.condition);
    const auto* column = by_round(columns);
    if (column == nullptr || (i > 0 && column->ids != ids)) return {};
    if (i == 0) {
      out = column->values;
      ids = column->ids;
      continue;
    }
    for (std::size_t k = 0; k < out.size(); ++k) out[k] /= column->values[k];
  }
  const bool positive = std::all_of(out.begin(), out.end(), [](double v) { return v > 0; });
  return positive ? out : std::vector<double>();
}

}  // namespace

bool is_timing(const Metric& metric) {
  const auto* info = metrics::find(metric.quantity);
  return info != nullptr && !info->rounds.empty() && metric.grade == "host-measured";
}

std::vector<double> rounds_of(const store::Store& db, const Metric& metric, const std::vector<const store::CellRecord*>& cells) {
  if (!is_timing(metric)) return {};
  std::vector<double> out;
  for (const auto* cell : cells) {
    const auto rounds = rounds_of(db, *cell, metric, metrics::info(metric.quantity).rounds);
    if (rounds.empty()) return {};
    out.insert(out.end(), rounds.begin(), rounds.end());
  }
  return out;
}

}  // namespace assay::board
