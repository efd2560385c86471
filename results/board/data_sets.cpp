#include "results/board/data_sets.hpp"

#include <algorithm>

#include "results/board/ranking.hpp"
#include "results/board/text.hpp"

namespace assay::board {
namespace {

// "far" of "far:mnist", "" of "eps=1/10".
std::string group_of(const std::string& condition) {
  const auto colon = condition.find(':');
  const std::string group = colon == std::string::npos ? "" : condition.substr(0, colon);
  return group == "near" || group == "far" ? group : "";
}

bool of_data_set(const Metric& metric, const Metric& ranked) {
  if (metric.quantity != ranked.quantity || metric.configuration != ranked.configuration || metric.grade != ranked.grade)
    return false;
  const std::string group = group_of(ranked.condition);
  return group.empty() ? metric.condition == ranked.condition : group_of(metric.condition) == group;
}

}  // namespace

stats::Table data_set_table(const Board& board) {
  stats::Table out;
  if (board.rank == "subject" || board.metrics.empty() || !board.metrics[0].ranked) return out;
  std::vector<std::size_t> columns;
  for (std::size_t m = 0; m < board.metrics.size(); ++m)
    if (of_data_set(board.metrics[m], board.metrics[0])) columns.push_back(m);
  std::vector<stats::Measurement> values;
  for (const Row& row : board.rows) {
    if (!row.ranked) continue;
    if (std::find(out.methods.begin(), out.methods.end(), row_name(row)) == out.methods.end()) out.methods.push_back(row_name(row));
    for (const std::size_t m : columns)
      if (row.values[m].mean) values.push_back({row_name(row), board.metrics[m].condition, *row.values[m].mean});
  }
  if (values.empty()) return out;
  return stats::average_seeds(values, !lower_is_better(board.metrics[0].quantity, board.suite.task, board.rank));
}

}  // namespace assay::board
