// One line a row and metric, numbers exact: what spreadsheets, pandas and the SQL view `leaderboard` agree on.
#include "harness/base/csv.hpp"
#include "results/board/text.hpp"

namespace assay::board {
namespace {

std::string flag(bool value) { return value ? "1" : "0"; }
std::string number(const std::optional<double>& value) { return value ? exact_number(*value) : ""; }

void append(std::vector<std::string>& to, const std::vector<std::string>& more) { to.insert(to.end(), more.begin(), more.end()); }

std::vector<std::string> row_fields(const Board& board, const Row& row) {
  return {board.suite.protocol_hash, board.suite.name, row.method, row.plugin_version, row.plugin_digest, row.subject,
          row.params.dump(), row.axes.dump(), row.rank ? std::to_string(row.rank->lo) : "", row.rank ? std::to_string(row.rank->hi) : "",
          row.unranked_because, store::level_name(row.level), row.status, std::to_string(row.coverage.done),
          std::to_string(row.coverage.planned), flag(row.baseline), flag(row.single_run), flag(row.uses_outliers), flag(row.transductive), flag(row.submitted)};
}

std::vector<std::string> value_fields(const Metric& metric, const Value& value) {
  const auto& i = value.interval;
  return {metric.quantity, metric.condition, metric.configuration, metric.grade, number(value.mean),
          std::to_string(value.per_seed.size()), i ? exact_number(i->lo) : "", i ? exact_number(i->hi) : "",
          i ? exact_number(i->level) : "", i ? i->over : "", i ? std::to_string(i->n) : "", number(value.numerator),
          number(value.denominator)};
}

std::vector<std::string> cost_fields(const Cost& c) {
  if (!c.known) return std::vector<std::string>(7);
  return {exact_number(c.cpu_seconds), exact_number(c.wall_seconds), exact_number(c.forward), exact_number(c.backward),
          exact_number(c.macs), exact_number(c.peak_rss_bytes), flag(c.shared)};
}

}  // namespace

std::string csv_of(const Board& board) {
  std::string out = csv_line({"protocol", "suite", "method", "plugin_version", "plugin_digest", "subject", "params", "axes", "rank_lo",
                          "rank_hi", "unranked_because", "level", "status", "done", "planned", "baseline", "single_run",
                          "uses_outliers", "transductive", "submitted", "quantity", "condition", "configuration", "grade", "mean", "seeds", "lo",
                          "hi", "interval_level", "over", "n", "numerator", "denominator", "cpu_seconds", "wall_seconds", "forward",
                          "backward", "macs", "peak_rss_bytes", "shared"});
  for (const Row& row : board.rows) {
    bool any = false;
    for (std::size_t i = 0; i < board.metrics.size(); ++i) {
      if (!row.values[i].mean) continue;
      any = true;
      auto fields = row_fields(board, row);
      append(fields, value_fields(board.metrics[i], row.values[i]));
      append(fields, cost_fields(row.cost));
      out += csv_line(fields);
    }
    if (any) continue;
    auto fields = row_fields(board, row);  // a row that measured nothing is still a row
    append(fields, std::vector<std::string>(13));
    append(fields, cost_fields(row.cost));
    out += csv_line(fields);
  }
  return out;
}

std::string csv_of(const Curves& curves) {
  std::string out = csv_line({"subject", "method", "baseline", "axis", "x", "quantity", "condition", "mean", "lo", "hi", "over", "n"});
  for (const Curve& curve : curves.curves)
    for (const CurvePoint& p : curve.points)
      out += csv_line({curve.subject, curve.method, flag(curve.baseline), curves.axis, p.label, curves.quantity, curves.condition,
                   number(p.mean), p.interval ? exact_number(p.interval->lo) : "", p.interval ? exact_number(p.interval->hi) : "",
                   p.interval ? p.interval->over : "", p.interval ? std::to_string(p.interval->n) : ""});
  return out;
}

}  // namespace assay::board
