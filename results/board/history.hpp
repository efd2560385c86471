// Results of a protocol that no board shows any more: made with another version of the plugin, under other numerics, or
// by a method that the suite has given up. Their numbers are as they were; they are never ranked. [one thread: the
// store's]
#pragma once

#include <map>
#include <string>
#include <vector>

#include "results/board/board.hpp"

namespace assay::board {

struct Earlier {
  Row row;  // values: one, of the metric that the board ranks by
  std::string numerics;
  int version = 1;         // of the suite that planned it last
  std::int64_t order = 0;  // results in the order in which they were recorded; comparable within one database
};

// Empty for a board that ranks subjects, or that has no metric.
std::vector<Earlier> earlier_results(const store::Store& db, const Query& query, const Board& board,
                                     const store::EarlierLimits& limits = {});

// When the results of a row that a board shows were recorded, and under which numerics. `cells`: those of the protocol
// by their generation hash.
struct Recorded {
  std::string numerics;
  std::int64_t order = 0;
};
Recorded recorded(const Row& row, const std::map<std::string, const store::CellRecord*>& cells);

}  // namespace assay::board
