// --only KEY=VALUE: a part of a plan, and what is left to do of one.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "harness/plan/planner.hpp"

namespace assay {
namespace {

std::string text_of(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

// Every name and value by which a cell can be asked for.
std::multimap<std::string, std::string> handles(const Node& cell) {
  std::multimap<std::string, std::string> out = {{"method", cell.method},
                                                 {"method", cell.plugin_id},
                                                 {"subject", cell.subject},
                                                 {"model", cell.subject},
                                                 {"label", cell.label},
                                                 {"key", cell.key}};
  for (const auto& [axis, value] : cell.axes.as_object()) out.emplace(axis, text_of(value));
  return out;
}

using Wanted = std::map<std::string, std::set<std::string>>;

bool agrees(const Node& cell, const Wanted& wanted) {
  const auto have = handles(cell);
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& condition) {
    const auto [first, last] = have.equal_range(condition.first);
    return std::any_of(first, last, [&](const auto& pair) { return condition.second.count(pair.second) > 0; });
  });
}

void check_conditions(const Plan& plan, const Wanted& wanted) {
  std::map<std::string, std::set<std::string>> known;
  for (const Node& node : plan.nodes)
    if (node.kind == NodeKind::cell)
      for (const auto& [key, value] : handles(node)) known[key].insert(value);
  std::vector<std::string> keys;
  keys.reserve(known.size());
  for (const auto& [key, values] : known) keys.push_back(key);
  for (const auto& [key, values] : wanted) {
    if (!known.count(key))
      throw Error(Fault::bad_input, fmt::format("--only {}: unknown key{}", key, suggestion(key, keys)));
    const std::vector<std::string> choices(known[key].begin(), known[key].end());
    for (const std::string& value : values)
      if (!known[key].count(value))
        throw Error(Fault::bad_input, fmt::format("--only {}={}: no cell of suite '{}' has it{}", key, value, plan.suite,
                                                  suggestion(value, choices)));
  }
}

}  // namespace

Plan filter(const Plan& plan, const std::vector<std::pair<std::string, std::string>>& conditions) {
  if (conditions.empty()) return plan;
  Wanted wanted;
  for (const auto& [key, value] : conditions) wanted[key].insert(value);
  check_conditions(plan, wanted);

  // Backwards through the topological order: a node stays when it is a wanted cell or a kept node needs it.
  std::set<std::string> kept;
  for (auto node = plan.nodes.rbegin(); node != plan.nodes.rend(); ++node) {
    const bool cell = node->kind == NodeKind::cell;
    if (cell ? agrees(*node, wanted) : kept.count(node->key) > 0) {
      kept.insert(node->key);
      kept.insert(node->needs.begin(), node->needs.end());
    }
  }
  Plan out = plan;
  out.nodes.clear();
  for (const Node& node : plan.nodes)
    if (kept.count(node.key)) out.nodes.push_back(node);
  const bool empty = std::none_of(out.nodes.begin(), out.nodes.end(), [](const Node& n) { return n.kind == NodeKind::cell; });
  if (empty) throw Error(Fault::bad_input, fmt::format("--only: no cell of suite '{}' agrees with every condition", plan.suite));
  return out;
}

double estimated_seconds(const Plan& plan, const std::vector<std::string>& done) {
  const std::set<std::string> finished(done.begin(), done.end());
  double seconds = 0;
  for (const Node& node : plan.nodes)
    if (!finished.count(node.key)) seconds += node.cost_seconds;
  return seconds;
}

}  // namespace assay
