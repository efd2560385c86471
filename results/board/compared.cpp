#include "results/board/compared.hpp"

#include <map>

#include "results/board/session.hpp"
#include "results/board/subject.hpp"
#include "results/board/timings.hpp"

namespace assay::board {
namespace {

bool comparable(const Row& row, const store::SuiteRecord& suite) {
  return !row.values.empty() && row.values[0].mean && row.level != store::Level::invalid && row.coverage.done > 0 &&
         row.coverage.done == row.coverage.planned && at_rank_point(row.axes, suite.rank_axes);
}

std::vector<Compared> timings(const Session& session, const Board& board, const std::vector<std::size_t>& rows,
                              const std::vector<CellList>& groups) {
  std::vector<Compared> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Value& value = board.rows[rows[i]].values[0];
    auto rounds = rounds_of(session.db, board.metrics[0], groups[i]);
    if (!rounds.empty()) out.push_back({rows[i], {*value.mean, {}, 0, value.per_seed, 0, std::move(rounds)}});
  }
  return out;
}

std::vector<Compared> methods(Session& session, const Board& board, const std::vector<std::size_t>& rows) {
  std::map<std::string, const store::CellRecord*> by_key;
  for (const auto& cell : session.cells) by_key[cell.generation] = &cell;
  std::vector<CellList> groups;
  for (const std::size_t r : rows) {
    CellList& cells = groups.emplace_back();
    for (const std::string& key : board.rows[r].cells) cells.push_back(by_key.at(key));
  }
  if (is_timing(board.metrics[0])) return timings(session, board, rows, groups);
  GroupReplicates found = session.replicator.groups(board.metrics[0], groups);
  std::vector<Compared> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = board.rows[rows[i]];
    if (!found.mean[i].empty())
      out.push_back({rows[i], {*row.values[0].mean, std::move(found.mean[i]), found.units, row.values[0].per_seed, 0, {}}});
  }
  return out;
}

std::vector<std::uint64_t> seeds_of(const WorstCase& worst) {
  std::vector<std::uint64_t> out;
  for (const auto& [seed, unused] : worst.robust) out.push_back(seed);
  return out;
}

std::vector<Compared> subjects(Session& session, const Board& board, const std::vector<std::size_t>& rows) {
  const auto all = worst_cases(session.db, board.suite.protocol_hash, board.suite.condition);
  std::vector<Compared> out;
  const WorstCase* first = nullptr;
  for (const std::size_t r : rows) {
    const WorstCase& worst = all.at(board.rows[r].subject);
    if (first == nullptr) first = &worst;
    if (worst.ids == first->ids && seeds_of(worst) == seeds_of(*first)) out.push_back({r, rank_input(worst, session.replicator.options())});
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

std::vector<Compared> compared(Session& session, const Board& board, const std::vector<std::size_t>& rows) {
  return board.rank == "subject" ? subjects(session, board, rows) : methods(session, board, rows);
}

}  // namespace assay::board
