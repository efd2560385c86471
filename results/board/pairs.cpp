#include "results/board/pairs.hpp"

#include <map>

#include "results/board/groups.hpp"
#include "results/board/replicates.hpp"

namespace assay::board {
namespace {

bool comparable(const Row& row, const store::SuiteRecord& suite) {
  return !row.values.empty() && row.values[0].mean && row.level != store::Level::invalid && row.coverage.done > 0 &&
         row.coverage.done == row.coverage.planned && at_rank_point(row.axes, suite.rank_axes);
}

// One compared row: its place on the board and bootstrap replicates of its mean.
struct Entry {
  std::size_t row = 0;
  std::vector<double> replicates;
};

std::vector<Entry> entries(const store::Store& db, const Board& board, const std::vector<std::size_t>& rows,
                           Replicator& replicator, std::int64_t& units) {
  const auto all = db.cells(board.suite.protocol_hash);
  std::map<std::string, const store::CellRecord*> by_key;
  for (const auto& cell : all) by_key[cell.generation] = &cell;
  std::vector<const store::CellRecord*> cells;
  for (const std::size_t r : rows)
    for (const std::string& key : board.rows[r].cells) cells.push_back(by_key.at(key));
  const CellReplicates found = replicator.cells(board.metrics[0], cells);
  units = found.units;
  std::vector<Entry> out;
  auto first = found.statistic.begin();
  for (const std::size_t r : rows) {
    const auto last = first + static_cast<std::ptrdiff_t>(board.rows[r].cells.size());
    auto replicates = resample_seeds(std::vector<std::vector<double>>(first, last), replicator.options());
    if (!replicates.empty()) out.push_back({r, std::move(replicates)});
    first = last;
  }
  return out;
}

Pair make_pair(const Board& board, const Entry& a, const Entry& b, const stats::BootstrapOptions& options,
               std::int64_t units) {
  std::vector<double> difference(a.replicates.size());
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = a.replicates[i] - b.replicates[i];
  Pair pair;
  pair.a = a.row;
  pair.b = b.row;
  pair.difference = *board.rows[a.row].values[0].mean - *board.rows[b.row].values[0].mean;
  pair.p = stats::bootstrap_p(difference);
  pair.interval = stats::percentile_interval(difference, options, "samples and seeds", units);
  return pair;
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
  options.resamples = out.resamples = stats::resamples_for(rows.size(), query.level, query.resamples);
  Replicator replicator(db, options);
  std::int64_t units = 0;
  const auto compared = entries(db, board, rows, replicator, units);
  for (std::size_t i = 0; i < compared.size(); ++i)
    for (std::size_t k = i + 1; k < compared.size(); ++k)
      if (board.rows[compared[i].row].subject == board.rows[compared[k].row].subject)
        out.pairs.push_back(make_pair(board, compared[i], compared[k], options, units));
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
