// Cells: one method, one subject, one seed, one point of the axes; what all tasks share, attack and detect.
#include <algorithm>

#include <fmt/format.h>

#include "harness/base/hash.hpp"
#include "harness/plan/planner.hpp"
#include "harness/record/params.hpp"

namespace assay::plan {
namespace {

// Of a training step's time, what a compiled plan takes for a forward pass and for a gradient of the input alone.
constexpr double forward_share = 0.22;
constexpr double input_gradient_share = 0.45;
// Pictures for the results site that the judge keeps of an attack: broken ones and ones that stand. No part of a hash.
constexpr int examples_each = 3;

Json flags_of(const Descriptor& plugin) {
  Json flags = Json::array();
  const auto add = [&](bool set, const char* name) {
    if (set) flags.push_back(name);
  };
  add(plugin.batch_coupled, "batch_coupled");
  add(plugin.clock_bounded, "clock_bounded");
  add(plugin.transductive, "transductive");
  add(plugin.uses_outliers, "uses_outliers");
  add(plugin.deterministic, "deterministic");
  add(plugin.poison, "poison");
  return flags;
}

}  // namespace

Json Planner::threat() const {
  Json eps = Json::array();
  for (const Rational& radius : suite_.threat->eps) eps.push_back(radius.str());
  return Json::object({{"norm", suite_.threat->norm},
                       {"eps", eps},
                       {"range", Json(Json::Array{0, 1})},
                       {"targeted", suite_.threat->targeted}});
}

// What a judge does beyond the run's terms: a change of it judges cells again, and runs nothing. White-box only: else no
// gradient is the attack's due.
Json Planner::again() const {
  const ThreatSpec& threat_spec = *suite_.threat;
  if (threat_spec.longer == 0 || threat_spec.access != "white-box") return Json(Json::Object{});
  return Json::object({{"longer", threat_spec.longer}});
}

// Keys that came later are left out where they say nothing, so that older suites keep their hashes.
Json Planner::budget(const BudgetSpec& spec) {
  Json out = Json::object({{"forward_per_sample", spec.forward_per_sample}, {"backward_per_sample", spec.backward_per_sample}});
  // Passes were pooled over a batch once; numbers made so are another protocol's (rule 13).
  if (spec.per_sample_place.line > 0) out["charged"] = "per sample";
  if (spec.seconds > 0) out["seconds"] = spec.seconds;
  if (spec.memory_mb > 0) out["memory_mb"] = spec.memory_mb;
  return out;
}

Json Planner::budget_protocol() const {
  Json out = budget(suite_.budget);
  if (suite_.budget.curve.empty()) return out;
  Json levels = Json::array();
  for (const Rational& level : suite_.budget.levels) levels.push_back(level.str());
  out[suite_.budget.curve] = std::move(levels);
  return out;
}

// Attacks look for inputs in another precision than f32. Left out of hashes where they do not, so that older suites keep theirs.
bool Planner::searches_low() const { return !suite_.numerics.search.value.empty() && suite_.numerics.search.value != "f32"; }

// The points of the curve over a budget (rule 43); the one budget of a suite without.
std::vector<Planner::BudgetPoint> Planner::budget_points() const {
  if (suite_.budget.curve.empty()) return {{suite_.budget, ""}};
  std::vector<BudgetPoint> out;
  for (const Rational& level : suite_.budget.levels) out.push_back({suite_.budget.at(level), level.str()});
  return out;
}

// Of tasks whose cells had no budget at first.
void Planner::add_budget(const CellPoint& point, Stage& run, Json& identity) const {
  if (suite_.budget.place.line == 0) return;
  run.spec["budget"] = budget(point.budget.spec);
  identity["budget"] = run.spec.at("budget");
}

double Planner::eval_seconds(const ModelSpec& model, std::int64_t inputs) const {
  return static_cast<double>(inputs) / 1000.0 * train_rate(model) * forward_share;
}

double Planner::finetune_seconds(const ModelSpec& model) const {
  return stage_seconds + recipe_seconds(recipe_of(*suite_.finetune, "finetune"), model, fit_list());
}

// What an attack's parameters say of its passes, by the names that attacks use for them: each repeats the others' work.
double Planner::attack_passes(const CellPoint& point) const {
  const Json::Object& params = point.params.all.as_object();
  double passes = 1;
  for (const char* name : {"steps", "queries", "restarts", "draws", "searches", "samples", "copies"})
    if (const auto found = params.find(name); found != params.end() && found->second.is_number()) passes *= std::max(1.0, param_real(found->second));
  if (const auto targets = params.find("targets"); targets != params.end() && targets->second.is_number()) {
    const double asked = param_real(targets->second);  // 0: as many as there are, nine at most
    passes *= asked > 0 ? asked : static_cast<double>(std::clamp<std::int64_t>(classes() - 1, 1, 9));
  }
  return passes;
}

double Planner::attack_seconds(const CellPoint& point) const {
  const double radii = static_cast<double>(suite_.threat->eps.size());
  const double a_thousand = train_rate(*point.model) * (point.plugin->needs_gradients ? input_gradient_share : forward_share);
  const double inputs = static_cast<double>(count(*point.test)) * radii;
  return inputs / 1000.0 * a_thousand * attack_passes(point);
}

// The judge's own attack on some of the samples that stand, ten times as long (rule 21).
double Planner::longer_seconds(const CellPoint& point) const {
  if (!again().has("longer")) return 0;
  const double steps = std::min(1000.0, 10 * attack_passes(point));
  return static_cast<double>(suite_.threat->longer) / 1000.0 * train_rate(*point.model) * input_gradient_share * steps;
}

Node Planner::start_cell(const CellPoint& point) const {
  std::string what = point.method->id();
  for (const auto& [key, value] : point.grid->axes.as_object())
    what += fmt::format(" {}={}", key, value.is_string() ? value.as_string() : value.dump());
  if (!point.budget.level.empty()) what += fmt::format(" {}={}", suite_.budget.curve, point.budget.level);
  if (!point.source.empty()) what += " from " + point.source;
  Node node = start_node(NodeKind::cell, fmt::format("{} on {}, seed {}", what, point.model->id.value, point.seed));
  node.seeds = seeds(point.seed, point.seed);
  node.method = point.method->id();
  node.params = point.params.all;
  node.subject = point.model->id.value;
  node.axes = point.grid->axes;
  if (!point.budget.level.empty()) node.axes[suite_.budget.curve] = point.budget.level;
  if (!point.source.empty()) node.axes["surrogate"] = point.source;
  node.axes["subject"] = node.subject;
  node.axes["seed"] = point.seed;
  node.baseline = point.plugin->baseline;
  node.keep_outputs = suite_.keep_outputs;
  attach(node, *point.plugin);
  if (!point.certificate.empty()) node.needs.push_back(point.certificate);
  return node;
}

// The judge sees the specification of the run and what the plugin says of itself, never the plugin.
Stage Planner::judge_stage(const CellPoint& point, const Json& run_spec) const {
  Stage stage;
  stage.stage = "judge";
  stage.spec = run_spec;
  const auto metrics = context_.metrics.find(suite_.task.value);
  stage.spec["metrics"] = metrics == context_.metrics.end() ? Json::array() : Json(metrics->second);
  stage.spec["method"] = Json::object({{"id", point.method->id()},
                                       {"baseline", point.plugin->baseline},
                                       {"iterative", point.plugin->iterative},
                                       {"flags", flags_of(*point.plugin)}});
  stage.inputs.push_back(from_stage("run", "run", "shard"));
  return stage;
}

void Planner::finish_cell(Node node, const CellPoint& point, Json identity, Json judged) {
  identity["node"] = "cell";
  identity["task"] = suite_.task.value;
  identity["role"] = point.role;
  identity["plugin"] = plugin_identity(*point.plugin);
  identity["params"] = point.params.identity;
  identity["seeds"] = node.seeds.to_json();
  identity["numerics"] = numerics_.to_json();
  if (point.trial >= 0) return finish_trial(std::move(node), point, std::move(identity));
  if (point.tuned) add_choice(node, *point.tuned, identity);
  judged["judge_version"] = context_.judge_version;
  judged["metrics_version"] = context_.metrics_version;
  judged["task"] = suite_.task.value;
  node.judgement = sha256(judged.dump());
  const std::string label = node.label;
  const std::string key = add(std::move(node), std::move(identity)).key;
  const auto [owner, fresh] = cell_owner_.emplace(key, label);
  if (!fresh)
    fail(point.method->place, fmt::format("method '{}': its cell '{}' is the same as '{}'; expected methods, models or grid points that differ",
                                          point.method->id(), label, owner->second));
}

// What the judge of a cell does beyond judging it; that of a chain's link before the last does not.
void Planner::ask_more(const CellPoint& point, Stage& judge) const {
  if (const Json more = again(); more.has("longer")) judge.spec["longer"] = more.at("longer");
  // One seed of a row is enough to look at.
  if (point.trial < 0 && point.seed == suite_.seeds.front())
    judge.spec["examples"] = Json::object({{"eps", suite_.threat->rank_eps.str()}, {"each", examples_each}});
}

// Without a list every model that is no surrogate is a victim; of a matrix every model is.
bool Planner::is_victim(const ModelSpec& model) const {
  const auto listed = [&](const std::vector<Located<std::string>>& list) {
    return std::any_of(list.begin(), list.end(), [&](const auto& id) { return id.value == model.id.value; });
  };
  const ThreatSpec& threat_spec = *suite_.threat;
  if (threat_spec.victims.empty()) return threat_spec.matrix || !listed(threat_spec.surrogates);
  return listed(threat_spec.victims);
}

// The points of a transfer matrix's axis; the one that means all surrogates together of a suite without.
std::vector<std::string> Planner::sources() const {
  if (!suite_.threat || !suite_.threat->matrix) return {""};
  std::vector<std::string> out;
  for (const auto& id : suite_.threat->surrogates) out.push_back(id.value);
  return out;
}

Planner::AttackParts Planner::attack_parts(const CellPoint& point) {
  const ThreatSpec& threat_spec = *suite_.threat;
  std::vector<std::string> surrogates;
  for (const auto& id : threat_spec.surrogates)
    if (point.source.empty() || point.source == id.value) surrogates.push_back(id.value);
  const std::string& victim = point.model->id.value;
  AttackParts parts;
  parts.diagonal = std::find(surrogates.begin(), surrogates.end(), victim) != surrogates.end();
  const std::string data = records(*point.test);
  const Net target = nets(*point.model, point.seed, 1)[0];
  Stage& run = parts.run;
  run.stage = "run";
  run.plugin = true;
  run.inputs.push_back(from_node("data", data, records_file));
  // A transfer attack gets no handle on its victim at all; the judge does.
  const InputRef victim_ref = from_node("model:" + target.name, target.node, model_file);
  if (threat_spec.access != "transfer" || parts.diagonal) run.inputs.push_back(victim_ref);
  Json surrogate_keys = Json::array();
  for (const std::string& id : surrogates) {
    const Net net = nets(*suite_.model(id), point.seed, 1)[0];
    surrogate_keys.push_back(net.node);
    if (id != victim) run.inputs.push_back(from_node("model:" + net.name, net.node, model_file));
  }
  run.spec = Json::object({{"task", "attack"},
                           {"role", point.role},
                           {"params", point.params.all},
                           {"victim", victim},
                           {"surrogates", Json(surrogates)},
                           {"access", threat_spec.access},
                           {"threat", threat()},
                           {"budget", budget(point.budget.spec)}});
  parts.judge = judge_stage(point, run.spec);
  parts.judge.inputs.push_back(from_node("data", data, records_file));
  parts.judge.inputs.push_back(victim_ref);
  parts.identity = Json::object({{"data", data},
                                 {"victim", target.node},
                                 {"surrogates", surrogate_keys},
                                 {"access", threat_spec.access},
                                 {"threat", threat()},
                                 {"budget", budget(point.budget.spec)}});
  if (searches_low()) run.spec["search"] = parts.identity["search"] = suite_.numerics.search.value;
  return parts;
}

void Planner::attack_cell(const CellPoint& point) {
  if (!is_victim(*point.model)) return;
  Node node = start_cell(point);
  AttackParts parts = attack_parts(point);
  ask_more(point, parts.judge);
  if (parts.diagonal) node.axes["diagonal"] = true;  // rule 27: source and victim are one model
  node.cost_seconds = 2 * stage_seconds + attack_seconds(point) + longer_seconds(point) +
                      eval_seconds(*point.model, count(*point.test) * static_cast<std::int64_t>(1 + suite_.threat->eps.size()));
  node.stages = {std::move(parts.run), std::move(parts.judge)};
  finish_cell(std::move(node), point, std::move(parts.identity), again());
}

void Planner::detect_cell(const CellPoint& point) {
  Node node = start_cell(point);
  const std::string fit = records(fit_list());
  const std::string mixed = stream();
  const Net net = nets(*point.model, point.seed, 1)[0];
  const InputRef model_ref = from_node("model:" + net.name, net.node, model_file);
  const InputRef stream_ref = from_node("stream", mixed, "stream.safetensors");
  Stage run;
  run.stage = "run";
  run.plugin = true;
  run.inputs = {from_node("fit", fit, records_file), stream_ref, model_ref};
  run.spec = Json::object({{"task", "detect"}, {"role", point.role}, {"params", point.params.all}, {"model", net.name}});
  Json identity = Json::object({{"fit", fit}, {"stream", mixed}, {"model", net.node}});
  add_budget(point, run, identity);
  Stage judge = judge_stage(point, run.spec);
  judge.inputs.push_back(from_node("truth", mixed, "truth.safetensors"));
  judge.inputs.push_back(stream_ref);
  judge.inputs.push_back(model_ref);
  std::int64_t scored = count(*suite_.data.test);
  for (const DataSpec& ood : suite_.data.ood) scored += count(ood);
  node.cost_seconds = 2 * stage_seconds + eval_seconds(*point.model, count(fit_list()) + 3 * scored);
  node.stages = {std::move(run), std::move(judge)};
  finish_cell(std::move(node), point, std::move(identity), Json::Object{});
}

}  // namespace assay::plan
