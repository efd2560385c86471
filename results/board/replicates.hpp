// Bootstrap replicates of a metric from stored per-unit outcomes. Resample b draws the same units for every cell, so
// differences between cells are paired by unit (rule 45). Inside of the board; one thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "harness/metrics/registry.hpp"
#include "results/board/board.hpp"
#include "results/board/timings.hpp"

namespace assay::board {

// statistic[i][b]: the metric of cell i on resample b; empty where the cell lacks a column, or where its units are not
// those of the first cell that has them.
struct CellReplicates {
  std::vector<std::vector<double>> statistic;
  std::int64_t units = 0;
  std::vector<std::int64_t> ids;  // of the units, reference units behind
  bool mismatch = false;  // some cell was left out because its units differ
};

using CellList = std::vector<const store::CellRecord*>;

// mean[g][b]: the mean over the cells of group g on resample b; empty where the group is, or where a cell of it has no
// replicates.
struct GroupReplicates {
  std::vector<std::vector<double>> mean;
  std::int64_t units = 0;
  bool mismatch = false;
};

class Replicator {
 public:
  Replicator(const store::Store& db, const stats::BootstrapOptions& options) : db_(db), options_(options) {}

  CellReplicates cells(const Metric& metric, const CellList& cells);
  // Of means over cells, all on the same units. Of a metric that is a mean of one column the cells are averaged first:
  // the same but for rounding, and quicker by as many cells as a group has.
  GroupReplicates groups(const Metric& metric, const std::vector<CellList>& groups);
  // Interval over samples of the mean over cells; nullopt when a cell has no columns.
  std::optional<stats::Interval> over_samples(const Metric& metric, const CellList& cells);
  // Only for metrics that are a mean of one column: cells are averaged first, which is exact and quicker.
  std::optional<stats::Interval> mean_over_samples(const Metric& metric, const CellList& cells);
  // Of a timing, which is not resampled but compared by its rounds; see timings.hpp.
  std::vector<double> rounds(const Metric& metric, const CellList& cells) const { return rounds_of(db_, metric, cells); }
  const stats::BootstrapOptions& options() const { return options_; }

 private:
  // A cell's units and its metric on every resample; empty where the cell lacks a column or a resample has no value.
  struct Drawn {
    bool known = false;  // all columns are there
    std::vector<std::int64_t> ids, reference_ids;
    std::vector<double> statistic;
  };

  const std::vector<std::uint32_t>& indices(std::size_t n, std::uint64_t salt);  // resamples * n
  const std::vector<std::uint32_t>& counts(std::size_t n, std::uint64_t salt);   // the same as how often each unit is drawn
  const Drawn& draw(const Metric& metric, const metrics::MetricInfo& info, const store::CellRecord& cell);
  std::vector<double> resampled_mean(const std::vector<double>& values);
  GroupReplicates mean_groups(const Metric& metric, const metrics::MetricInfo& info, const std::vector<CellList>& groups);

  const store::Store& db_;
  stats::BootstrapOptions options_;
  std::map<std::pair<std::size_t, std::uint64_t>, std::vector<std::uint32_t>> indices_, counts_;
  std::string drawn_of_;                  // the metric that drawn_ holds: a board asks for its ranked one again and again
  std::map<std::int64_t, Drawn> drawn_;   // by attempt
};

// Replicates of the mean over cells; empty when a cell has none.
std::vector<double> mean_replicates(std::span<const std::vector<double>> statistic);

}  // namespace assay::board
