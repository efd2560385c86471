// A board as methods x data sets, for the comparison of rules 46 and 47. [any-thread]
#pragma once

#include "results/board/board.hpp"

namespace assay::board {

// The ranked methods of a board on every data set that it has. Data sets are the out-of-distribution lists of the ranked
// condition's group ("near" and "far" stay apart, rule 28); a board without such lists has one data set, that of its
// test list. Seeds are averaged by the board, subjects here (rule 49): nets on the same data are no data sets. No value
// where a method was not measured. Without methods when the board does not rank methods.
stats::Table data_set_table(const Board& board);

}  // namespace assay::board
