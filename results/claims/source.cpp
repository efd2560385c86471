#include "results/claims/source.hpp"

#include <algorithm>
#include <utility>

#include "harness/base/error.hpp"
#include "results/board/groups.hpp"
#include "results/board/ranking.hpp"

namespace assay::claims {
namespace {

std::string text_of(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

std::string seed_of(const store::CellRecord& cell) {
  for (const char* name : {"method", "subject"}) {
    const auto found = cell.seeds.values.find(name);
    if (found != cell.seeds.values.end()) return std::to_string(found->second);
  }
  return "0";
}

bool agrees(const store::CellRecord& cell, const std::string& key, const std::vector<std::string>& values) {
  const auto own = value_of(cell, key);
  return own && std::any_of(values.begin(), values.end(), [&](const std::string& v) { return claim::same_value(*own, v); });
}

bool of_scores(const std::string& key) { return key == "condition" || key == "configuration"; }

void sort_naturally(std::vector<std::string>& values) { std::sort(values.begin(), values.end(), board::natural_less); }

stats::BootstrapOptions bootstrap_options(const Options& options) {
  stats::BootstrapOptions out;
  out.resamples = options.resamples;
  return out;
}

}  // namespace

std::optional<std::string> value_of(const store::CellRecord& cell, const std::string& key) {
  if (key == "method") return cell.method;
  if (key == "subject") return cell.subject;
  if (key == "seed") return seed_of(cell);
  for (const Json* object : {&cell.axes, &cell.params})
    if (object->is_object() && object->has(key)) return text_of(object->at(key));
  return std::nullopt;
}

std::string text_of(const Wanted& wanted) {
  std::string out;
  for (const auto& [key, values] : wanted) {
    out += (out.empty() ? "" : ", ") + key + "=";
    std::string list;
    for (const std::string& value : values) list += (list.empty() ? "'" : ", '") + value + "'";
    out += values.size() == 1 ? list : "[" + list + "]";
  }
  return out;
}

Source::Source(const store::Store& db, const std::string& protocol, const Options& options)
    : db_(db), options_(options), suite_(db.protocol(protocol)), cells_(db.cells(suite_.protocol_hash)),
      replicator_(db, bootstrap_options(options)) {
  // A claim is about what the suite runs.
  std::erase_if(cells_, [](const store::CellRecord& cell) { return cell.submitted(); });
  layout_.resamples = static_cast<std::size_t>(options.resamples);
  for (const auto& cell : cells_) layout_.seeds.push_back(seed_of(cell));
  sort_naturally(layout_.seeds);
  layout_.seeds.erase(std::unique(layout_.seeds.begin(), layout_.seeds.end()), layout_.seeds.end());
}

std::vector<const store::CellRecord*> Source::matching(const Wanted& wanted) const {
  std::vector<const store::CellRecord*> out;
  for (const auto& cell : cells_) {
    const bool fits = std::all_of(wanted.begin(), wanted.end(), [&](const auto& want) {
      return of_scores(want.first) || agrees(cell, want.first, want.second);
    });
    if (fits) out.push_back(&cell);
  }
  return out;
}

std::vector<std::string> Source::measured_at(const std::string& metric, const Wanted& wanted, const std::string& key) const {
  std::set<std::string> found;
  for (const auto* cell : matching(wanted)) {
    if (!cell->standing) continue;
    for (const auto& score : cell->standing->scores)
      if (score.quantity == metric) found.insert(key == "condition" ? score.condition : score.configuration);
  }
  std::vector<std::string> out(found.begin(), found.end());
  sort_naturally(out);
  return out;
}

// Why a cell's numbers may not carry a claim; "" when they may.
std::string Source::problem(const store::CellRecord& cell) const {
  if (!cell.standing) return "not run";
  const auto& attempt = *cell.standing;
  if (attempt.status != "ok") return attempt.status + (attempt.reason.empty() ? "" : ": " + attempt.reason);
  if (attempt.level != store::Level::valid)
    return store::level_name(attempt.level) + (attempt.verdicts.empty() ? "" : ": " + attempt.verdicts.front().reason);
  if (cell.baseline || !options_.require_certificate) return "";
  auto [found, fresh] = certificates_.try_emplace(cell.plugin_digest + " " + cell.plugin_id);
  if (fresh) found->second = board::certificate_problem(db_, cell.plugin_id, cell.plugin_digest);
  return found->second;
}

// Rule 2: cells that failed are left out down to the suite's declared coverage, and below it there is no number.
Source::Cells Source::usable(const claim::Expr& expr, const Wanted& wanted) {
  const Cells planned = matching(wanted);
  if (planned.empty()) throw Void("no cell has " + text_of(wanted));
  Cells out;
  std::string first;
  for (const auto* cell : planned) {
    const std::string why = problem(*cell);
    if (why.empty())
      out.push_back(cell);
    else if (first.empty())
      first = cell->label + " (" + why + ")";
  }
  if (out.size() == planned.size()) return out;
  const std::string what = expr.name + (wanted.empty() ? "" : " of " + text_of(wanted)) + ": " + std::to_string(planned.size() - out.size()) +
                           " of " + std::to_string(planned.size()) + " cells may not count, first " + first;
  const double share = static_cast<double>(out.size()) / static_cast<double>(planned.size());
  if (out.empty() || share < suite_.min_coverage) throw Void(what);
  note(what);
  return out;
}

board::Metric Source::column(const claim::Expr& expr, const Wanted& wanted, const Cells& cells) const {
  const auto choose = [&](const std::string& key, const std::string& preferred) -> std::string {
    const auto given = wanted.find(key);
    const auto there = measured_at(expr.name, wanted, key);
    if (there.empty()) throw Void(expr.name + " was not measured" + (wanted.empty() ? "" : " of " + text_of(wanted)));
    if (given == wanted.end()) {
      if (std::find(there.begin(), there.end(), preferred) != there.end()) return preferred;
      if (there.size() == 1) return there[0];
      throw Void(expr.name + " was measured at several values of " + key + "; name one" + suggestion("", there));
    }
    if (given->second.size() != 1) throw Void("expected one " + key + "; to take several use an aggregate such as mean(" + key + ", ...)");
    for (const std::string& one : there)
      if (one == given->second[0] || claim::same_value(one, given->second[0])) return one;
    throw Void(expr.name + " was not measured at " + key + "='" + given->second[0] + "'" + suggestion(given->second[0], there));
  };
  board::Metric metric{expr.name, choose("condition", suite_.condition), "", "", false};
  metric.configuration = choose("configuration", "");
  for (const auto* cell : cells)
    for (const auto& score : cell->standing->scores)
      if (score.quantity == metric.quantity && score.condition == metric.condition && score.configuration == metric.configuration) {
        metric.grade = score.grade;
        return metric;
      }
  throw Void(expr.name + " was not measured" + (metric.condition.empty() ? "" : " at condition='" + metric.condition + "'") +
             (wanted.empty() ? "" : " of " + text_of(wanted)));
}

std::vector<double> Source::scores(const board::Metric& metric, const Cells& cells) const {
  std::vector<double> out;
  for (const auto* cell : cells) {
    const auto* score = board::find_score(*cell, metric);
    if (score == nullptr) throw Void(metric.title() + " was not measured in " + cell->label);
    if (metric.grade == "host-measured" && score->extra.is_object() && score->extra.get("shared", false))
      throw Void(metric.title() + " of " + cell->label + " was measured under shared load (rule 41)");
    out.push_back(score->value);
  }
  return out;
}

const board::CellReplicates& Source::replicates(const board::Metric& metric, const Cells& cells) {
  std::string key = metric.title();
  for (const auto* cell : cells) key += " " + std::to_string(cell->id);
  auto& drawn = drawn_[key];
  if (!drawn) drawn = std::make_unique<board::CellReplicates>(replicator_.cells(metric, cells));
  return *drawn;
}

void Source::remember(const Cells& cells, const board::CellReplicates& drawn) {
  ++reading_.measures;
  for (const auto* cell : cells) reading_.seeds.insert(seed_of(*cell));
  reading_.other_samples = reading_.other_samples || drawn.mismatch;
  if (drawn.ids.empty()) return;
  if (reading_.ids.empty()) reading_.ids = drawn.ids;
  reading_.other_samples = reading_.other_samples || reading_.ids != drawn.ids;
}

// A number over more than seeds says so.
void Source::note_pooling(const claim::Expr& expr, const Wanted& wanted, const Cells& cells) {
  std::map<std::string, std::set<std::string>> values;
  for (const auto* cell : cells) {
    values["method"].insert(cell->method);
    values["subject"].insert(cell->subject);
    if (cell->axes.is_object())
      for (const auto& [axis, value] : cell->axes.as_object()) values[axis].insert(text_of(value));
  }
  for (const auto& [key, found] : values)
    if (found.size() > 1 && wanted.count(key) == 0)
      note(expr.function + " of " + expr.name + " is over " + std::to_string(found.size()) + " values of " + key);
}

Numbers Source::measure(const claim::Expr& expr, const Wanted& wanted) {
  const Cells cells = usable(expr, wanted);
  const board::Metric metric = column(expr, wanted, cells);
  const std::vector<double> values = scores(metric, cells);
  if (metric.grade == "reported") note(metric.title() + ": reported by the plugin, not judged");
  note_pooling(expr, wanted, cells);
  const board::CellReplicates& drawn = replicates(metric, cells);
  remember(cells, drawn);

  Numbers out;
  out.samples = std::none_of(drawn.statistic.begin(), drawn.statistic.end(), [](const auto& s) { return s.empty(); });
  out.unsampled = !out.samples;
  out.units = out.samples ? drawn.units : 0;
  const auto q = expr.options.find("q");
  const auto put = [&](std::vector<double> of) { out.at.push_back(summary(expr.function, std::move(of), q == expr.options.end() ? 0.5 : q->second)); };
  put(values);
  for (std::size_t b = 0; b < layout_.resamples; ++b) {
    if (!out.samples) {
      out.at.push_back(out.at[0]);
      continue;
    }
    std::vector<double> on_resample;
    for (const auto& statistic : drawn.statistic) on_resample.push_back(statistic[b]);
    put(std::move(on_resample));
  }
  std::set<std::string> own;
  for (const auto* cell : cells) own.insert(seed_of(*cell));
  for (const std::string& seed : layout_.seeds) {
    out.seeds.push_back(static_cast<char>(own.size() > 1 && own.count(seed) > 0));
    std::vector<double> rest;
    for (std::size_t i = 0; i < cells.size(); ++i)
      if (own.size() == 1 || seed_of(*cells[i]) != seed) rest.push_back(values[i]);
    put(std::move(rest));
  }
  return out;
}

Source::Reading Source::take_reading() { return std::exchange(reading_, Reading{}); }

void Source::note(const std::string& text) {
  if (std::find(reading_.notes.begin(), reading_.notes.end(), text) == reading_.notes.end()) reading_.notes.push_back(text);
}

}  // namespace assay::claims
