// Cells whose outcome is a model: predict (ensembles, trainers, architectures) and compress.
#include <algorithm>

#include <fmt/format.h>

#include "harness/plan/planner.hpp"

namespace assay::plan {

void Planner::predict_cell(const CellPoint& point) {
  const ModelSpec& model = *point.model;
  const bool ensemble = point.role == "ensemble";
  if (!ensemble && (model.from || model.onnx))
    fail(model.place, fmt::format("model '{}': a {} starts from an architecture and a recipe; expected a model with `build`",
                                        model.id.value, point.role));
  Node node = start_cell(point);
  Stage run;
  run.stage = "run";
  run.plugin = true;
  Json build = build_of(root_of(model));
  if (point.role == "architecture") build = Json::object({{"arch", point.plugin->id}, {"params", point.params.all}});
  const Json recipe = model_recipe(root_of(model));
  Json identity = Json::object({{"classes", classes()}});
  Json names = Json::array();
  node.cost_seconds = 2 * stage_seconds;
  if (ensemble) {
    Json keys = Json::array();
    for (const Net& net : nets(model, point.seed, point.method->members > 0 ? point.method->members : model.members)) {
      run.inputs.push_back(from_node("model:" + net.name, net.node, model_file));
      names.push_back(net.name);
      keys.push_back(net.node);
    }
    identity["members"] = keys;
    add_training_set(*point.plugin, run, identity);
    node.cost_seconds += combine_seconds(point.params, *point.plugin, model, static_cast<std::int64_t>(names.size()));
  } else {
    const std::string train = records(*suite_.data.train);
    run.inputs.push_back(from_node("train", train, records_file));
    identity["train"] = train;
    identity["recipe"] = recipe;
    watch(recipe, root_of(model).train ? root_of(model).train->place : model.place, run, identity);
    if (point.role == "trainer") identity["build"] = build;
    node.cost_seconds += recipe_seconds(recipe, model, *suite_.data.train);
  }
  run.spec = Json::object({{"task", "predict"}, {"role", point.role}, {"params", point.params.all}, {"members", names},
                           {"build", build}, {"recipe", recipe}, {"classes", classes()}});
  add_budget(point, run, identity);
  const std::string test = records(*point.test);
  Stage judge = judge_stage(point, run.spec);
  judge.inputs.push_back(from_stage("model", "run", model_file));
  judge.inputs.push_back(from_node("test", test, records_file));
  for (const InputRef& input : run.inputs)
    if (input.name != "train" && input.name != "val") judge.inputs.push_back(input);
  // The method never sees the test list, yet its outcomes belong to it.
  identity["test"] = test;
  const auto passes = static_cast<std::int64_t>(2 * std::max<std::size_t>(1, names.size()));
  node.cost_seconds += eval_seconds(model, count(*point.test) * passes);
  node.stages = {std::move(run), std::move(judge)};
  finish_cell(std::move(node), point, std::move(identity), Json::Object{});
}

// One cell a ratio; a method may have points of its own (a baseline that changes nothing needs one).
void Planner::compress_cells(const CellPoint& point) {
  CellPoint at = point;
  for (const Rational& ratio : point.method->targets.empty() ? suite_.target->values : point.method->targets) {
    at.ratio = ratio;
    plan_cell(at);
  }
}

// Rules 15 and 37: every method's model is fine-tuned by the suite's recipe, in a stage without the plugin.
void Planner::compress_at(const CellPoint& point) {
  Node node = start_cell(point);
  const std::string& kind = suite_.target->kind;
  node.axes[kind] = point.ratio.str();
  node.label += fmt::format(", {} {}", kind, point.ratio.str());
  const std::string train = records(fit_list());
  const std::string test = records(*point.test);
  const Net net = nets(*point.model, point.seed, 1)[0];
  const Json target = Json::object({{"kind", kind}, {"value", point.ratio.str()}});
  Stage run;
  run.stage = "run";
  run.plugin = true;
  run.inputs = {from_node("model:" + net.name, net.node, model_file), from_node("train", train, records_file)};
  run.spec = Json::object({{"task", "compress"}, {"role", point.role}, {"params", point.params.all}, {"model", net.name}, {"target", target}});
  Json identity = Json::object({{"model", net.node}, {"train", train}, {"test", test}, {"target", target}});
  add_budget(point, run, identity);
  Stage judge = judge_stage(point, run.spec);
  judge.inputs.push_back(from_stage("model", suite_.finetune ? "finetune" : "run", model_file));
  // What the method itself returned: rule 38 compares it with the masked original.
  judge.inputs.push_back(from_stage("compressed", "run", model_file));
  judge.inputs.push_back(run.inputs[0]);
  judge.inputs.push_back(from_node("test", test, records_file));
  node.cost_seconds = 2 * stage_seconds + eval_seconds(*point.model, 2 * count(*point.test));
  node.stages.push_back(std::move(run));
  if (suite_.finetune) {
    Stage tune;
    tune.stage = "finetune";
    tune.inputs = {from_stage("model", "run", model_file), from_node("train", train, records_file)};
    tune.spec = Json::object({{"recipe", recipe_of(*suite_.finetune, "finetune")}});
    identity["finetune"] = tune.spec.at("recipe");
    watch(tune.spec.at("recipe"), suite_.finetune->place, tune, identity);
    node.cost_seconds += finetune_seconds(*point.model);
    node.stages.push_back(std::move(tune));
  }
  Stage timed;
  timed.stage = "time";
  timed.alone = true;
  timed.spec = Json::object({{"task", "compress"}});
  for (const InputRef& input : judge.inputs)
    if (input.name != "run" && input.name != "compressed") timed.inputs.push_back(input);
  node.cost_seconds += stage_seconds + timing_seconds;
  node.stages.push_back(std::move(judge));
  node.stages.push_back(std::move(timed));
  finish_cell(std::move(node), point, std::move(identity), Json::Object{});
}

}  // namespace assay::plan
