// One stage of one node as one worker process: its folder, environment, limits, and the verdict on how it ended.
// Private to harness/sched.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "harness/base/subprocess.hpp"
#include "harness/record/job.hpp"
#include "harness/record/plan.hpp"
#include "harness/record/shard.hpp"

namespace assay::sched {

struct StageLimits {
  double seconds = 0;          // wall
  std::int64_t memory_mb = 0;  // resident, of the whole process group
  std::uint64_t file_bytes = 0;
};

class StageRun {
 public:
  // Makes job.scratch ready: kept when an earlier supervisor left it with the same job (but for the attempt), emptied
  // otherwise. When that supervisor saw the stage end, or the shard says it ended ok, result() is there at once and
  // no process is started. Throws Error(io).
  StageRun(Job job, const StageLimits& limits, const std::filesystem::path& worker);

  // Looks after the process: how it ended, whether it is over its time. Sets result() when it is over.
  void poll();
  // Compares memory with the limit: `all` looks at the whole group, else at the worker alone (cheap).
  void watch(bool all);
  void kill();  // at once, without a result

  const std::optional<StageResult>& result() const { return result_; }
  const std::string& stage() const { return job_.stage; }
  double fraction() const { return fraction_; }
  const std::string& what() const { return what_; }

 private:
  void start(const std::filesystem::path& worker);
  void stop(std::string status, std::string reason);
  void follow();
  void conclude(const Exit& exit);
  StageResult verdict(const Exit& exit) const;
  bool recall();
  std::filesystem::path file(const char* name) const { return std::filesystem::path(job_.scratch) / name; }

  Job job_;
  StageLimits limits_;
  std::optional<Child> child_;
  std::optional<StageResult> result_;
  ShardFollower follower_;
  double started_ = 0, next_follow_ = 0, fraction_ = 0;
  std::string what_, kill_status_, kill_reason_, shard_error_;
  Json end_;  // the end event of this process, null before
};

double now_seconds();  // monotonic

// name -> sha256 of the "artifact" events of a shard.
std::map<std::string, std::string> announced_artifacts(const std::filesystem::path& shard);

}  // namespace assay::sched
