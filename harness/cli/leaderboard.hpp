// Printing one board; shared by `run` (at its end) and `leaderboard`.
#pragma once

#include "results/board/board.hpp"
#include "results/board/format.hpp"
#include "results/store/store.hpp"

namespace assay::cli {

// Prints the board, and as a table the curves of the suite where it has an axis.
board::Board show_leaderboard(const store::Store& db, const board::Query& query, board::Format format);

}  // namespace assay::cli
