// A stage of a cell, seen from inside the worker process: its job, its journal, its verified inputs and its out/ folder.
// One thread. A stage function returns when its outputs are complete; it throws Error(constraint) to have the cell
// rejected with a reason, any other Error to have it failed.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "harness/base/file_digests.hpp"
#include "harness/base/json.hpp"
#include "harness/record/job.hpp"
#include "harness/record/shard.hpp"

namespace assay::tasks {

class StageContext {
 public:
  // Verifies the digest of every input; throws Error(io) naming the file that is missing or differs.
  StageContext(Job job, ShardWriter& shard, std::vector<Event> earlier, FileDigests& digests);

  const Job& job() const { return job_; }
  const Json& spec() const { return job_.spec; }
  ShardWriter& shard() { return shard_; }
  // Events that earlier attempts of this stage left: a stage that resumes continues after its last batch.
  const std::vector<Event>& earlier() const { return earlier_; }

  bool has_input(const std::string& name) const { return job_.inputs.count(name) > 0; }
  std::filesystem::path input(const std::string& name) const;        // throws Error(bad_input) with the names there are
  std::vector<std::string> inputs_with(const std::string& prefix) const;  // names, sorted
  std::filesystem::path scratch() const { return job_.scratch; }
  std::filesystem::path out() const { return std::filesystem::path(job_.scratch) / "out"; }

  // Announces a file of out/ with its digest.
  void announce(const std::string& file);
  void progress(double fraction, const std::string& what);
  void score(const std::string& quantity, const std::string& condition, double value, std::int64_t n,
             Json extra = Json::object({}));
  void host_score(const std::string& quantity, const std::string& condition, double value, std::int64_t n,
                  Json extra = Json::object({}));
  void column(const std::string& quantity, const std::string& condition, std::vector<std::int64_t> ids,
              std::vector<double> values, const std::string& configuration = "");
  void suspect(int rule, const std::string& reason);
  void invalid(int rule, const std::string& reason);

 private:
  void verdict(const std::string& level, int rule, const std::string& reason);
  void put_score(const std::string& quantity, const std::string& condition, double value, std::int64_t n, Json extra);
  Job job_;
  ShardWriter& shard_;
  std::vector<Event> earlier_;
  double last_progress_ = -1;
};

using StageFn = std::function<void(StageContext&)>;
// The function for a stage ("run", "judge" and "time" look at spec.task too); throws Error(bad_input) with the known names.
StageFn find_stage(const std::string& stage, const std::string& task);

}  // namespace assay::tasks
