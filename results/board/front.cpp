#include "results/board/front.hpp"

#include <algorithm>
#include <map>

#include "harness/base/error.hpp"
#include "results/board/ranking.hpp"
#include "results/board/session.hpp"
#include "results/board/timings.hpp"

namespace assay::board {

namespace {

constexpr std::size_t most_rows = 200;

double cost_of(const Cost& cost, const std::string& kind) {
  if (kind == "forward") return cost.forward;
  if (kind == "backward") return cost.backward;
  return kind == "macs" ? cost.macs : cost.cpu_seconds;
}

// The rows of one subject.
void add_front(Front& out, const std::vector<const Compared*>& rows, const Board& board) {
  std::vector<stats::UncertainPoint> points;
  points.reserve(rows.size());
  for (const Compared* one : rows)
    points.push_back({{one->input.value, cost_of(board.rows[one->row].cost, out.cost)}, {one->input.replicates, {}}});
  const bool lower = lower_is_better(board.metrics[0].quantity, board.suite.task, board.rank);
  const auto found = stats::uncertain_front(points, {lower ? stats::Better::lower : stats::Better::higher, stats::Better::lower});
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.rows.push_back({rows[i]->row, points[i].values[0], points[i].values[1], found[i].on_front, found[i].probability});
}

}  // namespace

const std::vector<std::string>& cost_kinds() {
  static const std::vector<std::string> kinds = {"forward", "backward", "macs", "cpu"};
  return kinds;
}

Front front_of(Session& session, const Board& board, const std::string& cost) {
  const auto& kinds = cost_kinds();
  if (std::find(kinds.begin(), kinds.end(), cost) == kinds.end())
    throw Error(Fault::bad_input, "unknown cost '" + cost + "'" + suggestion(cost, kinds));
  Front out;
  out.cost = cost;
  out.resamples = session.query.resamples;
  if (board.rank == "subject" || board.metrics.empty() || !board.metrics[0].ranked) {
    out.note = "this board has no quality of methods to set against their cost";
    return out;
  }
  if (is_timing(board.metrics[0])) {
    out.note = "timings are not resampled, so nobody can say how sure a row is on a front";
    return out;
  }
  std::size_t left_out = 0;
  auto rows = comparable_rows(board, most_rows, left_out);
  left_out += std::erase_if(rows, [&](std::size_t r) {
    return !board.rows[r].cost.known || (cost == "cpu" && board.rows[r].cost.shared);
  });
  const auto found = rows.empty() ? std::vector<Compared>() : compared(session, board, rows);
  left_out += rows.size() - found.size();
  std::map<std::string, std::vector<const Compared*>> by_subject;
  for (const Compared& one : found) by_subject[board.rows[one.row].subject].push_back(&one);
  for (const auto& [subject, members] : by_subject) add_front(out, members, board);
  std::sort(out.rows.begin(), out.rows.end(), [](const FrontRow& a, const FrontRow& b) { return a.row < b.row; });
  if (out.rows.size() < 2) {
    out.rows.clear();
    out.note = "fewer than two methods have both numbers";
  } else if (left_out > 0) {
    out.note = std::to_string(left_out) + (left_out == 1 ? " row is" : " rows are") +
               " left out: no per-sample outcomes, or no cost that may be compared";
  }
  return out;
}

}  // namespace assay::board
