#include "results/board/report.hpp"

#include "harness/metrics/registry.hpp"
#include "results/board/session.hpp"

namespace assay::board {

Session::Session(const store::Store& store, const Query& asked)
    : db(store),
      query(asked),
      suite(store.protocol(asked.protocol)),
      cells(store.cells(suite.protocol_hash)),
      replicator(store, {asked.resamples, asked.level}) {
  if (!query.by.empty()) suite.rank_by = metrics::info(query.by).id;
  if (!query.condition.empty()) suite.condition = query.condition;
}

Board make_board(const store::Store& db, const Query& query) {
  Session session(db, query);
  return board_of(session);
}

std::optional<Curves> make_curves(const store::Store& db, const Query& query) {
  Session session(db, query);
  return curves_of(session);
}

Pairs make_pairs(const store::Store& db, const Query& query, const Board& board, std::size_t most) {
  Session session(db, query);
  return pairs_of(session, board, most);
}

Front make_front(const store::Store& db, const Query& query, const Board& board, const std::string& cost) {
  Session session(db, query);
  return front_of(session, board, cost);
}

Report make_report(const store::Store& db, const Query& query) {
  Session session(db, query);
  Report out;
  out.board = board_of(session);
  out.curves = curves_of(session);
  out.pairs = pairs_of(session, out.board, pairs_shown);
  for (const std::string& cost : cost_kinds()) out.fronts.push_back(front_of(session, out.board, cost));
  out.cells = std::move(session.cells);
  return out;
}

}  // namespace assay::board
