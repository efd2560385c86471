// One stage of one node: its folder, environment, limits, and the verdict on how it ended.
// Private to harness/sched.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "harness/record/job.hpp"
#include "harness/record/plan.hpp"
#include "harness/record/shard.hpp"
#include "harness/sched/judge_pool.hpp"
#include "harness/sched/worker_process.hpp"

namespace assay::sched {

// Where stages run here. What it refers to outlives them.
struct Machine {
  std::filesystem::path worker;
  const Confinement& confinement;
  JudgePool* judges = nullptr;  // null: every judge is a process of its own
};

class StageRun {
 public:
  // Makes job.scratch ready: kept when an earlier supervisor left it with the same job (but for the attempt), emptied
  // otherwise. When that supervisor saw the stage end, or the shard says it ended ok, result() is there at once and
  // no process is started. Throws Error(io).
  StageRun(Job job, const StageLimits& limits, const Machine& machine);

  // Looks after the process: what it says, how it ended. Sets result() when it is over.
  void poll();
  // Stops it when it is over a limit. `all` (may be null) is what runs on the machine: with it the whole tree and the
  // disk are looked at, else only what is cheap.
  void watch(const std::vector<ProcessFacts>* all);
  void kill();  // at once, without a result

  const std::optional<StageResult>& result() const { return result_; }
  const std::string& stage() const { return job_.stage; }
  double fraction() const { return fraction_; }
  const std::string& what() const { return what_; }
  double cpu_seconds() const { return cpu_seconds_; }       // when watch() last looked at all
  std::uint64_t rss_bytes() const { return rss_bytes_; }

 private:
  void start(const Machine& machine);
  void stop(const std::optional<Breach>& breach);
  void follow();
  void conclude(const Exit& exit);
  StageResult verdict(const Exit& exit) const;
  bool recall();
  std::filesystem::path file(const char* name) const { return std::filesystem::path(job_.scratch) / name; }

  // Beside the scratch folder, where no worker can write.
  std::filesystem::path exit_file() const { return job_.scratch + ".exit.json"; }

  Job job_;
  StageLimits limits_;
  std::unique_ptr<StageProcess> process_;
  std::optional<StageResult> result_;
  ShardFollower follower_;
  double next_follow_ = 0, fraction_ = 0, cpu_seconds_ = 0;
  std::uint64_t rss_bytes_ = 0;
  std::string what_, shard_error_;
  std::optional<Breach> breach_;
  Json end_;  // the end event of this process, null before
};

// name -> sha256 of the "artifact" events of a shard.
std::map<std::string, std::string> announced_artifacts(const std::filesystem::path& shard);

}  // namespace assay::sched
