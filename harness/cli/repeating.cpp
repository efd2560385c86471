#include "harness/cli/repeating.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"
#include "harness/cli/running.hpp"

namespace assay::cli {
namespace {

// Where in [0, 1) a cell's identity falls: the first 13 hexadecimal digits fit a double exactly.
double place_of(const std::string& key) {
  constexpr int digits = 13;
  return std::ldexp(static_cast<double>(std::stoull(sha256("repeat-check\n" + key).substr(0, digits), nullptr, 16)), -4 * digits);
}

const Descriptor* described(const PlanContext& context, const Node& node) {
  const auto found = context.plugins.find(node.plugin_id);
  return found == context.plugins.end() ? nullptr : &found->second;
}

bool may_repeat(const PlanContext& context, const Node& node) {
  if (node.kind != NodeKind::cell) return false;
  const Descriptor* plugin = described(context, node);
  return !node.has_time_budget() && (plugin == nullptr || !plugin->clock_bounded);
}

Node repeat_of(const Node& cell) {
  Node out = cell;
  out.key = sha256("repeat\n" + cell.key);
  out.label = "repeat of " + cell.label;
  out.keep_outputs = false;
  std::erase_if(out.stages, [](const Stage& stage) { return stage.alone; });  // times are not compared
  return out;
}

}  // namespace

double parse_share(const std::string& text) {
  if (text.empty()) return 0;
  std::size_t read = 0;
  double percent = 0;
  try {
    percent = std::stod(text, &read);
  } catch (const std::exception&) {
    read = 0;
  }
  if (read == 0 || text.substr(read) != "%" || !(percent > 0 && percent <= 100))
    throw Error(Fault::bad_input, "--repeat-check: expected a share of the cells such as 5%, found '" + text + "'");
  return percent / 100;
}

std::vector<std::string> repeated_cells(const Plan& plan, double share, const PlanContext& context) {
  std::vector<std::string> chosen;
  const Node* first = nullptr;
  for (const Node& node : plan.nodes) {
    if (!may_repeat(context, node)) continue;
    if (first == nullptr || place_of(node.key) < place_of(first->key)) first = &node;
    if (place_of(node.key) < share) chosen.push_back(node.key);
  }
  if (chosen.empty() && first != nullptr) chosen.push_back(first->key);
  return chosen;
}

RepeatCheck::RepeatCheck(const Plan& part, const Plan& whole, double share, store::Store& db, const PlanContext& context)
    : whole_(whole), db_(db), context_(context), plan_(part) {
  const std::vector<std::string> keys = repeated_cells(part, share, context);
  const std::set<std::string> chosen(keys.begin(), keys.end());
  plan_.nodes.clear();
  for (const Node& node : part.nodes) {
    plan_.nodes.push_back(node);
    if (chosen.count(node.key) == 0) continue;
    plan_.nodes.push_back(repeat_of(node));
    originals_[plan_.nodes.back().key] = node.key;
  }
}

bool RepeatCheck::settled(const Node& repeat, bool cell_stands) {
  if (!cell_stands) return false;
  const auto found = conclusion(db_, cell_of(repeat));
  if (found && db_.repeats(found->id).empty()) return false;
  settled_.insert(repeat.key);
  return true;
}

// The last attempt at the cell, as it is planned now, at which the judge reached a conclusion.
std::optional<store::AttemptRecord> RepeatCheck::conclusion(const store::Store& db, const Node& cell) const {
  const auto record = db.find(cell.key);
  if (!record) return std::nullopt;
  auto attempts = db.attempts(record->id);
  for (auto at = attempts.rbegin(); at != attempts.rend(); ++at) {
    const bool concluded = at->status == "ok" || at->status == "rejected";
    if (concluded && at->retracted.empty() && at->judgement == cell.judgement && at->protocol == whole_.protocol_hash) return *at;
  }
  return std::nullopt;
}

void RepeatCheck::repeat_ended(const Finished& finished) {
  const std::string& key = originals_.at(finished.node->key);
  const Node& cell = *whole_.find(key);
  const bool ok = finished.status == "ok";
  ++(ok ? ended_ok_ : ended_otherwise_);
  // What it published is of no use to anybody; its lock is held while this runs.
  std::error_code ignored;
  fs::remove_all(artifact_folder() / node_kind_name(cell.kind) / finished.node->key, ignored);
  if (!ok && finished.status != "rejected") {
    unchecked_.push_back({cell.label, key, "its second run ended " + finished.status + ": " + finished.reason});
    return;
  }
  Finished as_cell = finished;
  as_cell.node = &cell;
  try {
    scratch_.import(whole_, as_cell, described(context_, cell));
  } catch (const Error& error) {
    if (error.fault() != Fault::constraint) throw;
    unchecked_.push_back({cell.label, key, error.what()});
    return;
  }
  waiting_.insert(key);
  compare(cell);
}

void RepeatCheck::cell_ended(const Node& cell) { compare(cell); }

// Called when either of the two ends: the second call finds both.
void RepeatCheck::compare(const Node& cell) {
  if (waiting_.count(cell.key) == 0) return;
  const auto first = conclusion(db_, cell), second = conclusion(scratch_, cell);
  if (!first || !second) return;
  waiting_.erase(cell.key);
  const board::Reproduction found = board::compare_runs({db_, *first}, {scratch_, *second});
  store::RepeatRecord record;
  record.verdict = board::sameness_name(found.sameness);
  record.says = found.says();
  record.machine = second->machine;
  record.build = second->build;
  record.numerics = found.numerics_now;
  record.columns = found.columns;
  record.units = found.units;
  record.scores = found.scores;
  record.deviations = found.to_json().at("deviations");
  db_.add_repeat(first->id, record);
  if (found.sameness == board::Sameness::different)
    different_.push_back({cell.label, cell.key, record.says});
  else
    ++identical_;
}

sched::Summary RepeatCheck::without_repeats(sched::Summary summary) const {
  summary.cells -= static_cast<std::int64_t>(originals_.size());
  summary.ok -= ended_ok_;
  summary.failed -= ended_otherwise_;
  summary.reused -= static_cast<std::int64_t>(settled_.size());
  return summary;
}

}  // namespace assay::cli
