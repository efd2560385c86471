#include "results/board/history.hpp"

#include <algorithm>

#include "results/board/values.hpp"

namespace assay::board {
namespace {

// Rows never mix what was made under two numerics classes or planned by two versions.
using Batch = std::pair<std::string, int>;

}  // namespace

std::vector<Earlier> earlier_results(const store::Store& db, const Query& query, const Board& board,
                                     const store::EarlierLimits& limits) {
  std::vector<Earlier> out;
  if (board.rank == "subject" || board.metrics.empty()) return out;
  std::map<Batch, std::vector<store::CellRecord>> batches;
  for (store::EarlierCell& one : db.earlier_cells(board.suite.protocol_hash, limits))
    batches[{one.cell.numerics, one.version}].push_back(std::move(one.cell));
  Replicator replicator(db, {query.resamples, query.level});
  const Metric& metric = board.metrics[0];
  for (auto& [batch, cells] : batches)
    for (const Group& group : make_groups(cells)) {
      Earlier one;
      one.row = start_row(group);
      one.row.values.push_back(make_value(group, metric));
      add_interval(one.row.values[0], group, metric, board.suite.rank_by, replicator);
      one.row.unranked_because = "the suite's latest plan does not hold it";
      one.numerics = batch.first;
      one.version = batch.second;
      for (const auto* cell : group.cells)
        if (one.order == 0 || cell->standing->id < one.order) one.order = cell->standing->id;
      out.push_back(std::move(one));
    }
  std::sort(out.begin(), out.end(), [](const Earlier& a, const Earlier& b) { return a.order < b.order; });
  return out;
}

Recorded recorded(const Row& row, const std::map<std::string, const store::CellRecord*>& cells) {
  Recorded out;
  for (const std::string& key : row.cells) {
    const auto found = cells.find(key);
    if (found == cells.end() || !found->second->standing) continue;
    const store::AttemptRecord& attempt = *found->second->standing;
    if (out.order == 0 || attempt.id < out.order) out = {attempt.numerics, attempt.id};
  }
  return out;
}

}  // namespace assay::board
