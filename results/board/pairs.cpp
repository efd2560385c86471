#include "results/board/pairs.hpp"

#include <map>
#include <span>

#include "results/board/groups.hpp"
#include "results/board/replicates.hpp"

namespace assay::board {
namespace {

bool comparable(const Row& row, const store::SuiteRecord& suite) {
  return !row.values.empty() && row.values[0].mean && row.level != store::Level::invalid && row.coverage.done > 0 &&
         row.coverage.done == row.coverage.planned && at_rank_point(row.axes, suite.rank_axes);
}

// One compared row: its place on the board and what it is compared by.
struct Entry {
  std::size_t row = 0;
  stats::RankInput input;
};

std::vector<Entry> entries(const store::Store& db, const Board& board, const std::vector<std::size_t>& rows,
                           Replicator& replicator) {
  const auto all = db.cells(board.suite.protocol_hash);
  std::map<std::string, const store::CellRecord*> by_key;
  for (const auto& cell : all) by_key[cell.generation] = &cell;
  std::vector<const store::CellRecord*> cells;
  for (const std::size_t r : rows)
    for (const std::string& key : board.rows[r].cells) cells.push_back(by_key.at(key));
  const CellReplicates found = replicator.cells(board.metrics[0], cells);
  std::vector<Entry> out;
  std::span<const std::vector<double>> left = found.statistic;
  for (const std::size_t r : rows) {
    const Row& row = board.rows[r];
    auto replicates = mean_replicates(left.first(row.cells.size()));
    left = left.subspan(row.cells.size());
    if (!replicates.empty())
      out.push_back({r, {*row.values[0].mean, std::move(replicates), found.units, row.values[0].per_seed, 0}});
  }
  return out;
}

Pair make_pair(const Entry& a, const Entry& b, double level) {
  const auto test = stats::component_test(stats::difference(a.input, b.input), level);
  return {a.row, b.row, a.input.value - b.input.value, test.interval, test.p, test.p};
}

void correct(std::vector<Pair>& pairs) {
  std::vector<double> p;
  p.reserve(pairs.size());
  for (const Pair& pair : pairs) p.push_back(pair.p);
  const auto adjusted = stats::holm(p);
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].p_holm = adjusted[i];
}

}  // namespace

Pairs make_pairs(const store::Store& db, const Query& query, const Board& board, std::size_t most) {
  Pairs out;
  if (board.rank == "subject" || board.metrics.empty() || !board.metrics[0].ranked) {
    out.note = "this board compares no methods";
    return out;
  }
  std::vector<std::size_t> rows;
  std::size_t left_out = 0;
  for (std::size_t r = 0; r < board.rows.size(); ++r) {
    if (!comparable(board.rows[r], board.suite)) continue;
    if (rows.size() < most)
      rows.push_back(r);
    else
      ++left_out;
  }
  if (rows.size() < 2) {
    out.note = "fewer than two methods have all their cells";
    return out;
  }
  stats::BootstrapOptions options;
  options.level = query.level;
  options.resamples = out.resamples = query.resamples;
  Replicator replicator(db, options);
  const auto compared = entries(db, board, rows, replicator);
  for (std::size_t i = 0; i < compared.size(); ++i)
    for (std::size_t k = i + 1; k < compared.size(); ++k)
      if (board.rows[compared[i].row].subject == board.rows[compared[k].row].subject)
        out.pairs.push_back(make_pair(compared[i], compared[k], query.level));
  if (out.pairs.empty()) {
    out.note = "there are no per-sample outcomes to compare by";
    return out;
  }
  correct(out.pairs);
  if (left_out > 0)
    out.note = std::to_string(left_out) + " rows below the first " + std::to_string(most) + " are not compared";
  return out;
}

}  // namespace assay::board
