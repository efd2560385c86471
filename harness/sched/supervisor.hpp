// The supervisor's state machine. Private to harness/sched.
//
// A task is one node. It moves: idle -> pending (somebody needs it) -> running (a flight) -> ready | failed; an artifact
// that is found damaged goes back to pending. Nodes start in plan order as soon as what they need is ready.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/files.hpp"
#include "harness/sched/cache.hpp"
#include "harness/sched/progress.hpp"
#include "harness/sched/executor.hpp"
#include "harness/sched/sched.hpp"

namespace assay::sched {

// A node that an executor runs. The locks keep other supervisors off its artifact and its scratch folder.
struct Flight {
  FileLock artifact_lock, scratch_lock;
  Finished record;
  std::unique_ptr<Run> run;
  double started = 0;
  bool shared = false;  // another node of this run was in flight at the same time
};

struct Task {
  enum class State { idle, pending, running, ready, failed };
  const Node* node = nullptr;
  std::vector<std::size_t> needs;
  State state = State::idle;
  bool wanted_as_artifact = false;  // of a cell: another node reads its published files
  bool made = false;                // ran in this run
  int damaged = 0;                  // how often its artifact was found damaged
  std::string failure;              // what dependants say of it
  std::optional<Manifest> artifact;
  std::unique_ptr<Flight> flight;
};

// Indices of what each node needs, checked: keys are unique and fit to name a folder, every need stands before its
// user, stage names are unique within a node. Throws Error(bad_input).
std::vector<std::vector<std::size_t>> checked_needs(const Plan& plan);

// Removes a node's scratch folder; its lock must be held.
void remove_scratch(const fs::path& folder);

class Supervisor {
 public:
  Supervisor(const Plan& plan, const SchedOptions& options, const Callbacks& callbacks, Executor& executor);
  Summary run();

 private:
  using State = Task::State;

  // Demand: what must be done (supervisor.cpp)
  void demand_cells();
  void want(std::size_t index);
  void reuse(Task& task, const Manifest& manifest);
  void recall_sources(const Task& task);
  void sweep(const Node& node);
  bool done_already(const Node& node) const { return callbacks_.already_done && callbacks_.already_done(node); }

  // The loop (supervisor.cpp)
  int stop_level() const;
  void start_ready();
  bool needs_ready(Task& task);
  bool poll_flights();  // true when a node ended
  void watch_flights(bool whole);  // whole: every process that nodes started, and their disk
  void kill_flights();
  Summary summary() const;

  // One node's way (flight.cpp)
  void start(Task& task);  // stays pending when another supervisor has it or an artifact must be made again
  bool inputs_whole(Task& task);
  void mend(Task& damaged, const std::string& what);
  std::vector<std::pair<std::string, std::string>> input_digests(const Task& task) const;
  void mark_shared();
  Ticket ticket_for(const Task& task) const;
  Step step_for(const Task& task, const Stage& stage) const;
  JobInput resolve(const Stage& stage, const InputRef& ref) const;
  void finish(Task& task, const Ended& ended);
  void settle();  // what on_finished was told of is safe: scratch of the nodes that ended goes
  void publish(Task& task);
  void fail_without_run(Task& task, const std::string& reason);
  bool keeps_artifact(const Task& task, const std::map<std::string, std::string>& announced) const;
  fs::path scratch(const Node& node) const { return options_.work / node.key; }

  void report_progress(bool now);
  Progress progress() const;

  const Plan& plan_;
  SchedOptions options_;
  const Callbacks& callbacks_;
  Executor& executor_;
  Cache cache_;
  CostModel costs_;
  std::vector<Task> tasks_;
  std::map<std::string, std::size_t> index_;
  double begun_ = 0, last_progress_ = 0;
  std::int64_t artifacts_reused_ = 0;
  std::vector<Task*> ended_;  // told of since the last settle(); their flights hold their locks
  bool settled_ = false;  // some node became ready, failed or pending without a process
};

}  // namespace assay::sched
