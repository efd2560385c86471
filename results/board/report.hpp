// Everything that is shown of one protocol, its cells read once and its outcomes resampled once. Deterministic; the parts
// equal those of make_board, make_curves, make_pairs and make_front. [one thread: the store's]
#pragma once

#include <optional>
#include <vector>

#include "results/board/board.hpp"
#include "results/board/front.hpp"
#include "results/board/pairs.hpp"

namespace assay::board {

struct Report {
  std::vector<store::CellRecord> cells;  // all planned cells of the protocol
  Board board;
  std::optional<Curves> curves;
  Pairs pairs;
  std::vector<Front> fronts;             // one per cost_kinds()
};

Report make_report(const store::Store& db, const Query& query);

}  // namespace assay::board
