// Cells of the falsify task: a method is asked about the region around every test input, and judged beside what the
// host found by looking at every point, a node of its own that all methods share.
#include "harness/plan/planner.hpp"

namespace assay::plan {
namespace {

constexpr const char* truth_file = "truth.safetensors";
constexpr int examples_each = 6;  // counter-examples that the judge keeps for the results site. No part of a hash.

}  // namespace

// What decides verdicts.
Json Planner::region() const {
  const RegionSpec& spec = *suite_.region;
  Json out = Json::object(
      {{"norm", "linf"}, {"eps", spec.eps.str()}, {"step", spec.step.str()}, {"range", Json(Json::Array{0, 1})}});
  if (spec.elements > 0) out["elements"] = spec.elements;
  return out;
}

// And what they are set against.
Json Planner::region_protocol() const {
  Json out = region();
  if (suite_.region->enumerate > 0) out["enumerate"] = suite_.region->enumerate;
  if (suite_.region->finer > 0) out["finer"] = suite_.region->finer;
  return out;
}

std::string Planner::enumeration(const CellPoint& point) {
  const Net net = nets(*point.model, point.seed, 1)[0];
  const std::string data = records(*point.test);
  Node node = start_node(NodeKind::prepare,
                         "enumerate the regions of " + point.model->id.value + ", seed " + std::to_string(point.seed));
  Stage stage;
  stage.stage = "enumerate";
  stage.spec = Json::object({{"region", region_protocol()}});
  stage.inputs = {from_node("data", data, records_file), from_node("model:" + net.name, net.node, model_file)};
  node.stages.push_back(std::move(stage));
  node.cost_seconds = stage_seconds + eval_seconds(*point.model, count(*point.test) * suite_.region->enumerate);
  Json identity = Json::object({{"node", "enumerate"},
                                {"data", data},
                                {"model", net.node},
                                {"region", region_protocol()},
                                {"judge_version", context_.judge_version},
                                {"numerics", numerics_.to_json()}});
  return add(std::move(node), std::move(identity)).key;
}

void Planner::falsify_cell(const CellPoint& point) {
  Node node = start_cell(point);
  const std::string data = records(*point.test);
  const Net net = nets(*point.model, point.seed, 1)[0];
  const InputRef data_ref = from_node("data", data, records_file),
                 model_ref = from_node("model:" + net.name, net.node, model_file);
  Stage run;
  run.stage = "run";
  run.plugin = true;
  run.inputs = {data_ref, model_ref};
  run.spec = Json::object({{"task", "falsify"},
                           {"role", point.role},
                           {"params", point.params.all},
                           {"model", net.name},
                           {"region", region()}});
  Json identity = Json::object({{"data", data}, {"model", net.node}, {"region", region()}}), judged = Json::Object{};
  add_budget(point, run, identity);
  Stage judge = judge_stage(point, run.spec);
  judge.inputs.push_back(data_ref);
  judge.inputs.push_back(model_ref);
  if (suite_.region->enumerate > 0) {
    const std::string truth = enumeration(point);
    judge.inputs.push_back(from_node("truth", truth, truth_file));
    judged["truth"] = truth;
  }
  if (point.trial < 0 && point.seed == suite_.seeds.front())
    judge.spec["examples"] = Json::object({{"each", examples_each}});
  // What a method asks of the net is not known before it runs; so many passes an input are cheap ones.
  constexpr std::int64_t passes = 100;
  node.cost_seconds = 2 * stage_seconds + eval_seconds(*point.model, count(*point.test) * passes);
  node.stages = {std::move(run), std::move(judge)};
  finish_cell(std::move(node), point, std::move(identity), std::move(judged));
}

}  // namespace assay::plan
