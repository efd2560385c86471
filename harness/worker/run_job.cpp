#include "harness/worker/run_job.hpp"

#include <exception>

#include "harness/base/error.hpp"
#include "harness/base/log.hpp"
#include "harness/record/job.hpp"
#include "harness/record/shard.hpp"
#include "harness/tasks/stage.hpp"
#include "harness/validate/validate.hpp"

namespace assay::worker {

namespace fs = std::filesystem;

namespace {

bool ended_ok(const std::vector<Event>& events) {
  return !events.empty() && events.back().type() == "end" && events.back().json.get("status", "") == "ok";
}

// What earlier attempts of the same stage left. Events after a failed end are kept: a batch that was judged whole
// stays valid, whatever happened to the process later.
std::vector<Event> earlier_events(const fs::path& shard, const std::string& key) {
  if (!fs::exists(shard)) return {};
  recover_shard(shard);
  std::vector<Event> events = read_shard(shard).events;
  for (const Event& event : events) {
    if (event.type() == "begin" && event.json.get("key", "") != key) {
      throw Error(Fault::bad_input, shard.string() + ": belongs to another job");
    }
  }
  return events;
}

void end(ShardWriter& shard, const std::string& status, const std::string& reason) {
  shard.append(Json::object({{"type", "end"}, {"status", status}, {"reason", reason}}));
  shard.sync();
}

int run_stage(const Job& job, ShardWriter& shard, std::vector<Event> earlier, FileDigests& digests) {
  try {
    tasks::StageContext context(job, shard, std::move(earlier), digests);
    if (job.stage == "certify") {
      validate::certify(context);
    } else {
      tasks::find_stage(job.stage, job.spec.get("task", ""))(context);
    }
    end(shard, "ok", "");
    return 0;
  } catch (const Error& error) {
    const char* status = error.fault() == Fault::constraint ? "rejected" : "failed";
    log::error("{}: {}", status, error.what());
    end(shard, status, error.what());
  } catch (const std::exception& error) {
    log::error("failed: {}", error.what());
    end(shard, "failed", error.what());
  }
  return 1;
}

}  // namespace

int run_job(const fs::path& job_file, FileDigests& digests) {
  const Job job = Job::load(job_file);
  const fs::path shard_file = fs::path(job.scratch) / "shard";
  std::vector<Event> earlier = earlier_events(shard_file, job.key);
  if (ended_ok(earlier)) return 0;
  fs::current_path(job.scratch);
  ShardWriter shard(shard_file);
  shard.append(Json::object({{"type", "begin"},
                             {"key", job.key},
                             {"stage", job.stage},
                             {"attempt", job.attempt},
                             {"numerics", job.numerics.to_json()}}));
  return run_stage(job, shard, std::move(earlier), digests);
}

}  // namespace assay::worker
