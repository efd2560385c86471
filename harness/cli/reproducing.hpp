// One recorded cell again, in folders and a database of its own, so that nothing recorded changes. Threading: main thread.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "harness/cli/workspace.hpp"
#include "harness/sched/sched.hpp"
#include "results/board/reproduction.hpp"

namespace assay::cli {

// The cell as its suite plans it on this machine.
struct PlannedAgain {
  Plan plan;              // that cell and the nodes that it needs
  std::string key;        // its key here; another one than the recorded under another numerics class
  bool same_key = true;
  const Node& cell() const { return *plan.find(key); }
};

// Finds the cell in the suite `file` by its key; if this machine's numerics class is another, by its place in the plan that
// the recorded class gives. Throws Error(bad_input) that says what changed since (plugin, data, suite) when it is not there.
PlannedAgain plan_again(const store::CellRecord& cell, const std::filesystem::path& file, const PlanContext& context);

// The file of a suite that planned the cell: where it was then, else an installed suite of that name.
std::filesystem::path suite_of(const store::Store& db, const store::CellRecord& cell, const store::AttemptRecord& attempt);

struct AgainOptions {
  bool fresh = false;     // make every artifact again too, instead of taking what the cache has
  int jobs = 1;
  sched::SandboxMode sandbox = sched::SandboxMode::automatic;
  const std::atomic<int>* stop = nullptr;
};

struct Again {
  board::Reproduction reproduction;
  std::vector<std::pair<std::string, std::string>> remade;  // label, "same bytes" | "other bytes" | "not recorded"
  double seconds = 0;
  bool interrupted = false;  // then there is nothing else
};
// Runs it and compares with the recorded attempt. Throws Error(io).
Again run_again(const PlannedAgain& planned, const store::Store& db, const store::AttemptRecord& attempt,
                const PlanContext& context, const AgainOptions& options);

}  // namespace assay::cli
