// Which rows of a board are compared, and by what: shared by pairs and fronts. Inside of the board.
#pragma once

#include <cstddef>
#include <vector>

#include "results/board/board.hpp"

namespace assay::board {

// The first `most` rows at the board's rank point with every planned cell done and nothing INVALID; `left_out`: how many more
// there are.
std::vector<std::size_t> comparable_rows(const Board& board, std::size_t most, std::size_t& left_out);

// One compared row: its place on the board and what it is compared by.
struct Compared {
  std::size_t row = 0;
  stats::RankInput input;
};
// Of these rows those that have per-unit outcomes; of subjects their worst cases, those judged on the same samples and seeds
// as the first (rule 45). Resamples are the same for all of them.
struct Session;
std::vector<Compared> compared(Session& session, const Board& board, const std::vector<std::size_t>& rows);

}  // namespace assay::board
