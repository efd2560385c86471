// What runs a stage, and its usual form: one worker process and all that it starts, grandchildren that leave its session included: held by limits, watched,
// killed as a whole. Private to harness/sched.
//
// Who enforces what: memory and number of processes are the kernel's where control groups may be made, else the
// watchdog's (the sum over the tree); time and disk are always the watchdog's. The end of the worker is the end of
// everything that it started: by the PID namespace in a sandbox, by its control groups, and by descent (the worker,
// then this process, is the one to which orphans fall).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/processes.hpp"
#include "harness/base/subprocess.hpp"
#include "harness/sched/confinement.hpp"

namespace assay::sched {

struct StageLimits {
  double seconds = 0;            // wall
  double cpu_seconds = 0;        // of the whole tree
  std::int64_t memory_mb = 0;    // of the whole tree
  std::int64_t disk_mb = 0;      // below its scratch folder; negative: not looked at
  std::int64_t threads = 0;      // of the whole tree: a process is at least one
  std::uint64_t file_bytes = 0;  // the longest file
};

// Why a worker is stopped: the status and the reason of its row. The words depend on the limit only, never on who
// noticed or when.
struct Breach {
  std::string status, reason;
};

// What runs one stage: a process of its own (WorkerProcess), or a judge that serves many (JudgePool). One thread.
class StageProcess {
 public:
  StageProcess() = default;
  virtual ~StageProcess() = default;
  StageProcess(const StageProcess&) = delete;
  StageProcess& operator=(const StageProcess&) = delete;

  virtual std::optional<Exit> poll() = 0;  // when it gives an Exit, nothing that the stage started is left
  virtual void kill() = 0;                 // all of it; poll() tells when it is gone
  virtual void kill_and_wait() = 0;

  virtual std::optional<Breach> breach_so_far() = 0;  // wall time, and memory of the worker alone: cheap
  virtual std::optional<Breach> breach_in(const std::vector<ProcessFacts>& all) = 0;  // the tree, and disk
  virtual std::optional<Breach> breach_at_end() const = 0;  // what can be known when nothing runs any more
  virtual TreeUse use(const std::vector<ProcessFacts>& all) const = 0;  // of all that runs for the stage
};

class WorkerProcess final : public StageProcess {
 public:
  // `options` as without a sandbox; argv, groups and passed descriptors are added to. Throws Error(io) when it cannot
  // be started.
  WorkerProcess(SpawnOptions options, const View& view, const StageLimits& limits, const Confinement& confinement);
  ~WorkerProcess() override;

  std::optional<Exit> poll() override;
  void kill() override;
  void kill_and_wait() override;

  std::optional<Breach> breach_so_far() override;
  std::optional<Breach> breach_in(const std::vector<ProcessFacts>& all) override;
  std::optional<Breach> breach_at_end() const override;

  TreeUse use(const std::vector<ProcessFacts>& all) const override { return tree_use(all, child_->pid()); }

 private:
  void learn_init();
  void reap_init(Exit& exit);
  pid_t worker() const;
  Breach out_of_memory() const;
  Breach out_of_processes() const;

  StageLimits limits_;
  std::filesystem::path scratch_;
  bool sandboxed_ = false;
  std::unique_ptr<CellGroup> group_;
  std::optional<Child> child_;
  std::optional<Exit> exit_;
  int info_fd_ = -1;  // where bubblewrap tells its first process
  std::string info_;
  pid_t init_ = 0;  // the first process of the PID namespace, 0 when unknown
  double started_ = 0;
  double cpu_seen_ = 0;  // of the tree; all that is known of processes which the kernel reaps when a namespace is killed
};

std::optional<Breach> disk_breach(const std::filesystem::path& scratch, const StageLimits& limits);
Breach wall_breach(const StageLimits& limits);
Breach cpu_breach(const StageLimits& limits);

// The whole environment of a worker: nothing of the user's reaches it.
std::map<std::string, std::string> worker_environment(const Numerics& numerics, const std::filesystem::path& home);

double now_seconds();  // monotonic

}  // namespace assay::sched
