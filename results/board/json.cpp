// Boards as JSON, nothing left out.
#include "results/board/interchange.hpp"
#include "results/board/text.hpp"

namespace assay::board {
namespace {

Json optional_number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json texts(const std::vector<std::string>& items) { return Json(items); }

Json interval_json(const std::optional<stats::Interval>& i) {
  if (!i) return {};
  return Json::object({{"lo", i->lo}, {"hi", i->hi}, {"level", i->level}, {"over", i->over}, {"n", i->n}});
}

Json value_json(const Metric& metric, const Value& value) {
  Json out = Json::object({{"quantity", metric.quantity},
                           {"condition", metric.condition},
                           {"configuration", metric.configuration},
                           {"grade", metric.grade},
                           {"ranked", metric.ranked},
                           {"mean", optional_number(value.mean)},
                           {"per_seed", Json(value.per_seed)},
                           {"interval", interval_json(value.interval)}});
  if (!value.denominator) return out;
  out["numerator"] = optional_number(value.numerator);
  out["denominator"] = optional_number(value.denominator);
  return out;
}

Json cost_json(const Cost& c) {
  return Json::object({{"cpu_seconds", c.cpu_seconds},
                       {"wall_seconds", c.wall_seconds},
                       {"forward", c.forward},
                       {"backward", c.backward},
                       {"macs", c.macs},
                       {"peak_rss_bytes", c.peak_rss_bytes},
                       {"shared", c.shared}});
}

// Beside the first metric, never ranked (rule 12).
Json beside_json(const Board& board, const Row& row) {
  Json out = Json::array();
  if (board.metrics.empty()) return out;
  for (const auto* claim : claims_beside(board, row, board.metrics[0]))
    out.push_back(Json::object({{"value", claim->value}, {"source", claim->source}}));
  return out;
}

Json row_json(const Board& board, const Row& row) {
  Json values = Json::array();
  for (std::size_t i = 0; i < board.metrics.size(); ++i) values.push_back(value_json(board.metrics[i], row.values[i]));
  return Json::object({{"method", row.method},
                       {"plugin", Json::object({{"version", row.plugin_version}, {"digest", row.plugin_digest}})},
                       {"subject", row.subject},
                       {"params", row.params},
                       {"axes", row.axes},
                       {"rank", row.rank ? Json::object({{"lo", row.rank->lo}, {"hi", row.rank->hi}}) : Json()},
                       {"unranked_because", row.unranked_because},
                       {"level", store::level_name(row.level)},
                       {"status", row.status},
                       {"reasons", texts(row.reasons)},
                       {"notes", texts(row.notes)},
                       {"coverage", Json::object({{"done", row.coverage.done}, {"planned", row.coverage.planned}})},
                       {"baseline", row.baseline},
                       {"single_run", row.single_run},
                       {"uses_outliers", row.uses_outliers},
                       {"transductive", row.transductive},
                       {"submitted", row.submitted},
                       {"cells", texts(row.cells)},
                       {"claimed", beside_json(board, row)},
                       {"cost", row.cost.known ? cost_json(row.cost) : Json()},
                       {"values", values}});
}

}  // namespace

std::string json_of(const Board& board) {
  Json rows = Json::array();
  for (const Row& row : board.rows) rows.push_back(row_json(board, row));
  Json claimed = Json::array();
  for (const auto& c : board.claimed)
    claimed.push_back(Json::object({{"method", c.method}, {"subject", c.subject}, {"quantity", c.quantity}, {"condition", c.condition},
                                    {"value", c.value}, {"source", c.source}}));
  return Json::object({{"suite", board.suite.name},
                       {"version", board.suite.version},
                       {"task", board.suite.task},
                       {"protocol", board.suite.protocol_hash},
                       {"series", board.suite.series},
                       {"rank", board.rank},
                       {"rank_by", board.suite.rank_by},
                       {"condition", board.suite.condition},
                       {"sentence", board.sentence},
                       {"footnotes", texts(board.footnotes)},
                       {"rows", rows},
                       {"claimed", claimed}})
             .dump(2) +
         "\n";
}

std::string json_of(const Curves& curves) {
  Json all = Json::array();
  for (const Curve& curve : curves.curves) {
    Json points = Json::array();
    for (const CurvePoint& p : curve.points)
      points.push_back(Json::object({{"x", p.label}, {"mean", optional_number(p.mean)}, {"interval", interval_json(p.interval)}}));
    all.push_back(Json::object({{"method", curve.method}, {"subject", curve.subject}, {"baseline", curve.baseline}, {"points", points}}));
  }
  return Json::object({{"axis", curves.axis}, {"quantity", curves.quantity}, {"condition", curves.condition}, {"curves", all},
                       {"notes", texts(curves.notes)}})
             .dump(2) +
         "\n";
}

}  // namespace assay::board
