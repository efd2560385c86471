#include "harness/plan/planner.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/hash.hpp"

namespace assay::plan {

void fail(const Place& place, const std::string& message, Fault fault) {
  throw Error(fault, place.str() + ": " + message);
}

Planner::Planner(const SuiteSpec& suite, const PlanContext& context) : suite_(suite), context_(context) {
  numerics_ = effective_numerics();
}

// A suite may cap the instruction set, so that its results travel; it can never raise what the machine has.
Numerics Planner::effective_numerics() const {
  // oneDNN's order, each a superset of those before it.
  static const std::vector<std::string> order = {"sse41", "avx", "avx2", "avx2_vnni", "avx512_core", "avx512_core_vnni",
                                                 "avx512_core_bf16", "avx512_core_fp16", "avx512_core_amx"};
  Numerics out = context_.machine;
  out.threads = static_cast<int>(suite_.numerics.threads);
  out.batch = static_cast<int>(suite_.numerics.batch);
  const Located<std::string>& cap = suite_.numerics.isa;
  if (!cap.given()) return out;
  const auto wanted = std::find(order.begin(), order.end(), cap.value);
  if (wanted == order.end())
    fail(cap.place, fmt::format("numerics.isa: unknown instruction set '{}'{}", cap.value, suggestion(cap.value, order)));
  const auto machine = std::find(order.begin(), order.end(), out.isa);
  if (machine != order.end() && wanted > machine)
    fail(cap.place, fmt::format("numerics.isa: this machine has '{}', which is below '{}'", out.isa, cap.value), Fault::unsupported);
  out.isa = cap.value;
  return out;
}

Seeds Planner::seeds(std::int64_t subject, std::int64_t method) const {
  Seeds out;
  out.values = {{"data", 0}, {"subject", subject}, {"method", method}, {"evaluation", 0}};
  return out;
}

Node Planner::start_node(NodeKind kind, std::string label) const {
  Node node;
  node.kind = kind;
  node.label = std::move(label);
  node.numerics = numerics_;
  node.seeds = seeds(0, 0);
  node.memory_mb = suite_.limits.memory_mb;
  node.disk_mb = suite_.limits.disk_mb;
  node.processes = suite_.limits.processes;
  node.seconds = kind == NodeKind::train ? suite_.limits.seconds_per_training : suite_.limits.seconds_per_cell;
  return node;
}

void Planner::attach(Node& node, const Descriptor& plugin) const {
  node.plugin_path = plugin.path;
  node.plugin_sha256 = plugin.sha256;
  node.plugin_id = plugin.id;
  node.plugin_version = plugin.version;
}

Json Planner::plugin_identity(const Descriptor& plugin) const {
  return Json::object({{"id", plugin.id}, {"sha256", plugin.sha256}});
}

const Node& Planner::add(Node node, Json identity) {
  identity["format"] = identity_format;
  node.key = sha256(identity.dump());
  node.identity = std::move(identity);
  const auto [found, fresh] = index_.emplace(node.key, plan_.nodes.size());
  if (!fresh) return plan_.nodes[found->second];
  // What a node needs is what its stages read, and what the caller listed besides (certificates).
  for (const Stage& stage : node.stages)
    for (const InputRef& input : stage.inputs)
      if (!input.node.empty()) node.needs.push_back(input.node);
  std::sort(node.needs.begin(), node.needs.end());
  node.needs.erase(std::unique(node.needs.begin(), node.needs.end()), node.needs.end());
  plan_.nodes.push_back(std::move(node));
  return plan_.nodes.back();
}

// What makes numbers comparable, and nothing else: neither seeds, methods, plugins, machine nor limits.
void Planner::protocol() {
  Json data = Json::Object{};
  const auto list = [&](const char* name, const std::optional<DataSpec>& spec) {
    if (spec) data[name] = records(*spec);
  };
  list("train", suite_.data.train);
  list("test", suite_.data.test);
  list("val", suite_.data.val);
  if (suite_.task.value == "detect" || suite_.task.value == "compress") data["fit"] = records(fit_list());
  for (const DataSpec& ood : suite_.data.ood)
    data["ood"].push_back(Json::object({{"label", ood.label}, {"group", ood.group}, {"records", records(ood)}}));

  Json subjects = Json::array();
  for (const ModelSpec& model : suite_.models) subjects.push_back(subject_protocol(model));

  Json out = Json::object({{"task", suite_.task.value},
                           {"task_version", task_version},
                           {"suite_version", suite_.version},
                           {"data", data},
                           {"preprocessing", Json::object({{"range", Json(Json::Array{0, 1})}})},
                           {"subjects", subjects}});
  if (suite_.threat) {
    out["threat"] = threat();
    const auto ids = [](const std::vector<Located<std::string>>& list_of) {
      Json names = Json::array();
      for (const auto& id : list_of) names.push_back(id.value);
      return names;
    };
    out["threat"]["access"] = suite_.threat->access;
    out["threat"]["victims"] = ids(suite_.threat->victims);
    out["threat"]["surrogates"] = ids(suite_.threat->surrogates);
    if (suite_.threat->matrix) out["threat"]["matrix"] = true;
    out["budget"] = budget_protocol();
    if (searches_low()) out["search"] = suite_.numerics.search.value;
  }
  if (!suite_.threat && suite_.budget.place.line > 0) out["budget"] = budget_protocol();
  if (suite_.region) out["region"] = region_protocol();
  if (suite_.target) {
    Json values = Json::array();
    for (const Rational& value : suite_.target->values) values.push_back(value.str());
    out["target"] = Json::object({{"kind", suite_.target->kind}, {"values", values}});
  }
  for (const MethodSpec& method : suite_.methods)  // equally many for all of them
    if (method.tune) out["trials"] = method.tune->trials;
  if (suite_.finetune) out["finetune"] = recipe_of(*suite_.finetune, "finetune");
  plan_.protocol = std::move(out);
  plan_.protocol_hash = sha256(plan_.protocol.dump());
}

void Planner::ranking() {
  static const std::map<std::string, std::string> defaults = {
      {"attack", "robust_accuracy"}, {"detect", "auroc"}, {"predict", "accuracy"}, {"compress", "accuracy"},
      {"reduce", "accuracy"}, {"falsify", "decided_rate"}};
  const std::string& task = suite_.task.value;
  plan_.rank = suite_.rank;
  plan_.rank_by = suite_.rank_by.given() ? suite_.rank_by.value : defaults.at(task);
  plan_.min_coverage = suite_.min_coverage;
  plan_.on_failure = suite_.on_failure;
  if (task == "attack") plan_.condition = "eps=" + suite_.threat->rank_eps.str();
  if (task == "detect") plan_.condition = suite_.data.ood[0].group + ":" + suite_.data.ood[0].label;
  if (task == "predict" || task == "compress" || task == "reduce") plan_.condition = "test";
  if (task == "falsify") plan_.condition = "eps=" + suite_.region->eps.str();
  plan_.rank_axes = Json::Object{};
  if (suite_.target) plan_.rank_axes[suite_.target->kind] = suite_.target->rank_at.str();
  if (!suite_.budget.curve.empty()) plan_.rank_axes[suite_.budget.curve] = suite_.budget.rank_level.str();

  const auto known = context_.metrics.find(task);
  if (!suite_.rank_by.given() || known == context_.metrics.end()) return;
  const auto& names = known->second;
  if (std::find(names.begin(), names.end(), plan_.rank_by) == names.end())
    fail(suite_.rank_by.place, fmt::format("suite.rank_by: unknown metric '{}' of task '{}'{}", plan_.rank_by, task,
                                           suggestion(plan_.rank_by, names)));
}

// What a claim may name: the task's metrics, and the keys and values of the planned cells.
claim::Names Planner::claim_names() const {
  claim::Names names;
  const auto metrics = context_.metrics.find(suite_.task.value);
  if (metrics != context_.metrics.end()) names.metrics = metrics->second;
  const auto add = [&](const std::string& key, const std::string& value) {
    auto& values = names.keys[key];
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  };
  const auto add_all = [&](const Json& object) {
    for (const auto& [key, value] : object.as_object())
      if (value.is_string() || value.is_number()) add(key, value.is_string() ? value.as_string() : value.dump());
  };
  for (const Node& node : plan_.nodes) {
    if (node.kind != NodeKind::cell) continue;
    add("method", node.method);
    add_all(node.params);
    add_all(node.axes);
  }
  names.keys["condition"] = names.keys["configuration"] = {};  // known to the judge only
  return names;
}

void Planner::claims() {
  const claim::Names names = claim_names();
  const auto check = [&](const ClaimSpec& spec, const char* key, const Located<std::string>& text) {
    try {
      claim::check(claim::parse(text.value), names);
    } catch (const Error& error) {
      fail(text.place, fmt::format("claim '{}', {}, {}", spec.id.value, key, error.what()));
    }
  };
  for (const ClaimSpec& spec : suite_.claims) {
    check(spec, "expect", spec.expect);
    if (spec.given.given()) check(spec, "given", spec.given);
    plan_.claims.push_back(to_claim(spec));
  }
}

Plan Planner::run() {
  plan_.suite = suite_.name.value;
  plan_.task = suite_.task.value;
  plan_.file = suite_.file;
  plan_.version = static_cast<int>(suite_.version);
  plan_.suite_sha256 = suite_.sha256;
  plan_.series = suite_.task.value + "/" + suite_.name.value;
  check_methods();
  check_shapes();
  protocol();
  ranking();
  for (const MethodSpec& method : suite_.methods) plan_method(method);
  if (suite_.data.val && !val_is_read_)
    fail(suite_.data.val->place, "data.val: no recipe stops early or waits for a plateau, so nothing would read the list");
  claims();
  return std::move(plan_);
}

}  // namespace assay::plan

namespace assay {

Plan make_plan(const SuiteSpec& suite, const PlanContext& context) { return plan::Planner(suite, context).run(); }

}  // namespace assay
