// Train nodes: nets by recipe, by a trainer or architecture plugin, or made by a method from another net.
#include <fmt/format.h>

#include "harness/plan/planner.hpp"
#include "harness/record/params.hpp"

namespace assay::plan {
namespace {

// A named list of parameters in the form that expand() reads.
Descriptor as_schema(const std::string& id, const std::vector<ParamSchema>& params) {
  Descriptor out;
  out.id = id;
  out.params = params;
  return out;
}

// Architectures and recipes are read by the host as plain numbers: a fraction becomes the real it stands for. A real
// whose fallback is a fraction stays one: what is hashed is what was meant.
Json as_numbers(const std::vector<ParamSchema>& schema, Json values) {
  for (const ParamSchema& param : schema) {
    if (param.type != "real" || !values.has(param.key)) continue;
    const Json& value = values.at(param.key);
    if (!param.fallback.is_string()) {
      values[param.key] = param_real(value);
    } else if (const auto exact = Rational::parse(value.is_string() ? value.as_string() : value.dump())) {
      values[param.key] = exact->str();
    }
  }
  return values;
}

// Fields that came after the first version stay out of specs and hashes while they have no effect, so that adding one
// leaves every older key alone.
Json without_silent(const std::vector<ParamSchema>& schema, Json values) {
  for (const ParamSchema& param : schema)
    if (!param.silent_at.is_null() && values.has(param.key) && values.at(param.key) == param.silent_at)
      values.object_ref().erase(param.key);
  return values;
}

std::string member_name(const ModelSpec& model, std::int64_t member) {
  return model.members == 1 ? model.id.value : fmt::format("{}.{}", model.id.value, member);
}

}  // namespace

std::int64_t Planner::classes() const { return class_count(*suite_.data.train); }

const ModelSpec& Planner::root_of(const ModelSpec& model) const {
  const ModelSpec* at = &model;
  while (at->from) at = suite_.model(at->from->models[0].value);
  return *at;
}

// Three passes of two operations a multiply-add, at what a core of these years does with convolutions, and a floor for
// everything else that a step does.
double Planner::train_rate(const ModelSpec& model) const {
  constexpr double operations_per_second = 1e11, floor = 0.02, unknown = 0.1;
  if (model.from) return derived_rate(*model.from);
  const ModelSpec& root = root_of(model);
  if (root.onnx) {  // nobody has looked into the file yet: as much as the largest net that is built beside it
    double largest = 0;
    for (const ModelSpec& other : suite_.models)
      if (other.build) largest = std::max(largest, train_rate(other));
    return largest > 0 ? largest : unknown;
  }
  if (!context_.macs || context_.zoo.count(root.build->value) == 0) return unknown;
  Json net = build_of(root);
  net["input"] = Json(shape_of(*suite_.data.train));
  net["classes"] = classes();
  const double macs = context_.macs(net);
  return macs > 0 ? floor + 1000 * 6 * macs / operations_per_second : unknown;
}

Json Planner::build_of(const ModelSpec& model) const {
  if (model.onnx) return Json::object({{"onnx", model.onnx_sha256}});
  const Located<std::string>& arch = *model.build;
  if (const auto zoo = context_.zoo.find(arch.value); zoo != context_.zoo.end()) {
    const Params params = expand(as_schema(arch.value, zoo->second.params), model.params, "architecture");
    return Json::object({{"arch", arch.value}, {"params", as_numbers(zoo->second.params, params.all)}});
  }
  const auto plugin = context_.plugins.find(arch.value);
  if (plugin != context_.plugins.end() && plugin->second.has_role("architecture"))
    return Json::object({{"arch", arch.value}, {"params", expand(plugin->second, model.params, "architecture").all}});

  std::vector<std::string> names;
  for (const auto& [name, entry] : context_.zoo) names.push_back(name);
  for (const auto& [id, descriptor] : context_.plugins)
    if (descriptor.has_role("architecture")) names.push_back(id);
  fail(arch.place, fmt::format("model.build: unknown architecture '{}'{}", arch.value, suggestion(arch.value, names)));
}

Json Planner::recipe_of(const RecipeSpec& spec, const char* what) const {
  const auto found = context_.recipes.find(spec.base.value);
  if (found == context_.recipes.end()) {
    std::vector<std::string> names;
    for (const auto& [name, schema] : context_.recipes) names.push_back(name);
    fail(spec.base.given() ? spec.base.place : spec.place,
         fmt::format("{}.recipe: unknown recipe '{}'{}", what, spec.base.value, suggestion(spec.base.value, names)));
  }
  return without_silent(found->second,
                        as_numbers(found->second, expand(as_schema(spec.base.value, found->second), spec.fields, "recipe").all));
}

void Planner::watch(const Json& recipe, const Place& place, Stage& stage, Json& identity) {
  const bool stops = recipe.get("patience", 0) > 0;
  const bool plateau = recipe.get("schedule", "") == "plateau" && recipe.get("monitor", "validation-loss") == "validation-loss";
  if (!stops && !plateau) return;
  if (!suite_.data.val)
    fail(place, fmt::format("recipe.{}: watches the loss on a validation list; expected data.val", stops ? "patience" : "schedule"));
  const std::string key = records(*suite_.data.val);
  stage.inputs.push_back(from_node("val", key, records_file));
  identity["val"] = key;
  val_is_read_ = true;
}

Json Planner::model_recipe(const ModelSpec& model) const {
  RecipeSpec standard;
  standard.base.value = "standard";
  standard.place = model.place;
  return recipe_of(model.train ? *model.train : standard, "model.train");
}

// Passes that a recipe makes for each that a plain one makes, in units of a plain step (three forward passes).
static double adversary_factor(const Json& recipe) {
  const std::string adversary = recipe.get("adversary", "none");
  const double steps = recipe.get("adv_steps", 7.0);
  if (adversary == "fgsm") return 5.0 / 3.0;
  if (adversary == "pgd") return (2 * steps + 3) / 3.0;
  if (adversary == "trades") return (2 * steps + 7) / 3.0;
  return adversary == "free" ? recipe.get("adv_replays", 8.0) : 1.0;
}

double Planner::recipe_seconds(const Json& recipe, const ModelSpec& model, const DataSpec& list) const {
  const double images = static_cast<double>(count(list)) * recipe.get("epochs", 1.0) * adversary_factor(recipe);
  return images / 1000.0 * train_rate(model);
}

Json Planner::subject_protocol(const ModelSpec& model) const {
  Json out = Json::object({{"id", model.id.value}, {"members", model.members}});
  if (model.from) {
    out["from"] = from_protocol(*model.from);
    return out;
  }
  out["build"] = build_of(model);
  if (!model.onnx || model.train) out["recipe"] = model_recipe(model);
  if (model.train && model.train->trainer)
    out["trainer"] = Json::object({{"id", model.train->trainer->value}, {"params", model.train->trainer_params.to_json()}});
  return out;
}

// A file is imported as it is, the same for every seed; training goes on from there where the suite says so.
std::string Planner::import_node(const ModelSpec& model, std::int64_t subject_seed) {
  Node node = start_node(NodeKind::train, fmt::format("import {}", model.id.value));
  node.seeds = seeds(0, 0);
  node.cost_seconds = 0.5;
  InputRef file;
  file.name = "onnx";
  file.path = model.onnx_path;
  file.sha256 = model.onnx_sha256;
  Stage stage;
  stage.stage = "import";
  stage.inputs = {file};
  stage.spec = Json::object({{"classes", classes()}, {"shape", Json(shape_of(*suite_.data.train))}});
  Json identity = Json::object({{"node", "import"}, {"onnx", model.onnx_sha256}, {"expects", stage.spec}});
  node.stages.push_back(std::move(stage));
  std::string imported = add(std::move(node), std::move(identity)).key;
  if (!model.train) return imported;

  const std::string train = records(*suite_.data.train);
  Node tuned = start_node(NodeKind::train, fmt::format("train {} seed {}", model.id.value, subject_seed));
  tuned.seeds = seeds(subject_seed, 0);
  Stage tune;
  tune.stage = "finetune";
  tune.inputs = {from_node("model", imported, model_file), from_node("train", train, records_file)};
  tune.spec = Json::object({{"recipe", model_recipe(model)}});
  tuned.cost_seconds = 0.3 + recipe_seconds(tune.spec.at("recipe"), model, *suite_.data.train);
  Json tuned_identity = Json::object({{"node", "train"},
                                      {"model", imported},
                                      {"train", train},
                                      {"recipe", tune.spec.at("recipe")},
                                      {"seeds", tuned.seeds.to_json()},
                                      {"numerics", numerics_.to_json()}});
  tuned.stages.push_back(std::move(tune));
  return add(std::move(tuned), std::move(tuned_identity)).key;
}

// A net of the zoo is trained by the host's loop. An architecture or trainer plugin makes it in a run stage of its own.
std::string Planner::train_node(const ModelSpec& model, std::int64_t subject_seed) {
  if (model.onnx) return import_node(model, subject_seed);
  const Json build = build_of(model);
  const Json recipe = model_recipe(model);
  const std::string train = records(*suite_.data.train);
  Node node = start_node(NodeKind::train, fmt::format("train {} seed {}", model.id.value, subject_seed));
  node.seeds = seeds(subject_seed, 0);
  node.cost_seconds = 0.3 + recipe_seconds(recipe, model, *suite_.data.train);
  Stage stage;
  stage.inputs.push_back(from_node("train", train, records_file));
  stage.spec = Json::object({{"build", build}, {"recipe", recipe}, {"classes", classes()}});
  Json identity = Json::object({{"node", "train"},
                                {"train", train},
                                {"build", build},
                                {"recipe", recipe},
                                {"classes", classes()},
                                {"seeds", node.seeds.to_json()},
                                {"numerics", numerics_.to_json()}});
  watch(recipe, model.train ? model.train->place : model.place, stage, identity);

  const bool foreign_net = !context_.zoo.count(model.build->value);
  const bool trainer = model.train && model.train->trainer;
  stage.stage = foreign_net || trainer ? "run" : "train";
  if (foreign_net && trainer)
    fail(model.train->trainer->place, "model.train.trainer: a trainer plugin for an architecture plugin's net is not available yet; "
                                      "expected an architecture of the zoo in `build`", Fault::unsupported);
  if (foreign_net || trainer) {
    const char* role = trainer ? "trainer" : "architecture";
    const Descriptor& plugin = trainer ? plugin_of(*model.train->trainer, "model.train.trainer", {"trainer"})
                                       : context_.plugins.at(model.build->value);
    const Params params = trainer ? expand(plugin, model.train->trainer_params, "method") : expand(plugin, model.params, "architecture");
    stage.plugin = true;
    stage.spec["task"] = "predict";
    stage.spec["role"] = role;
    stage.spec["params"] = params.all;
    stage.spec["members"] = Json::array();
    identity["role"] = role;
    identity["params"] = params.identity;
    if (!trainer) identity["build"] = Json();  // the plugin's parameters stand in `params`, without those of no effect
    identity["plugin"] = plugin_identity(plugin);
    attach(node, plugin);
  }
  node.stages.push_back(std::move(stage));
  return add(std::move(node), std::move(identity)).key;
}

// Member m of a block with several nets has subject seed 1000 s + m, so that no two cells share a net by accident.
std::vector<Net> Planner::nets(const ModelSpec& model, std::int64_t seed, std::int64_t members) {
  std::vector<Net> out;
  for (std::int64_t member = 0; member < members; ++member) {
    const std::int64_t subject_seed = model.members == 1 ? seed : 1000 * seed + member;
    out.push_back({member_name(model, member), subject_node(model, subject_seed)});
  }
  return out;
}

}  // namespace assay::plan
