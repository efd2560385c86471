// Between plan and supervisor: what is done already, what it will cost, and the run itself bound to the store.
// Threading: main thread.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/cli/workspace.hpp"
#include "harness/record/plan.hpp"
#include "harness/sched/sched.hpp"
#include "results/store/store.hpp"

namespace assay::cli {

std::filesystem::path artifact_folder();  // <assay_home>/cache: published artifacts by kind and key
std::filesystem::path work_folder();      // <assay_home>/work

// Is the cell's outcome known? A conclusion of the judge always stands; a failure stands unless it is to be retried.
bool stands(const store::Store& db, const Plan& plan, const Node& node, bool retry_failed);

struct PlanState {
  std::map<std::string, std::string> states;  // key -> "to do" | "cached" | "done"
  std::string of(const Node& node) const;     // the above, or "unused": nothing to be done needs it
  std::vector<std::string> finished_keys() const;
};
// Against the database `db_option` (as --db; none there: nothing is done) and the artifact cache.
PlanState plan_state(const Plan& plan, const std::string& db_option, bool retry_failed = false);

// Cores this process may use, divided by the threads of a cell.
int default_jobs(const Plan& plan);
// Two lines: cells and artifacts by state, and the estimate.
std::string plan_summary(const Plan& plan, const PlanState& state, int jobs);

struct Failure {
  std::string label, status, reason, key;
};

struct RunOptions {
  int jobs = 1;
  bool retry_failed = false;
  std::filesystem::path database;
  const std::atomic<int>* stop = nullptr;
  sched::SandboxMode sandbox = sched::SandboxMode::automatic;
  std::optional<sched::SlurmProfile> slurm;  // instead of processes of this machine
  double repeat_share = 0;                   // of the cells: these run twice (repeating.hpp)
};

struct RunReport {
  sched::Summary summary;
  std::vector<Failure> failures;  // of this run and, for cells that were not run again, of earlier ones
  std::vector<Failure> refused;   // outcomes that the store would not take, with its reason
  bool starved = false;           // a node failed for want of disk space, which is not recorded
  std::string out_of_space;       // why the run stopped in order, with the folder and the bytes; "": there was space
  std::int64_t repeated = 0;      // cells that ran twice and gave the same bytes (rule 7)
  std::vector<Failure> unequal;   // those that did not; they are SUSPECT now
  std::vector<Failure> unrepeated;  // those whose second run came to nothing
};

// Runs `plan` (perhaps narrowed), recording it as part of `whole`. Shows progress on stderr.
RunReport run_plan(const Plan& plan, const Plan& whole, const PlanContext& context, const RunOptions& options);

}  // namespace assay::cli
