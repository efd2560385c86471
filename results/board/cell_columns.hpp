// What a metric of one cell is computed from: the stored per-unit outcomes. Inside of the board.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/metrics/registry.hpp"
#include "results/board/board.hpp"

namespace assay::board {

// A cell's columns for one metric: at its condition and, for rank metrics, at the reference condition.
struct CellColumns {
  std::vector<std::int64_t> ids, reference_ids;
  std::vector<std::vector<double>> values;  // one per MetricInfo::columns; of a members pool one a member, then the others
  std::vector<double> reference;
  bool complete = false;  // all are there, judged, over the same units
};
bool is_member(const std::string& configuration);  // of an ensemble's member
CellColumns load_columns(const store::Store& db, const store::CellRecord& cell, const Metric& metric, const metrics::MetricInfo& info);

// The metric on all units; nullopt where it is not defined (a ratio of nothing). `columns` is complete.
std::optional<double> metric_of(const metrics::MetricInfo& info, const CellColumns& columns);

}  // namespace assay::board
