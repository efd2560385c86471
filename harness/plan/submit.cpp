#include "harness/plan/submit.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"

namespace assay {
namespace {

std::int64_t seed_of(const Node& cell) { return static_cast<std::int64_t>(cell.seeds.get("method")); }

template <class T>
std::string listed(const std::set<T>& all) {
  return fmt::format("{}", fmt::join(all, ", "));
}

const Stage& stage_of(const Node& node, const std::string& name) {
  for (const Stage& stage : node.stages)
    if (stage.stage == name) return stage;
  throw Error(Fault::internal, "'" + node.label + "' has no stage '" + name + "'");
}

// The nodes of `suite` that `keys` need, in its order.
std::vector<Node> closure(const Plan& suite, std::set<std::string> keys) {
  std::vector<Node> found;
  for (auto node = suite.nodes.rbegin(); node != suite.nodes.rend(); ++node) {
    if (keys.count(node->key) == 0) continue;
    keys.insert(node->needs.begin(), node->needs.end());
    found.push_back(*node);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::set<std::string> needs_of(const Stage& stage) {
  std::set<std::string> out;
  for (const InputRef& input : stage.inputs)
    if (!input.node.empty()) out.insert(input.node);
  return out;
}

Plan plan_of(const Plan& suite, Node cell, const std::string& name) {
  Plan plan = suite;
  plan.suite = name;
  plan.claims.clear();
  plan.nodes = closure(suite, {cell.needs.begin(), cell.needs.end()});
  plan.nodes.push_back(std::move(cell));
  return plan;
}

void check_name(const Plan& suite, const std::string& name) {
  const auto fine = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '#'; };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), fine))
    bad_input("--name: expected letters, digits, '-', '_' and '.', found '" + name + "'");
  for (const Node& node : suite.nodes)
    if (node.kind == NodeKind::cell && node.method == name)
      bad_input("--name: '" + name + "' is a method of the suite itself; expected another name");
}

// Lists and models, and not what one method alone is handed (the survivors of a chain, tuned parameters).
bool is_given(const std::string& name) {
  static const std::set<std::string> lists = {"data", "stream", "truth", "fit", "train", "val", "test"};
  return lists.count(name) > 0 || name.rfind("model:", 0) == 0;
}

// The judge without plugin and without what only a method's own stages leave.
Stage judge_of(const Plan& suite, const Node& site, const Submission& submission) {
  const bool predict = suite.task == "predict";
  Stage judge = stage_of(site, "judge");
  std::erase_if(judge.inputs, [&](const InputRef& input) {
    return !input.stage.empty() || !is_given(input.name) || (predict && input.name.rfind("model:", 0) == 0);
  });
  InputRef run;
  run.name = predict ? "model_outputs" : "run";  // what a predictor answered is all that is known of the model
  run.path = submission.shard;
  run.sha256 = submission.shard_sha256;
  judge.inputs.push_back(std::move(run));
  judge.spec.object_ref().erase("link");  // of a chain
  judge.spec["params"] = Json::object({});
  judge.spec["method"] = Json::object(
      {{"id", submission.method}, {"baseline", false}, {"iterative", false}, {"flags", Json::array()}, {"submitted", true}});
  return judge;
}

// What the site's cell was, less what its method brought.
Json identity_of(const Node& site, const Submission& submission) {
  Json identity = site.identity;
  for (const char* key : {"plugin", "params", "role", "members", "train", "val", "recipe", "build", "before"}) identity.object_ref().erase(key);
  identity["submitted"] = Json::object({{"name", submission.method}, {"sha256", submission.outputs_sha256}});
  return identity;
}

}  // namespace

