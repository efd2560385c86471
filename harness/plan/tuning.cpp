// Trials: cells of a tuned method on data.val, without any test input (rule 10), and the choice of the best of them.
//
// A trial is a node of its own whose judge works on the validation list; a last stage, `measure`, leaves the number that
// the suite ranks by. The cell that is judged on data.test needs them all: its first stage, `select`, takes the parameters
// of the best, and its run stage gets them as an input. So the plan is known before anything runs, and a cell's key names
// every trial.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "harness/base/rng.hpp"
#include "harness/plan/planner.hpp"

namespace assay::plan {
namespace {

constexpr const char* trial_file = "trial.json";

Json drawn(const ParamValue& axis, const Descriptor& plugin, std::uint64_t trial) {
  const Rng rng(0, "tune/" + plugin.id + "/" + axis.key);
  if (axis.value.is_array()) return axis.value.at(static_cast<std::size_t>(rng.below(trial, axis.value.size())));
  const bool log = axis.value.get("log", false);
  const auto scaled = [log](double v) { return log ? std::log(v) : v; };
  const double lo = scaled(axis.value.at("min").as_real()), hi = scaled(axis.value.at("max").as_real());
  const double at = lo + rng.uniform(trial) * (hi - lo), value = log ? std::exp(at) : at;
  const ParamSchema* schema = plugin.param(axis.key);
  if (schema && schema->type == "int") return static_cast<std::int64_t>(std::llround(value));
  return value;
}

// The point of a grid with this number, the last key counting fastest.
std::vector<Json> grid_point(const ParamTable& space, std::int64_t number) {
  std::vector<Json> out(space.entries.size());
  for (std::size_t i = space.entries.size(); i-- > 0;) {
    const auto size = static_cast<std::int64_t>(space.entries[i].value.size());
    out[i] = space.entries[i].value.at(static_cast<std::size_t>(number % size));
    number /= size;
  }
  return out;
}

bool has_choices(const Descriptor& plugin) {
  return std::any_of(plugin.params.begin(), plugin.params.end(), [](const ParamSchema& p) { return p.identity; });
}

}  // namespace

// Rule 11: where one method is tuned all are, but for baselines and methods that have no parameters.
void Planner::check_tuning() const {
  const MethodSpec* tuned = nullptr;
  for (const MethodSpec& method : suite_.methods)
    if (method.tune) tuned = &method;
  if (tuned == nullptr) return;
  for (const MethodSpec& method : suite_.methods) {
    const Descriptor& plugin = context_.plugins.at(method.use.value);
    if (method.tune || plugin.baseline || !has_choices(plugin)) continue;
    fail(method.place, fmt::format("method '{}': has parameters and no trials, while '{}' has {}; expected a `tune` with as many (rule 11)",
                                   method.id(), tuned->id(), tuned->tune->trials));
  }
}

std::vector<ParamTable> Planner::trial_params(const CellPoint& point) const {
  const TuneSpec& spec = *point.method->tune;
  std::vector<ParamTable> out;
  for (std::int64_t trial = 0; trial < spec.trials; ++trial) {
    ParamTable params = point.grid->params;
    const std::vector<Json> values = spec.search == "grid" ? grid_point(spec.space, trial) : std::vector<Json>();
    for (std::size_t i = 0; i < spec.space.entries.size(); ++i) {
      const ParamValue& axis = spec.space.entries[i];
      const Json value = values.empty() ? drawn(axis, *point.plugin, static_cast<std::uint64_t>(trial)) : values[i];
      params.entries.push_back({axis.key, value, axis.place, axis.key_place});
    }
    out.push_back(std::move(params));
  }
  return out;
}

void Planner::tune_cell(const CellPoint& point) {
  Tuned tuned;
  CellPoint trial = point;
  trial.test = &*suite_.data.val;
  val_is_read_ = true;
  for (const ParamTable& params : trial_params(point)) {
    ++trial.trial;
    trial.params = expand(*point.plugin, params, "method");
    trial_.clear();
    make_cell(trial);
    if (trial_.empty()) return;  // this subject is no victim
    tuned.trials.push_back(trial_);
  }
  CellPoint chosen = point;
  chosen.tuned = &tuned;
  make_cell(chosen);
}

void Planner::finish_trial(Node node, const CellPoint& point, Json identity) {
  Stage measure;
  measure.stage = "measure";
  measure.inputs = {from_stage("judge", "judge", "shard")};
  measure.spec = Json::object({{"quantity", plan_.rank_by}, {"condition", plan_.condition}, {"params", point.params.all}});
  identity["node"] = "trial";
  identity["quantity"] = plan_.rank_by;
  identity["condition"] = plan_.condition;
  // Which of the trials is taken hangs on the judge.
  identity["judge_version"] = context_.judge_version;
  identity["metrics_version"] = context_.metrics_version;
  node.kind = NodeKind::train;
  node.label = fmt::format("trial {} of {}", point.trial, node.label);
  node.keep_outputs = false;
  node.cost_seconds += stage_seconds;
  std::erase_if(node.stages, [](const Stage& stage) { return stage.alone; });  // nothing is chosen by a clock
  node.stages.push_back(std::move(measure));
  trial_ = add(std::move(node), std::move(identity)).key;
}

void Planner::add_choice(Node& node, const Tuned& tuned, Json& identity) const {
  Stage select;
  select.stage = "select";
  for (std::size_t i = 0; i < tuned.trials.size(); ++i)
    select.inputs.push_back(from_node(fmt::format("trial:{:04}", i), tuned.trials[i], trial_file));
  select.spec = Json::object({{"task", suite_.task.value}, {"quantity", plan_.rank_by}});
  node.stages[0].inputs.push_back(from_stage("tuned", "select", "tuned.json"));
  node.stages.insert(node.stages.begin(), std::move(select));
  node.cost_seconds += stage_seconds;
  node.axes["trials"] = static_cast<std::int64_t>(tuned.trials.size());
  identity["trials"] = Json(tuned.trials);
}

}  // namespace assay::plan
