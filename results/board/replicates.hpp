// Bootstrap replicates of a metric from stored per-unit outcomes. Resample b draws the same units for every cell, so
// differences between cells are paired by unit (rule 45). Inside of the board; one thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

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

class Replicator {
 public:
  Replicator(const store::Store& db, const stats::BootstrapOptions& options) : db_(db), options_(options) {}

  CellReplicates cells(const Metric& metric, const std::vector<const store::CellRecord*>& cells);
  // Interval over samples of the mean over cells; nullopt when a cell has no columns.
  std::optional<stats::Interval> over_samples(const Metric& metric, const std::vector<const store::CellRecord*>& cells);
  // Only for metrics that are a mean of one column: cells are averaged first, which is exact and quicker.
  std::optional<stats::Interval> mean_over_samples(const Metric& metric, const std::vector<const store::CellRecord*>& cells);
  // Of a timing, which is not resampled but compared by its rounds; see timings.hpp.
  std::vector<double> rounds(const Metric& metric, const std::vector<const store::CellRecord*>& cells) const {
    return rounds_of(db_, metric, cells);
  }
  const stats::BootstrapOptions& options() const { return options_; }

 private:
  const std::vector<std::uint32_t>& indices(std::size_t n, std::uint64_t salt);  // resamples * n

  const store::Store& db_;
  stats::BootstrapOptions options_;
  std::map<std::pair<std::size_t, std::uint64_t>, std::vector<std::uint32_t>> indices_;
};

// Replicates of the mean over cells; empty when a cell has none.
std::vector<double> mean_replicates(std::span<const std::vector<double>> statistic);

}  // namespace assay::board
