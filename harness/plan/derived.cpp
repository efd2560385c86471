// Derived subjects: nets that a method made of other subjects, so that what one suite returned is what another one works
// on. Their identity is the recipe, all the way down: plugin, parameters and the nodes of what they were made from.
#include <fmt/format.h>

#include "harness/plan/planner.hpp"
#include "harness/record/params.hpp"

namespace assay::plan {
namespace {

const std::vector<std::string>& deriving_roles() {
  static const std::vector<std::string> roles = {"compressor", "trainer", "ensemble"};
  return roles;
}

// Members of an ensemble have subject seeds 1000 s + m, those of an ensemble's ensemble 1000 of these, and so on.
constexpr std::int64_t largest_seed = 9'000'000'000'000'000;

struct Derivation {
  ParamTable params;
  std::optional<Rational> ratio;
};

// `from.params.ratio` is the target, unless the plugin declares a parameter of that name.
Derivation split_target(const FromSpec& from, const Descriptor& plugin) {
  Derivation out;
  out.params.place = from.params.place;
  for (const ParamValue& entry : from.params.entries) {
    if (entry.key != "ratio" || plugin.param("ratio")) {
      out.params.entries.push_back(entry);
      continue;
    }
    out.ratio = Rational::parse(entry.value.is_string() ? entry.value.as_string() : entry.value.dump());
    if (!out.ratio || out.ratio->value() < 1.0)
      fail(entry.place, fmt::format("model.from.params.ratio: expected a ratio >= 1 (original over kept parameters), found {}",
                                    entry.value.dump()));
  }
  return out;
}

// `from` a trainer: the net that the chain starts from, trained by the plugin under the same recipe.
ModelSpec retrained(const ModelSpec& model, const ModelSpec& root) {
  if (root.onnx)
    fail(model.from->place, fmt::format("model '{}': a trainer starts from an architecture and a recipe, and '{}' is a file",
                                        model.id.value, root.id.value));
  ModelSpec out = root;
  out.id = model.id;
  if (!out.train) {
    out.train.emplace();
    out.train->base.value = "standard";
    out.train->place = root.place;
  }
  out.train->trainer = model.from->method;
  out.train->trainer_params = model.from->params;
  return out;
}

}  // namespace

std::string Planner::subject_node(const ModelSpec& model, std::int64_t subject_seed) {
  return model.from ? derive_node(model, subject_seed) : train_node(model, subject_seed);
}

std::string Planner::derive_node(const ModelSpec& model, std::int64_t subject_seed) {
  const FromSpec& from = *model.from;
  const Descriptor& plugin = plugin_of(from.method, "model.from.method", deriving_roles());
  const std::string role = role_of(plugin, deriving_roles());
  if (role == "ensemble") return combined_node(model, plugin, subject_seed);
  if (from.models.size() > 1)
    fail(from.place, fmt::format("model.from.models: '{}' is a {} and takes one net; expected `model`", plugin.id, role));
  if (from.members > 0)
    fail(from.members_place, fmt::format("model.from.members: '{}' is a {} and takes one net; expected no members", plugin.id, role));
  if (role == "trainer") return train_node(retrained(model, root_of(model)), subject_seed);
  return compressed_node(model, plugin, subject_seed);
}

std::string Planner::compressed_node(const ModelSpec& model, const Descriptor& plugin, std::int64_t subject_seed) {
  const FromSpec& from = *model.from;
  const Derivation given = split_target(from, plugin);
  if (!given.ratio)
    fail(from.place, fmt::format("model.from.params: key 'ratio' is missing; expected how far '{}' compresses", plugin.id));
  const Params params = expand(plugin, given.params, "method");
  const ModelSpec& origin = *suite_.model(from.models[0].value);
  const std::string source = subject_node(origin, subject_seed);
  const std::string train = records(fit_list());
  const Json target = Json::object({{"kind", "ratio"}, {"value", given.ratio->str()}});

  Node node = start_node(NodeKind::train, fmt::format("{} of {} at ratio {}, seed {}", plugin.id, origin.id.value,
                                                      given.ratio->str(), subject_seed));
  node.seeds = seeds(subject_seed, subject_seed);
  attach(node, plugin);
  Stage run;
  run.stage = "run";
  run.plugin = true;
  run.inputs = {from_node("model:" + origin.id.value, source, model_file), from_node("train", train, records_file)};
  run.spec = Json::object({{"task", "compress"}, {"role", "compressor"}, {"params", params.all}, {"model", origin.id.value}, {"target", target}});
  node.stages.push_back(std::move(run));
  Json identity = Json::object({{"node", "derive"},
                                {"role", "compressor"},
                                {"plugin", plugin_identity(plugin)},
                                {"params", params.identity},
                                {"target", target},
                                {"model", source},
                                {"train", train},
                                {"seeds", node.seeds.to_json()},
                                {"numerics", numerics_.to_json()}});
  node.cost_seconds = 0.5;
  if (suite_.finetune) {
    Stage tune;
    tune.stage = "finetune";
    tune.inputs = {from_stage("model", "run", model_file), from_node("train", train, records_file)};
    tune.spec = Json::object({{"recipe", recipe_of(*suite_.finetune, "finetune")}});
    identity["finetune"] = tune.spec.at("recipe");
    watch(tune.spec.at("recipe"), suite_.finetune->place, tune, identity);
    node.cost_seconds += finetune_seconds(origin);
    node.stages.push_back(std::move(tune));
  }
  return add(std::move(node), std::move(identity)).key;
}

// The nets that an ensemble is made of: several blocks' nets of one seed, or several nets of one block.
std::vector<Net> Planner::member_nets(const FromSpec& from, std::int64_t subject_seed) {
  std::vector<Net> out;
  if (from.models.size() > 1) {
    for (const Located<std::string>& id : from.models) out.push_back({id.value, subject_node(*suite_.model(id.value), subject_seed)});
    return out;
  }
  const ModelSpec& block = *suite_.model(from.models[0].value);
  const std::int64_t count = from.members > 0 ? from.members : block.members;
  if (count == 1) return {{block.id.value, subject_node(block, subject_seed)}};
  if (subject_seed > largest_seed / 1000) fail(from.place, "model.from.members: ensembles of ensembles are nested too deeply for seeds of their own");
  for (std::int64_t member = 0; member < count; ++member)
    out.push_back({fmt::format("{}.{}", block.id.value, member), subject_node(block, 1000 * subject_seed + member)});
  return out;
}

std::string Planner::combined_node(const ModelSpec& model, const Descriptor& plugin, std::int64_t subject_seed) {
  const FromSpec& from = *model.from;
  const Params params = expand(plugin, from.params, "method");
  const std::vector<Net> members = member_nets(from, subject_seed);
  Node node = start_node(NodeKind::train, fmt::format("{} of {} nets for {}, seed {}", plugin.id, members.size(), model.id.value, subject_seed));
  node.seeds = seeds(subject_seed, subject_seed);
  attach(node, plugin);
  Stage run;
  run.stage = "run";
  run.plugin = true;
  Json names = Json::array(), keys = Json::array();
  for (const Net& net : members) {
    run.inputs.push_back(from_node("model:" + net.name, net.node, model_file));
    names.push_back(net.name);
    keys.push_back(net.node);
  }
  run.spec = Json::object({{"task", "predict"}, {"role", "ensemble"}, {"params", params.all}, {"members", names}, {"classes", classes()}});
  node.stages.push_back(std::move(run));
  const auto count_of = static_cast<std::int64_t>(members.size());
  node.cost_seconds = 2 * stage_seconds + combine_seconds(params, plugin, *suite_.model(from.models[0].value), count_of);
  Json identity = Json::object({{"node", "derive"},
                                {"role", "ensemble"},
                                {"plugin", plugin_identity(plugin)},
                                {"params", params.identity},
                                {"members", keys},
                                {"classes", classes()},
                                {"seeds", node.seeds.to_json()},
                                {"numerics", numerics_.to_json()}});
  add_training_set(plugin, node.stages.back(), identity);
  return add(std::move(node), std::move(identity)).key;
}

// The training set of an ensemble that trains its members further, as its descriptor says.
void Planner::add_training_set(const Descriptor& plugin, Stage& run, Json& identity) {
  if (!plugin.requires_slot("combine", "train")) return;
  const std::string train = records(*suite_.data.train);
  run.inputs.push_back(from_node("train", train, records_file));
  identity["train"] = train;
}

// Of its training: the members' passes for each epoch that its parameters name, and about as many beside them for each of
// the gradient steps that they name.
double Planner::combine_seconds(const Params& params, const Descriptor& plugin, const ModelSpec& members, std::int64_t count_of) const {
  if (!plugin.requires_slot("combine", "train")) return 0;
  const Json::Object& all = params.all.as_object();
  const auto number = [&all](const char* key) {
    const auto found = all.find(key);
    return found == all.end() || found->second.is_null() ? 1.0 : std::max(1.0, param_real(found->second));
  };
  const double images = static_cast<double>(count(*suite_.data.train)) * number("epochs");
  return images / 1000.0 * train_rate(members) * static_cast<double>(count_of) * (1 + number("steps"));
}

// Seconds for 1000 inputs: an ensemble costs what its members cost.
double Planner::derived_rate(const FromSpec& from) const {
  double rate = 0;
  for (const Located<std::string>& id : from.models) rate += train_rate(*suite_.model(id.value));
  const auto plugin = context_.plugins.find(from.method.value);
  const bool ensemble = plugin != context_.plugins.end() && plugin->second.has_role("ensemble");
  if (!ensemble || from.models.size() > 1) return rate;
  return rate * static_cast<double>(from.members > 0 ? from.members : suite_.model(from.models[0].value)->members);
}

Json Planner::from_protocol(const FromSpec& from) const {
  Json out = Json::object({{"method", from.method.value}, {"params", from.params.to_json()}});
  if (from.models.size() == 1) out["model"] = from.models[0].value;
  for (std::size_t i = 0; from.models.size() > 1 && i < from.models.size(); ++i) out["models"].push_back(from.models[i].value);
  if (from.members > 0) out["members"] = from.members;
  return out;
}

}  // namespace assay::plan
