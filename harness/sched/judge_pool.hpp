// Judges that serve one cell after the other, so that a cell pays neither for a process nor for linking the engine. A judge
// loads no plugin; it is replaced after a thousand cells, when it has grown, and when it died, which costs the cell it
// was judging and no other. Private to harness/sched.
//
// In the sandbox a judge sees the work folder (writable) and the artifact cache, where a process of its own would see the
// files of its job only: it can therefore serve cells that are not known when it starts. A job that reads anything else
// gets a process of its own.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/record/job.hpp"
#include "harness/sched/confinement.hpp"
#include "harness/sched/worker_process.hpp"

namespace assay::sched {

struct JudgeFolders {
  std::filesystem::path work, cache;  // made absolute by the pool
};

class JudgePool {
 public:
  // `confinement` outlives the pool.
  JudgePool(const std::filesystem::path& worker, const Confinement& confinement, JudgeFolders folders);
  ~JudgePool();
  JudgePool(const JudgePool&) = delete;
  JudgePool& operator=(const JudgePool&) = delete;

  // Hands the job (written to job.json in its scratch folder) to a judge that has nothing to do, or starts one. Null when
  // the job needs a process of its own. What it gives must not outlive the pool. Throws Error(io) when no judge can be started.
  std::unique_ptr<StageProcess> start(const Job& job, const StageLimits& limits);

 private:
  struct Judge;
  class Judgement;
  bool serves(const Job& job) const;
  std::unique_ptr<Judge> idle_judge(const std::string& kind);
  std::unique_ptr<Judge> new_judge(const Job& job, const StageLimits& limits) const;
  void take_back(std::unique_ptr<Judge> judge, std::uint64_t rss_bytes);

  std::filesystem::path worker_;
  const Confinement& confinement_;
  JudgeFolders folders_;
  std::vector<std::unique_ptr<Judge>> idle_;
};

}  // namespace assay::sched
