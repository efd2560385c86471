// A chain of attacks as nodes: a start that knows which samples are classified correctly, a node a link that attacks
// what is still robust and writes what it leaves, and a cell that runs the last link and judges the whole. Two chains
// that begin alike share their first links. One that stops early goes through the links once a look, on a part of the list.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/plan/planner.hpp"

namespace assay::plan {
namespace {

constexpr const char* chain_file = "chain.safetensors";
constexpr const char* chain_input = "chain";
// Of the samples, what reaches a link after the first: next to nothing of an undefended net, up to a half of a defended one.
constexpr double left_share = 0.3;

Json link_of(const Descriptor& plugin) {
  return Json::object({{"id", plugin.id}, {"gradients", plugin.needs_gradients}, {"iterative", plugin.iterative}});
}

std::string text_of(const MethodSpec& method) {
  std::string text;
  for (const LinkSpec& link : method.chain) text += (text.empty() ? "" : " > ") + link.use.value;
  return text;
}

}  // namespace

struct Planner::LinkPlace {
  std::int64_t link = 0;  // in the chain
  std::int64_t look = 0;  // of a chain that stops early

  // Of the test list that this link attacks, at most: its look's part, and after the first link what is left of it.
  double share(const std::optional<StopSpec>& stop) const {
    const double part = stop ? std::ldexp(1.0, static_cast<int>(std::max<std::int64_t>(look, 1) - stop->looks)) : 1;
    return part * (link == 0 ? 1 : left_share);
  }
};

// What the links before this one left goes to its run and to its judge.
void Planner::place_link(AttackParts& parts, const CellPoint& point, const LinkPlace& place, const std::string& before) const {
  parts.judge.spec["link"] = link_of(*point.plugin);
  parts.identity["before"] = before;
  for (Stage* stage : {&parts.run, &parts.judge}) stage->inputs.push_back(from_node(chain_input, before, chain_file));
  const std::optional<StopSpec>& stop = point.method->stop;
  if (!stop) return;
  const Json look = Json::object({{"look", place.look}, {"of", stop->looks}, {"half_width", stop->half_width.str()}});
  parts.judge.spec["link"]["place"] = place.link;
  parts.run.spec["look"] = look;
  parts.judge.spec["look"] = look;
  parts.identity["look"] = look;
}

// The samples to begin with: rule 14 counts those that are misclassified without attack as not robust.
std::string Planner::chain_start(const CellPoint& point) {
  Node node = start_node(NodeKind::prepare,
                         fmt::format("correctly classified by {}, seed {}", point.model->id.value, point.seed));
  const AttackParts parts = attack_parts(point);
  Stage stage;
  stage.stage = "survivors";
  stage.spec = Json::object({{"task", "attack"}, {"victim", point.model->id.value}, {"threat", threat()}});
  stage.inputs.assign(parts.judge.inputs.end() - 2, parts.judge.inputs.end());  // data and victim
  node.stages.push_back(std::move(stage));
  node.cost_seconds = stage_seconds + eval_seconds(*point.model, count(*suite_.data.test));
  Json identity = Json::object({{"node", "chain start"},
                                {"data", parts.identity.at("data")},
                                {"victim", parts.identity.at("victim")},
                                {"threat", threat()},
                                {"judge_version", context_.judge_version},
                                {"numerics", numerics_.to_json()}});
  return add(std::move(node), std::move(identity)).key;
}

// It hands on a file, and nothing of it is an outcome: its judge is the stage "survivors".
std::string Planner::chain_link(const CellPoint& point, const LinkPlace& place, const std::string& before) {
  const std::optional<StopSpec>& stop = point.method->stop;
  const std::string look = stop ? fmt::format(", look {} of {}", place.look + 1, stop->looks) : "";
  Node node = start_node(NodeKind::prepare, fmt::format("{} of {} on {}, seed {}{}", point.plugin->id, point.method->id(),
                                                        point.model->id.value, point.seed, look));
  node.seeds = seeds(point.seed, point.seed);
  attach(node, *point.plugin);
  if (!point.certificate.empty()) node.needs.push_back(point.certificate);
  AttackParts parts = attack_parts(point);
  place_link(parts, point, place, before);
  parts.judge.stage = "survivors";
  node.cost_seconds = 2 * stage_seconds + attack_seconds(point) * place.share(stop);
  node.stages = {std::move(parts.run), std::move(parts.judge)};
  Json identity = std::move(parts.identity);
  identity["node"] = "chain link";
  identity["plugin"] = plugin_identity(*point.plugin);
  identity["params"] = point.params.identity;
  identity["seeds"] = node.seeds.to_json();
  identity["judge_version"] = context_.judge_version;
  identity["numerics"] = numerics_.to_json();
  return add(std::move(node), std::move(identity)).key;
}

// `point` is the last link under the chain's name; `links` are those before it.
void Planner::chain_cell(const CellPoint& point, const std::vector<CellPoint>& links) {
  const std::optional<StopSpec>& stop = point.method->stop;
  LinkPlace place;
  std::string before = chain_start(point);
  for (const std::int64_t looks = stop ? stop->looks : 1; place.look < looks; ++place.look) {
    place.link = 0;
    for (const CellPoint& link : links) {
      before = chain_link(link, place, before);
      ++place.link;
    }
    if (place.look + 1 == looks) break;
    before = chain_link(point, place, before);
  }
  Node node = start_cell(point);
  node.params = Json::object({{"chain", text_of(*point.method)}});
  if (stop) node.params["stop"] = stop->half_width.str();
  AttackParts parts = attack_parts(point);
  ask_more(point, parts.judge);
  if (parts.diagonal) node.axes["diagonal"] = true;  // rule 27
  place_link(parts, point, place, before);
  node.cost_seconds = 2 * stage_seconds + attack_seconds(point) * place.share(stop) + longer_seconds(point);
  node.stages = {std::move(parts.run), std::move(parts.judge)};
  finish_cell(std::move(node), point, std::move(parts.identity), again());
}

void Planner::plan_chain(const MethodSpec& method) {
  const MethodPoint grid{{}, Json::Object{}};
  std::vector<CellPoint> links;
  for (const LinkSpec& spec : method.chain) {
    CellPoint link;
    link.method = &method;
    link.grid = &grid;
    link.plugin = &plugin_of(spec.use, "method.chain", {"attack"});
    link.role = "attack";
    link.test = &*suite_.data.test;
    link.certificate = certificate(*link.plugin, link.role);
    ParamTable params = spec.params;
    if (params.place.line == 0) params.place = spec.use.place;
    link.params = expand(*link.plugin, params, "method");
    check_targets(method, link.params.all);
    links.push_back(std::move(link));
  }
  CellPoint last = std::move(links.back());
  links.pop_back();
  for (const ModelSpec& model : suite_.models) {
    if (!is_victim(model)) continue;
    for (const std::int64_t seed : suite_.seeds) {
      for (const BudgetPoint& budget : budget_points()) {
        for (const std::string& source : sources()) {
          const auto place = [&](CellPoint& point) {
            point.model = &model;
            point.seed = seed;
            point.budget = budget;
            point.source = source;
          };
          place(last);
          for (CellPoint& link : links) place(link);
          chain_cell(last, links);
        }
      }
    }
  }
}

}  // namespace assay::plan
