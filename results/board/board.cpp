// From a store and a query to a board of methods.
#include "results/board/board.hpp"

#include <algorithm>
#include <numeric>

#include "harness/base/error.hpp"
#include "harness/metrics/registry.hpp"
#include "results/board/ranking.hpp"
#include "results/board/sentence.hpp"
#include "results/board/session.hpp"

namespace assay::board {
namespace {

std::optional<double> number_of(const Json& json, const char* key) {
  if (!json.is_object() || !json.has(key) || !json.at(key).is_number()) return std::nullopt;
  return json.at(key).as_real();
}

// Rule 25. "denominator" may be the name of what is counted; then the count stands in "denominator_count".
void add_ratio(Value& value, const Json& extra) {
  const auto count = number_of(extra, "denominator_count");
  const auto denominator = count ? count : number_of(extra, "denominator");
  if (!denominator) return;
  value.numerator = value.numerator.value_or(0) + number_of(extra, "numerator").value_or(0);
  value.denominator = value.denominator.value_or(0) + *denominator;
}

Value make_value(const Group& group, const Metric& metric) {
  Value value;
  for (const auto* cell : done_cells(group)) {
    const auto* score = find_score(*cell, metric);
    if (score == nullptr) continue;
    value.per_seed.push_back(score->value);
    add_ratio(value, score->extra);
  }
  if (!value.per_seed.empty())
    value.mean = std::accumulate(value.per_seed.begin(), value.per_seed.end(), 0.0) / static_cast<double>(value.per_seed.size());
  return value;
}

// Rule 34: a calibration error is shown only beside a proper score at the same condition.
void enforce_proper_score(Row& row, const std::vector<Metric>& metrics) {
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    if (!metrics[i].quantity.starts_with("ece") || !row.values[i].mean) continue;
    bool proper = false;
    for (std::size_t k = 0; k < metrics.size(); ++k)
      proper = proper || ((metrics[k].quantity == "nll" || metrics[k].quantity == "brier") &&
                          metrics[k].condition == metrics[i].condition && row.values[k].mean);
    if (proper) continue;
    row.values[i] = Value{};
    row.notes.emplace_back(metrics[i].quantity + " is not shown without a proper score beside it (rule 34)");
  }
}

void add_intervals(Candidate& c, const std::vector<Metric>& metrics, const std::string& by, Replicator& replicator) {
  const auto cells = done_cells(*c.group);
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    Value& value = c.row.values[i];
    // An interval over the samples of all cells says nothing of a mean over some of them.
    if (value.per_seed.size() != cells.size() || cells.empty()) continue;
    value.interval = metrics[i].quantity == by ? replicator.over_samples(metrics[i], cells)
                                               : replicator.mean_over_samples(metrics[i], cells);
    if (!value.interval && value.per_seed.size() >= 3)
      value.interval = stats::student(value.per_seed, "seeds", replicator.options().level);
  }
}

std::vector<Candidate> make_candidates(const std::vector<Group>& groups, const std::vector<Metric>& metrics) {
  std::vector<Candidate> out;
  for (const Group& group : groups) {
    Candidate c;
    c.group = &group;
    c.row = start_row(group);
    for (const Metric& metric : metrics) c.row.values.push_back(make_value(group, metric));
    enforce_proper_score(c.row, metrics);
    out.push_back(std::move(c));
  }
  return out;
}

}  // namespace

Board board_of(Session& session) {
  if (session.suite.rank == "subject") return make_subject_board(session.db, session.query);
  Board board;
  board.suite = session.suite;
  board.rank = board.suite.rank.empty() ? "method" : board.suite.rank;

  const auto groups = make_groups(session.cells);
  board.metrics = make_metrics(groups, board.suite.rank_by, board.suite.condition);
  auto candidates = make_candidates(groups, board.metrics);
  RankRules rules{board.suite, nullptr, lower_is_better(board.suite.rank_by, board.suite.task, board.rank),
                  session.query.require_certificate, session.query.level};
  if (!board.metrics.empty() && board.metrics[0].ranked) rules.metric = &board.metrics[0];

  Replicator& replicator = session.replicator;
  for (Candidate& c : candidates) add_intervals(c, board.metrics, board.suite.rank_by, replicator);
  decide(candidates, rules, session.db);
  rank(candidates, rules, replicator);
  order(candidates, rules);
  for (Candidate& c : candidates) board.rows.push_back(std::move(c.row));
  board.claimed = session.db.claimed(board.suite.series);
  describe(board, rules.lower_is_better, replicator.options());
  return board;
}

}  // namespace assay::board
