// Cells of the reduce task: the method leaves a set, a fresh net is trained on it by the subject's recipe, and judged beside
// the subject, which was trained on the full set with the same seed (rule 39).
#include <algorithm>

#include <fmt/format.h>

#include "harness/plan/planner.hpp"

namespace assay::plan {

// One cell a ratio; without a [target] block the set keeps its size.
void Planner::reduce_cells(const CellPoint& point) {
  CellPoint at = point;
  std::vector<Rational> ratios = {Rational{1, 1}};
  if (suite_.target) ratios = suite_.target->values;
  if (!point.method->targets.empty()) ratios = point.method->targets;
  for (const Rational& ratio : ratios) {
    at.ratio = ratio;
    plan_cell(at);
  }
}

// The host trains on the reduced set as it trains a subject, so the net has to be the host's to make.
void Planner::check_reduce(const CellPoint& point) const {
  const ModelSpec& model = *point.model;
  if (!model.build || context_.zoo.count(model.build->value) == 0)
    fail(model.place, fmt::format("model '{}': a net on a reduced set starts from an architecture of the zoo; expected it in `build`",
                                  model.id.value), Fault::unsupported);
  if (model.train && model.train->trainer)
    fail(model.train->trainer->place, "model.train.trainer: reduced sets are trained on in the host's own loop", Fault::unsupported);
  for (const SlotSchema& slot : point.plugin->slots)
    if (slot.call == "reduce" && slot.type == "model" && !slot.output && slot.required)
      fail(point.method->place, fmt::format("method '{}': it trains a net of its own, and suites cannot name one yet",
                                            point.method->id()), Fault::unsupported);
}

void Planner::reduce_at(const CellPoint& point) {
  check_reduce(point);
  const ModelSpec& model = *point.model;
  Node node = start_cell(point);
  if (suite_.target) {
    node.axes[suite_.target->kind] = point.ratio.str();
    node.label += fmt::format(", {} {}", suite_.target->kind, point.ratio.str());
  }
  const std::string train = records(*suite_.data.train), test = records(*point.test);
  const Net full = nets(model, point.seed, 1)[0];
  const Json build = build_of(model), recipe = model_recipe(model);
  Json identity = Json::object({{"train", train},     {"test", test},     {"ratio", point.ratio.str()}, {"build", build},
                                {"recipe", recipe},   {"classes", classes()}, {"full", full.node}});
  const InputRef train_ref = from_node("train", train, records_file);
  Stage run;
  run.stage = "run";
  run.plugin = true;
  run.inputs = {train_ref};
  run.spec = Json::object({{"task", "reduce"}, {"role", point.role}, {"params", point.params.all}, {"classes", classes()},
                           {"ratio", point.ratio.str()}});
  add_budget(point, run, identity);
  Stage fit;
  fit.stage = "train";
  fit.inputs = {from_stage("train", "run", reduced_file)};
  fit.spec = Json::object({{"build", build}, {"recipe", recipe}, {"classes", classes()}});
  watch(recipe, model.train ? model.train->place : model.place, fit, identity);
  Stage judge = judge_stage(point, run.spec);
  judge.inputs.push_back(from_stage("model", "train", model_file));
  judge.inputs.push_back(from_stage("reduced", "run", reduced_file));
  judge.inputs.push_back(train_ref);
  judge.inputs.push_back(from_node("test", test, records_file));
  judge.inputs.push_back(from_node("model:" + full.name, full.node, model_file));
  const double share = 1 / point.ratio.value();
  const auto left = static_cast<std::int64_t>(share * static_cast<double>(count(*suite_.data.train)));
  node.cost_seconds = 3 * stage_seconds + share * recipe_seconds(recipe, model, *suite_.data.train) +
                      eval_seconds(model, 2 * count(*point.test) + left);
  node.stages = {std::move(run), std::move(fit), std::move(judge)};
  finish_cell(std::move(node), point, std::move(identity), Json::Object{});
}

}  // namespace assay::plan
