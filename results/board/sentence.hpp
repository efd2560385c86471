// The words around a board: what is ranked, how, and what the columns mean (rules 6 and 30). Inside of the board.
#pragma once

#include "results/board/board.hpp"

namespace assay::board {

inline constexpr const char* shared_note = "times taken under shared load";

// Fills sentence and footnotes.
void describe(Board& board, bool lower_is_better, const stats::BootstrapOptions& options);

}  // namespace assay::board
