// One board and its pairs as chunks.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/metrics/registry.hpp"
#include "results/board/matrix.hpp"
#include "results/board/ranking.hpp"
#include "results/board/text.hpp"
#include "results/export/chunks.hpp"
#include "results/export/sections.hpp"

namespace assay::site {
namespace {

std::string better(const board::Board& board, const std::string& quantity) {
  const auto* info = metrics::find(quantity);
  if (info == nullptr || info->direction == metrics::Direction::none) return "none";
  return board::lower_is_better(quantity, board.suite.task, board.rank) ? "lower" : "higher";
}

Json metric_json(const board::Board& board, const board::Metric& metric) {
  const auto* info = metrics::find(metric.quantity);
  return Json::object({{"quantity", metric.quantity},
                       {"condition", metric.condition},
                       {"configuration", metric.configuration},
                       {"grade", metric.grade},
                       {"ranked", metric.ranked},
                       {"title", metric.title()},
                       {"better", better(board, metric.quantity)},
                       {"unit", info == nullptr ? "" : info->unit},
                       {"definition", info == nullptr ? "" : info->definition},
                       {"rule", info == nullptr ? "" : info->rule},
                       {"citation", info == nullptr ? "" : info->citation}});
}

}  // namespace

Json value_json(const board::Value& value, std::vector<std::string>& over) {
  if (!value.mean) return {};
  Json out = Json::array();
  out.push_back(number(*value.mean));
  if (value.interval) {
    const auto found = std::find(over.begin(), over.end(), value.interval->over);
    const auto at = static_cast<int>(found - over.begin());
    if (found == over.end()) over.push_back(value.interval->over);
    out.push_back(number(value.interval->lo));
    out.push_back(number(value.interval->hi));
    out.push_back(at);
    out.push_back(value.interval->n);
  } else {
    out.push_back(Json());
    out.push_back(Json());
    out.push_back(-1);
    out.push_back(0);
  }
  Json seeds = Json::array();
  for (const double one : value.per_seed) seeds.push_back(number(one));
  out.push_back(seeds);
  if (value.denominator) {
    out.push_back(number(value.numerator.value_or(0)));
    out.push_back(number(*value.denominator));
  }
  return out;
}

namespace {

Json cost_json(const board::Cost& cost) {
  return Json::object({{"cpu", cost.cpu_seconds},
                       {"wall", cost.wall_seconds},
                       {"forward", cost.forward},
                       {"backward", cost.backward},
                       {"macs", cost.macs},
                       {"rss", cost.peak_rss_bytes},
                       {"shared", cost.shared}});
}

bool blank(const Json& value) {
  return value.is_null() || value == Json(false) || value == Json("") ||
         ((value.is_array() || value.is_object()) && value.size() == 0);
}

// The reader fills in what is left out: thousands of rows are mostly blank.
Json without_blanks(Json row) {
  std::erase_if(row.object_ref(), [](const auto& item) {
    return blank(item.second) || (item.first == "level" && item.second == Json(0)) ||
           (item.first == "status" && item.second == Json("ok"));
  });
  return row;
}

// Where subjects are ranked, what each is and what its cells are: they are of different attacks.
void add_subject(Json& out, const board::Row& row, const BoardData& data) {
  out["net"] = net_words(data.board.suite.protocol, row.subject);
  Json labels = Json::array();
  for (const std::string& key : row.cells) {
    const auto found = std::find_if(data.cells.begin(), data.cells.end(), [&](const auto& cell) { return cell.generation == key; });
    labels.push_back(found == data.cells.end() ? key : found->label);
  }
  out["labels"] = std::move(labels);
}

Json row_json(const board::Row& row, std::vector<std::string>& over) {
  Json values = Json::array(), cells = Json::array();
  for (const auto& value : row.values) values.push_back(value_json(value, over));
  for (const auto& key : row.cells) cells.push_back(short_cell(key));
  return without_blanks(
      Json::object({{"method", row.method},
                    {"name", board::row_name(row) == row.method ? std::string() : board::row_name(row)},
                    {"subject", row.subject},
                    {"params", row.params},
                    {"axes", row.axes},
                    {"version", row.plugin_version},
                    {"digest", row.plugin_digest.substr(0, 12)},
                    {"rank", row.rank ? Json(std::vector<int>{row.rank->lo, row.rank->hi}) : Json()},
                    {"unranked", row.unranked_because},
                    {"level", level_index(row.level)},
                    {"status", row.status},
                    {"reasons", row.reasons},
                    {"notes", row.notes},
                    {"baseline", row.baseline},
                    {"single_run", row.single_run},
                    {"uses_outliers", row.uses_outliers},
                    {"transductive", row.transductive},
                    {"submitted", row.submitted},
                    {"done", row.coverage.done},
                    {"planned", row.coverage.planned},
                    {"cost", row.cost.known ? cost_json(row.cost) : Json()},
                    {"values", values},
                    {"cells", cells}}));
}

// Of every row that may have pictures why it has none; "" where it has.
Json examples_json(const ExamplesOf& examples) {
  if (examples.about.empty()) return {};
  Json rows = Json::array();
  for (const auto& [row, why] : examples.rows) rows.push_back(Json::Array{static_cast<std::int64_t>(row), why});
  return Json::object({{"about", examples.about}, {"rows", rows}});
}

// Transfer matrices: of each source and victim the row of the board, -1 where the suite has none.
Json matrices_json(const board::Board& board) {
  Json out = Json::array();
  for (const board::Matrix& matrix : board::make_matrices(board)) {
    Json lines = Json::array();
    for (const auto& line : matrix.pairings) {
      Json rows = Json::array();
      for (const board::Pairing& one : line)
        rows.push_back(Json::Array{one.there ? static_cast<std::int64_t>(one.row) : std::int64_t{-1}, one.diagonal ? 1 : 0});
      lines.push_back(std::move(rows));
    }
    out.push_back(Json::object({{"method", matrix.method},
                                {"baseline", matrix.baseline},
                                {"sources", Json(matrix.sources)},
                                {"victims", Json(matrix.victims)},
                                {"rows", lines}}));
  }
  return out;
}

Json claimed_json(const std::vector<store::ClaimedNumber>& numbers) {
  Json out = Json::array();
  for (const auto& one : numbers)
    out.push_back(Json::object({{"method", one.method},
                                {"subject", one.subject},
                                {"quantity", one.quantity},
                                {"condition", one.condition},
                                {"value", number(one.value)},
                                {"source", one.source}}));
  return out;
}

Json curves_json(const std::optional<board::Curves>& curves) {
  if (!curves) return {};
  Json all = Json::array();
  for (const auto& curve : curves->curves) {
    Json points = Json::array();
    for (const auto& point : curve.points)
      points.push_back(Json::object({{"x", point.x},
                                     {"label", point.label},
                                     {"mean", point.mean ? number(*point.mean) : Json()},
                                     {"lo", point.interval ? number(point.interval->lo) : Json()},
                                     {"hi", point.interval ? number(point.interval->hi) : Json()}}));
    all.push_back(Json::object(
        {{"method", curve.method}, {"subject", curve.subject}, {"baseline", curve.baseline}, {"points", points}}));
  }
  return Json::object({{"axis", curves->axis},
                       {"quantity", curves->quantity},
                       {"condition", curves->condition},
                       {"notes", curves->notes},
                       {"curves", all}});
}

}  // namespace

BoardData read_board(const store::Store& db, const store::SuiteRecord& suite, const store::EarlierLimits& history) {
  BoardData data;
  data.id = short_protocol(suite.protocol_hash);
  data.query.protocol = suite.protocol_hash;
  board::Report report = board::make_report(db, data.query);
  data.board = std::move(report.board);
  data.curves = std::move(report.curves);
  data.pairs = std::move(report.pairs);
  data.fronts = std::move(report.fronts);
  data.cells = std::move(report.cells);
  data.caption = caption(db, suite);
  data.earlier = board::earlier_results(db, data.query, data.board, history);
  const auto latest = db.suite(suite.name);
  if (latest && latest->protocol_hash == suite.protocol_hash) data.claims = claims::judge(db, suite.protocol_hash, db.claims(suite.name));
  return data;
}

Json board_chunk(const BoardData& data) {
  const board::Board& board = data.board;
  Json metrics = Json::array(), rows = Json::array();
  std::vector<std::string> over;
  for (const auto& metric : board.metrics) metrics.push_back(metric_json(board, metric));
  for (const auto& row : board.rows) {
    Json one = row_json(row, over);
    if (board.rank == "subject") add_subject(one, row, data);
    rows.push_back(std::move(one));
  }
  return Json::object({{"id", data.id},
                       {"suite", board.suite.name},
                       {"version", board.suite.version},
                       {"task", board.suite.task},
                       {"protocol", board.suite.protocol_hash},
                       {"series", board.suite.series},
                       {"rank", board.rank},
                       {"rank_by", board.suite.rank_by},
                       {"condition", board.suite.condition},
                       {"level", data.query.level},
                       {"caption", data.caption},
                       {"sentence", board.sentence},
                       {"footnotes", board.footnotes},
                       {"protocol_json", board.suite.protocol},
                       {"over", over},
                       {"metrics", metrics},
                       {"rows", rows},
                       {"claimed", claimed_json(board.claimed)},
                       {"claims", claims_json(data)},
                       {"matrices", matrices_json(board)},
                       {"examples", examples_json(data.examples)},
                       {"curves", curves_json(data.curves)}});
}

namespace {

// By cost: [row, on the front of the means, share of resamples on the front]. Empty fronts are left out.
Json fronts_json(const BoardData& data) {
  Json out = Json::object({});
  for (const board::Front& front : data.fronts) {
    if (front.rows.empty()) continue;
    Json rows = Json::array();
    for (const auto& one : front.rows)
      rows.push_back(Json::Array{static_cast<std::int64_t>(one.row), one.on_front ? 1 : 0, number(one.probability)});
    out[front.cost] = Json::object({{"rows", rows}, {"resamples", front.resamples}, {"note", front.note}});
  }
  return out;
}

}  // namespace

Json compare_chunk(const BoardData& data) {
  const board::Pairs& pairs = data.pairs;
  Json items = Json::array();
  for (const auto& pair : pairs.pairs) {
    Json one = Json::array();
    one.push_back(static_cast<std::int64_t>(pair.a));
    one.push_back(static_cast<std::int64_t>(pair.b));
    for (const double v : {pair.difference, pair.interval.lo, pair.interval.hi, pair.p, pair.p_holm})
      one.push_back(number(v));
    items.push_back(std::move(one));
  }
  std::string sentence = pairs.note.empty() ? "" : "Note: " + pairs.note + ".";
  if (!pairs.pairs.empty())
    sentence = fmt::format(
        "Differences of means over seeds with {:g} % intervals over samples and seeds, paired by both (variance over "
        "samples from {} resamples, over seeds by Student's distribution); p is two-sided, Holm-corrected over all {} pairs of this board. A large p says that "
        "no difference was found, not that there is none. {}",
        data.query.level * 100, pairs.resamples, pairs.pairs.size(), sentence);
  return Json::object({{"board", data.id},
                       {"metric", 0},
                       {"sentence", sentence},
                       {"level", data.query.level},
                       {"n", pairs.pairs.empty() ? std::int64_t{0} : pairs.pairs[0].interval.n},
                       {"over", pairs.pairs.empty() ? "" : pairs.pairs[0].interval.over},
                       {"pairs", items},
                       {"fronts", fronts_json(data)},
                       {"cd", critical_difference(data.board)}});
}

}  // namespace assay::site
