#include "harness/sched/stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/sched/backtrace.hpp"
#include "harness/sched/facts.hpp"

namespace assay::sched {
namespace {

constexpr std::streamoff log_tail_bytes = 64 * 1024;
constexpr double follow_seconds = 0.1;

std::string tail_of(const fs::path& log) {
  std::ifstream in(log, std::ios::binary | std::ios::ate);
  if (!in) return "";
  const std::streamoff size = in.tellg();
  in.seekg(std::max<std::streamoff>(0, size - log_tail_bytes));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  const char* text = ::sigdescr_np(number);
  return fmt::format("SIG{} ({})", name == nullptr ? std::to_string(number) : name, text == nullptr ? "unknown" : text);
}

// The job as far as it decides what the stage does.
std::string essence(Json job) {
  job["attempt"] = 0;
  return job.dump();
}

bool same_job(const fs::path& file, const Job& job) {
  try {
    return fs::exists(file) && essence(Json::parse(read_text(file), file.string())) == essence(job.to_json());
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::map<std::string, std::string> announced_artifacts(const fs::path& shard) {
  std::map<std::string, std::string> announced;
  for (const Json& event : ShardFollower(shard).poll()) {
    if (event.get("type", "") != "artifact") continue;
    const std::string path = event.get("path", event.get("name", ""));
    const auto out = path.rfind("out/", 0) == 0 ? path.substr(4) : path;
    announced[out] = event.get("sha256", "");
  }
  return announced;
}

StageRun::StageRun(Job job, const StageLimits& limits, const Machine& machine)
    : job_(std::move(job)), limits_(limits), follower_(fs::path(job_.scratch) / "shard") {
  const fs::path scratch = job_.scratch;
  if (!same_job(file("job.json"), job_)) {
    fs::remove_all(scratch);
    fs::remove(exit_file());
  } else if (recall()) {
    return;
  }
  fs::create_directories(scratch / "out");
  fs::create_directories(scratch / "tmp");
  write_scratch(file("job.json"), job_.to_json().dump(2));
  if (fs::exists(file("shard"))) recover_shard(file("shard"));
  follower_.poll();  // what earlier processes said is not ours
  start(machine);
}

// What an earlier supervisor knew. A stage that wrote its end but was not seen to exit (the supervisor died in between)
// is whole all the same: the end comes after everything else.
bool StageRun::recall() {
  try {
    if (fs::exists(exit_file())) {
      StageResult result = stage_result_from_json(Json::parse(read_text(exit_file()), "exit.json"));
      // Nobody recorded a failure that is still here: its supervisor had no disk left, or was killed. It runs again.
      if (result.status == "failed" || result.status == "crashed") {
        fs::remove(exit_file());
        return false;
      }
      result_ = std::move(result);
      result_->shard = file("shard").string();
      return true;
    }
    double wall = 0, cpu = 0;
    Json last;
    recover_shard(file("shard"));
    for (Json& event : ShardFollower(file("shard")).poll()) {
      wall = std::max(wall, event.get("type", "") == "phase" ? event.get("wall", 0.0) : 0.0);
      cpu = std::max(cpu, event.get("type", "") == "phase" ? event.get("cpu", 0.0) : 0.0);
      last = std::move(event);
    }
    if (last.get("type", "") != "end" || last.get("status", "") != "ok") return false;
    result_ = StageResult{job_.stage, "ok", "", 0, 0, wall, cpu, 0, file("shard").string(), tail_of(file("log"))};
    return true;
  } catch (const Error&) {
    return false;  // nothing usable: run it
  }
}

void StageRun::start(const Machine& machine) {
  if (machine.judges != nullptr) process_ = machine.judges->start(job_, limits_);
  if (process_) return;
  SpawnOptions options;
  options.argv = {machine.worker.string(), file("job.json").string()};
  options.env = worker_environment(job_.numerics, job_.scratch);
  options.cwd = job_.scratch;
  options.stdout_file = options.stderr_file = file("log");
  process_ = std::make_unique<WorkerProcess>(std::move(options), view_of(job_, machine.worker), limits_, machine.confinement);
}

void StageRun::stop(const std::optional<Breach>& breach) {
  if (!breach || breach_) return;
  breach_ = breach;
  process_->kill();
}

void StageRun::kill() {
  if (process_ && !result_) process_->kill_and_wait();
}

void StageRun::follow() {
  try {
    for (const Json& event : follower_.poll()) {
      const std::string type = event.get("type", "");
      if (type == "progress") {
        fraction_ = event.get("fraction", 0.0);
        what_ = event.get("what", "");
      }
      if (type == "end") end_ = event;
    }
  } catch (const Error& error) {
    shard_error_ = error.what();
  }
}

void StageRun::poll() {
  if (result_) return;
  if (const auto exit = process_->poll()) {
    follow();
    conclude(*exit);
    return;
  }
  const double now = now_seconds();
  if (now < next_follow_) return;
  next_follow_ = now + follow_seconds;
  follow();
}

void StageRun::watch(const std::vector<ProcessFacts>* all) {
  if (result_ || !process_) return;
  stop(process_->breach_so_far());
  if (all == nullptr) return;
  stop(process_->breach_in(*all));
  const TreeUse use = process_->use(*all);
  cpu_seconds_ = use.cpu_seconds;
  rss_bytes_ = use.rss_bytes;
}

StageResult StageRun::verdict(const Exit& exit) const {
  StageResult result;
  const auto is = [&](const char* status, std::string reason) {
    result.status = status;
    result.reason = std::move(reason);
    return result;
  };
  const auto breach = breach_ ? breach_ : process_->breach_at_end();
  if (breach) return is(breach->status.c_str(), breach->reason);
  const std::string when = end_.is_null() ? "before finishing" : "after finishing";
  const std::string said = end_.get("status", "");
  if (exit.signal == SIGXFSZ) return is("failed", "wrote a file longer than the limit");
  if (exit.signal != 0) return is("crashed", fmt::format("killed by {} {}", signal_name(exit.signal), when));
  if (!shard_error_.empty()) return is("crashed", "its shard is damaged: " + shard_error_);
  if (end_.is_null()) return is("crashed", fmt::format("exited with code {} before finishing", exit.code));
  if (said == "ok" && exit.code != 0) return is("crashed", fmt::format("exited with code {} after finishing", exit.code));
  if (said == "ok" || said == "rejected" || said == "oom") return is(said.c_str(), end_.get("reason", ""));
  return is("failed", end_.get("reason", ""));
}

void StageRun::conclude(const Exit& exit) {
  StageResult result = verdict(exit);
  result.stage = job_.stage;
  result.exit_code = exit.code;
  result.signal = exit.signal;
  result.wall_seconds = exit.wall_seconds;
  result.cpu_seconds = exit.cpu_seconds;
  result.peak_rss_bytes = exit.peak_rss_bytes;
  result.log_tail = tail_of(file("log"));
  if (result.status == "crashed") result.log_tail = with_names(result.log_tail);
  write_scratch(exit_file(), to_json(result).dump());
  result.shard = file("shard").string();
  result_ = std::move(result);
}

}  // namespace assay::sched
