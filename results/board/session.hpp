// What the parts of one protocol's report share: its cells, and resamples that are drawn once. Inside of the board; one
// thread.
#pragma once

#include <optional>
#include <vector>

#include "results/board/compared.hpp"
#include "results/board/front.hpp"
#include "results/board/groups.hpp"
#include "results/board/pairs.hpp"
#include "results/board/replicates.hpp"

namespace assay::board {

struct Session {
  Session(const store::Store& store, const Query& asked);

  const store::Store& db;
  const Query& query;
  store::SuiteRecord suite;              // with the metric and condition that were asked for
  std::vector<store::CellRecord> cells;
  Replicator replicator;
};

Board board_of(Session& session);
std::optional<Curves> curves_of(Session& session);
Pairs pairs_of(Session& session, const Board& board, std::size_t most);
Front front_of(Session& session, const Board& board, const std::string& cost);

}  // namespace assay::board