const Node& submission_site(const Plan& suite, const std::string& subject, std::optional<std::int64_t> seed) {
  if (suite.task == "compress")
    bad_input("suite '" + suite.suite + "': task 'compress' is judged by the model itself (its size, multiply-adds, time), which no "
              "outputs show; submit takes adversarial inputs for a suite of attack, scores for detect, predictions for predict, and a "
              "compressed net can be a [[model]] with `onnx = \"FILE\"` in any of them");
  if (suite.protocol.has("threat") && suite.protocol.at("threat").get("matrix", false))
    bad_input("suite '" + suite.suite + "': a transfer matrix has a cell for each source and victim, and inputs from elsewhere name no "
              "source; expected a suite without threat.matrix");
  if (suite.task == "reduce")
    bad_input("suite '" + suite.suite + "': task 'reduce' is judged by training on the method's set, which no outputs show; a set of your "
              "own can be a set of the catalogue, and a rule that makes one a reducer plugin (`assay new reducer`)");
  if (suite.task == "falsify")
    bad_input("suite '" + suite.suite + "': verdicts of task 'falsify' cannot be submitted yet; a verifier can be an analyzer plugin "
              "(`assay new analyzer`)");
  std::set<std::string> subjects;
  for (const Node& node : suite.nodes)
    if (node.kind == NodeKind::cell) subjects.insert(node.subject);
  if (subject.empty() && subjects.size() > 1) bad_input("--subject: the suite has several; expected one of " + listed(subjects));
  if (!subject.empty() && subjects.count(subject) == 0)
    bad_input("--subject: unknown model '" + subject + "'" + suggestion(subject, {subjects.begin(), subjects.end()}));
  const Node* found = nullptr;
  std::set<std::int64_t> seeds;
  for (const Node& node : suite.nodes) {
    if (node.kind != NodeKind::cell || (!subject.empty() && node.subject != subject)) continue;
    seeds.insert(seed_of(node));
    const bool better = found == nullptr || (!seed && seed_of(node) < seed_of(*found));
    if ((!seed || seed_of(node) == *seed) && better) found = &node;
  }
  if (found == nullptr) bad_input(fmt::format("--seed: the suite has no seed {}; expected one of {}", seed.value_or(0), listed(seeds)));
  return *found;
}

Plan submission_plan(const Plan& suite, const Node& site, const Submission& submission) {
  check_name(suite, submission.method);
  Node cell = site;
  const std::string place = fmt::format("{} on {}, seed {}", submission.method, site.subject, seed_of(site));
  cell.label = place + " (submitted)";
  cell.method = submission.method;
  cell.params = Json::object({});
  cell.axes = Json::object({{"subject", site.subject}, {"seed", seed_of(site)}});
  cell.baseline = cell.keep_outputs = false;
  cell.plugin_path.clear();
  cell.plugin_id = submission.method;
  cell.plugin_version = submitted_version;
  // There is no binary: the digest stands for the name, so that the seeds of one submission share a row.
  cell.plugin_sha256 = sha256(std::string(submitted_prefix) + submission.method);
  cell.stages = {judge_of(suite, site, submission)};
  const auto needs = needs_of(cell.stages[0]);
  cell.needs.assign(needs.begin(), needs.end());
  cell.identity = identity_of(site, submission);
  cell.key = sha256(cell.identity.dump());
  return plan_of(suite, std::move(cell), submitted_prefix + suite.suite + ": " + place);
}

Plan template_plan(const Plan& suite, const Node& site) {
  std::map<std::string, InputRef> inputs;  // by name: what the methods there are given, all of them together
  for (const Node& node : suite.nodes) {
    if (node.kind != NodeKind::cell || node.subject != site.subject || seed_of(node) != seed_of(site)) continue;
    for (const InputRef& input : stage_of(node, "run").inputs)
      if (is_given(input.name)) inputs.emplace(input.name, input);
    for (const InputRef& input : stage_of(node, "judge").inputs)
      if (input.name == "test") inputs.emplace(input.name, input);  // to predict on; its labels are left out
  }
  Stage write;
  write.stage = "template";
  write.spec = Json::object({{"task", suite.task}});
  Json names = Json::array();
  for (const auto& [name, input] : inputs) {
    write.inputs.push_back(input);
    names.push_back(Json::Array{name, input.node.empty() ? input.sha256 : input.node});
  }
  Node cell = site;
  cell.label = fmt::format("what methods are given on {}, seed {}", site.subject, seed_of(site));
  cell.plugin_path = cell.plugin_sha256 = cell.plugin_id = cell.plugin_version = "";
  cell.keep_outputs = true;
  const auto needs = needs_of(write);
  cell.needs.assign(needs.begin(), needs.end());
  cell.stages = {std::move(write)};
  cell.identity = Json::object({{"node", "template"}, {"inputs", names}});
  cell.key = sha256(cell.identity.dump());
  return plan_of(suite, std::move(cell), suite.suite);
}

}  // namespace assay
