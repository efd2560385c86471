#include "results/board/compared.hpp"

#include <map>
#include <span>

#include "results/board/groups.hpp"
#include "results/board/replicates.hpp"
#include "results/board/subject.hpp"
#include "results/board/timings.hpp"

namespace assay::board {
namespace {

bool comparable(const Row& row, const store::SuiteRecord& suite) {
  return !row.values.empty() && row.values[0].mean && row.level != store::Level::invalid && row.coverage.done > 0 &&
         row.coverage.done == row.coverage.planned && at_rank_point(row.axes, suite.rank_axes);
}

std::vector<Compared> timings(const store::Store& db, const Board& board, const std::vector<std::size_t>& rows,
                              const std::map<std::string, const store::CellRecord*>& by_key) {
  std::vector<Compared> out;
  for (const std::size_t r : rows) {
    const Row& row = board.rows[r];
    std::vector<const store::CellRecord*> cells;
    for (const std::string& key : row.cells) cells.push_back(by_key.at(key));
    auto rounds = rounds_of(db, board.metrics[0], cells);
    if (!rounds.empty()) out.push_back({r, {*row.values[0].mean, {}, 0, row.values[0].per_seed, 0, std::move(rounds)}});
  }
  return out;
}

std::vector<Compared> methods(const store::Store& db, const Board& board, const std::vector<std::size_t>& rows,
                              const stats::BootstrapOptions& options) {
  const auto all = db.cells(board.suite.protocol_hash);
  std::map<std::string, const store::CellRecord*> by_key;
  for (const auto& cell : all) by_key[cell.generation] = &cell;
  if (is_timing(board.metrics[0])) return timings(db, board, rows, by_key);
  std::vector<const store::CellRecord*> cells;
  for (const std::size_t r : rows)
    for (const std::string& key : board.rows[r].cells) cells.push_back(by_key.at(key));
  Replicator replicator(db, options);
  const CellReplicates found = replicator.cells(board.metrics[0], cells);
  std::vector<Compared> out;
  std::span<const std::vector<double>> left = found.statistic;
  for (const std::size_t r : rows) {
    const Row& row = board.rows[r];
    auto replicates = mean_replicates(left.first(row.cells.size()));
    left = left.subspan(row.cells.size());
    if (!replicates.empty())
      out.push_back({r, {*row.values[0].mean, std::move(replicates), found.units, row.values[0].per_seed, 0, {}}});
  }
  return out;
}

std::vector<std::uint64_t> seeds_of(const WorstCase& worst) {
  std::vector<std::uint64_t> out;
  for (const auto& [seed, unused] : worst.robust) out.push_back(seed);
  return out;
}

std::vector<Compared> subjects(const store::Store& db, const Board& board, const std::vector<std::size_t>& rows,
                               const stats::BootstrapOptions& options) {
  const auto all = worst_cases(db, board.suite.protocol_hash, board.suite.condition);
  std::vector<Compared> out;
  const WorstCase* first = nullptr;
  for (const std::size_t r : rows) {
    const WorstCase& worst = all.at(board.rows[r].subject);
    if (first == nullptr) first = &worst;
    if (worst.ids == first->ids && seeds_of(worst) == seeds_of(*first)) out.push_back({r, rank_input(worst, options)});
  }
  return out;
}

}  // namespace

std::vector<std::size_t> comparable_rows(const Board& board, std::size_t most, std::size_t& left_out) {
  std::vector<std::size_t> rows;
  left_out = 0;
  for (std::size_t r = 0; r < board.rows.size(); ++r) {
    if (!comparable(board.rows[r], board.suite)) continue;
    if (rows.size() < most)
      rows.push_back(r);
    else
      ++left_out;
  }
  return rows;
}

std::vector<Compared> compared(const store::Store& db, const Board& board, const std::vector<std::size_t>& rows,
                               const stats::BootstrapOptions& options) {
  return board.rank == "subject" ? subjects(db, board, rows, options) : methods(db, board, rows, options);
}

}  // namespace assay::board
