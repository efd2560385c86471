// What nodes cost, learned while they run, and the time left. Private to harness/sched. Pure but for its own state.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/record/plan.hpp"

namespace assay::sched {

class CostModel {
 public:
  void learn(const Node& node, double wall_seconds);
  // Seconds that a node will take: the mean of what was measured for its kind and method, else the plan's estimate
  // scaled by how right the plan has been so far, else the mean of its kind; < 0 when nothing is known.
  double estimate(const Node& node) const;

 private:
  struct Mean {
    double sum = 0;
    int n = 0;
  };
  static std::string family(const Node& node);
  std::map<std::string, Mean> measured_;
  std::map<NodeKind, Mean> kinds_;
  double planned_ = 0, took_ = 0;  // of the nodes that had an estimate
};

struct Work {
  const Node* node;
  double done = 0;  // seconds it has run already
};
// Seconds until `left` is done by `jobs` workers: total work shared evenly, at least the longest piece. < 0: unknown.
double seconds_left(const CostModel& costs, const std::vector<Work>& left, int jobs);

}  // namespace assay::sched
