#include "results/board/pairs.hpp"

#include "results/board/session.hpp"
#include "results/board/timings.hpp"

namespace assay::board {
namespace {

Pair make_pair(const Compared& a, const Compared& b, double level) {
  const double p = stats::pair_p(a.input, b.input);
  return {a.row, b.row, a.input.value - b.input.value,
          stats::component_test(stats::difference(a.input, b.input), level).interval, p, p};
}

void correct(std::vector<Pair>& pairs) {
  std::vector<double> p;
  p.reserve(pairs.size());
  for (const Pair& pair : pairs) p.push_back(pair.p);
  const auto adjusted = stats::holm(p);
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].p_holm = adjusted[i];
}

}  // namespace

Pairs pairs_of(Session& session, const Board& board, std::size_t most) {
  Pairs out;
  const bool subjects = board.rank == "subject";
  if (board.metrics.empty() || !board.metrics[0].ranked) {
    out.note = "this board compares no methods";
    return out;
  }
  std::size_t left_out = 0;
  const auto rows = comparable_rows(board, most, left_out);
  if (rows.size() < 2) {
    out.note = std::string("fewer than two ") + (subjects ? "subjects" : "methods") + " have all their cells";
    return out;
  }
  out.resamples = session.query.resamples;
  const auto found = compared(session, board, rows);
  for (std::size_t i = 0; i < found.size(); ++i)
    for (std::size_t k = i + 1; k < found.size(); ++k)
      if (subjects || board.rows[found[i].row].subject == board.rows[found[k].row].subject)
        out.pairs.push_back(make_pair(found[i], found[k], session.query.level));
  if (out.pairs.empty()) {
    out.note = "there are no per-sample outcomes to compare by";
    return out;
  }
  correct(out.pairs);
  if (is_timing(board.metrics[0])) out.note = timing_note;
  if (left_out > 0)
    out.note += (out.note.empty() ? "" : "; ") + std::to_string(left_out) + " rows below the first " + std::to_string(most) + " are not compared";
  return out;
}

}  // namespace assay::board
