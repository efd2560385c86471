// Methods: which plugin, in which role, with which certificate; and the product of grid, subjects and seeds.
#include <algorithm>

#include <fmt/format.h>

#include "harness/plan/planner.hpp"

namespace assay::plan {
namespace {

// The roles that a task's methods may fill, in order of preference.
const std::vector<std::string>& roles_of(const std::string& task) {
  static const std::map<std::string, std::vector<std::string>> roles = {{"attack", {"attack"}},
                                                                        {"detect", {"detector"}},
                                                                        {"predict", {"ensemble", "trainer", "architecture"}},
                                                                        {"compress", {"compressor"}},
                                                                        {"reduce", {"reducer"}},
                                                                        {"falsify", {"analyzer"}}};
  return roles.at(task);
}

bool fits(const Descriptor& plugin, const std::vector<std::string>& roles) {
  return std::any_of(roles.begin(), roles.end(), [&](const std::string& role) { return plugin.has_role(role); });
}

}  // namespace

const Descriptor& Planner::plugin_of(const Located<std::string>& id, const char* key, const std::vector<std::string>& roles) const {
  const auto found = context_.plugins.find(id.value);
  if (found == context_.plugins.end()) {
    std::vector<std::string> names;
    for (const auto& [name, plugin] : context_.plugins)
      if (fits(plugin, roles)) names.push_back(name);
    fail(id.place, fmt::format("{}: unknown plugin '{}'{}", key, id.value, suggestion(id.value, names)));
  }
  if (!fits(found->second, roles))
    fail(id.place, fmt::format("{}: plugin '{}' fills the role {}; expected {}", key, id.value,
                               fmt::join(found->second.roles, ", "), fmt::join(roles, " or ")));
  return found->second;
}

std::string Planner::role_of(const Descriptor& plugin, const std::vector<std::string>& roles) const {
  for (const std::string& role : roles)
    if (plugin.has_role(role)) return role;
  throw Error(Fault::internal, "a plugin without a fitting role got past plugin_of");
}

void Planner::check_methods() const {
  const auto& roles = roles_of(suite_.task.value);
  bool baseline = false;
  for (const MethodSpec& method : suite_.methods) baseline |= plugin_of(method.use, "method.use", roles).baseline;
  check_tuning();
  if (baseline || suite_.rank == "none") return;
  std::vector<std::string> names;
  for (const auto& [name, plugin] : context_.plugins)
    if (plugin.baseline && fits(plugin, roles)) names.push_back(name);
  fail(suite_.place, fmt::format("a suite that ranks needs a trivial baseline (rule 4); expected one of {}, or rank = \"none\"",
                                 fmt::join(names, ", ")));
}

// A certificate is a node of its own, shared by every cell of the same library and role. "" when there is none to pass.
std::string Planner::certificate(const Descriptor& plugin, const std::string& role) {
  const auto found = context_.certificates.find(role);
  // Rule 4: a trivial baseline is exempt; it is shown and never ranked as best.
  if (plugin.baseline || found == context_.certificates.end() || found->second.empty()) return "";
  Node node = start_node(NodeKind::certify, fmt::format("certify {} as {}", plugin.id, role));
  attach(node, plugin);
  Stage stage;
  stage.stage = "certify";
  stage.plugin = true;
  stage.spec = Json::object({{"role", role}, {"checks", Json(found->second)}});
  node.stages.push_back(std::move(stage));
  node.cost_seconds = 0.5 * static_cast<double>(found->second.size());
  Json identity = Json::object({{"node", "certify"},
                                {"role", role},
                                {"checks", Json(found->second)},
                                {"plugin", plugin_identity(plugin)},
                                {"numerics", numerics_.to_json()}});
  return add(std::move(node), std::move(identity)).key;
}

// Rule 24: a targeted attack needs a class to aim at for each of its targets, besides the right one.
void Planner::check_targets(const MethodSpec& method, const Json& params) const {
  if (!suite_.threat || !suite_.threat->targeted) return;
  const Json::Object& all = params.as_object();
  const auto found = all.find("targets");
  const std::int64_t targets = found != all.end() && found->second.is_int() ? found->second.as_int() : 1;
  if (classes() >= targets + 1) return;
  fail(method.place, fmt::format("method '{}': a targeted attack with {} targets needs at least {} classes (rule 24); the data have {}",
                                 method.id(), targets, targets + 1, classes()));
}

void Planner::make_cell(const CellPoint& point) {
  const std::string& task = suite_.task.value;
  if (task == "attack") attack_cell(point);
  if (task == "detect") detect_cell(point);
  if (task == "predict") predict_cell(point);
  if (task == "compress") compress_at(point);
  if (task == "reduce") reduce_at(point);
  if (task == "falsify") falsify_cell(point);
}

void Planner::plan_cell(const CellPoint& point) {
  if (point.method->tune) tune_cell(point);
  else make_cell(point);
}

void Planner::plan_method(const MethodSpec& method) {
  if (!method.chain.empty()) return plan_chain(method);
  const std::string& task = suite_.task.value;
  const Descriptor& plugin = plugin_of(method.use, "method.use", roles_of(task));
  CellPoint point;
  point.method = &method;
  point.plugin = &plugin;
  point.role = role_of(plugin, roles_of(task));
  point.certificate = certificate(plugin, point.role);
  point.test = &*suite_.data.test;
  for (const ParamValue& axis : method.grid.entries)
    if (const ParamSchema* param = plugin.param(axis.key); param && !param->identity)
      fail(axis.key_place, fmt::format("method.grid.{}: the parameter cannot change a result, so it makes no axis", axis.key));

  for (const MethodPoint& grid : grid_points(method)) {
    point.grid = &grid;
    point.params = expand(plugin, grid.params, "method");
    check_targets(method, point.params.all);
    for (const ModelSpec& model : suite_.models) {
      point.model = &model;
      for (const std::int64_t seed : suite_.seeds) {
        point.seed = seed;
        for (const BudgetPoint& budget : budget_points()) {
          point.budget = budget;
          for (const std::string& source : sources()) {
            point.source = source;
            if (task == "compress") compress_cells(point);
            else if (task == "reduce") reduce_cells(point);
            else plan_cell(point);
          }
        }
      }
    }
  }
}

}  // namespace assay::plan
