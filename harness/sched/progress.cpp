#include "harness/sched/progress.hpp"

#include <algorithm>

namespace assay::sched {

std::string CostModel::family(const Node& node) {
  return std::string(node_kind_name(node.kind)) + "/" + node.method + "/" + node.plugin_id + "/" + node.subject;
}

void CostModel::learn(const Node& node, double wall_seconds) {
  for (Mean* mean : {&measured_[family(node)], &kinds_[node.kind]}) {
    mean->sum += wall_seconds;
    ++mean->n;
  }
  if (node.cost_seconds <= 0) return;
  planned_ += node.cost_seconds;
  took_ += wall_seconds;
}

double CostModel::estimate(const Node& node) const {
  if (const auto found = measured_.find(family(node)); found != measured_.end())
    return found->second.sum / found->second.n;
  if (node.cost_seconds > 0) return planned_ > 0 ? node.cost_seconds * took_ / planned_ : node.cost_seconds;
  const auto kind = kinds_.find(node.kind);
  return kind == kinds_.end() ? -1 : kind->second.sum / kind->second.n;
}

double seconds_left(const CostModel& costs, const std::vector<Work>& left, int jobs) {
  double total = 0, longest = 0;
  for (const Work& work : left) {
    const double whole = costs.estimate(*work.node);
    if (whole < 0) return -1;
    const double rest = std::max(0.0, whole - work.done);
    total += rest;
    longest = std::max(longest, rest);
  }
  return std::max(longest, total / std::max(1, jobs));
}

}  // namespace assay::sched
