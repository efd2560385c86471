#include "harness/sched/stage.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/sched/facts.hpp"

namespace assay::sched {
namespace {

constexpr std::streamoff log_tail_bytes = 64 * 1024;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
// Address space is not memory: libraries, thread stacks and maps take several gigabytes of it. The watchdog on
// resident memory is the limit; this one only stops an allocation that would outrun the watchdog.
constexpr std::uint64_t address_space_factor = 2, address_space_extra_mb = 4096;
constexpr double follow_seconds = 0.1;

// A sanitizer maps terabytes of shadow memory, so no limit on address space fits. A sanitized supervisor starts
// sanitized workers; the variable is for the mixed case.
bool limits_address_space() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return false;
#endif
#endif
  return std::getenv("ASSAY_NO_RLIMIT_AS") == nullptr;
}

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

// Nothing of the user's environment reaches a worker.
std::map<std::string, std::string> environment(const Job& job) {
  std::map<std::string, std::string> env = {{"PATH", "/usr/bin:/bin"},
                                            {"HOME", job.scratch},
                                            {"TMPDIR", job.scratch + "/tmp"},
                                            {"OMP_NUM_THREADS", std::to_string(job.numerics.threads)},
                                            {"LC_ALL", "C"}};
  // The effective instruction set: a no-op where it is the machine's own, a cap where the suite asked for less.
  std::string isa = job.numerics.isa;
  std::transform(isa.begin(), isa.end(), isa.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (!isa.empty()) env["DNNL_MAX_CPU_ISA"] = isa;
  return env;
}

}  // namespace

double now_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

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

StageRun::StageRun(Job job, const StageLimits& limits, const fs::path& worker)
    : job_(std::move(job)), limits_(limits), follower_(fs::path(job_.scratch) / "shard") {
  const fs::path scratch = job_.scratch;
  if (!same_job(file("job.json"), job_)) {
    fs::remove_all(scratch);
  } else if (recall()) {
    return;
  }
  fs::create_directories(scratch / "out");
  fs::create_directories(scratch / "tmp");
  write_atomic(file("job.json"), job_.to_json().dump(2));
  if (fs::exists(file("shard"))) recover_shard(file("shard"));
  follower_.poll();  // what earlier processes said is not ours
  start(worker);
}

// What an earlier supervisor knew. A stage that wrote its end but was not seen to exit (the supervisor died in between)
// is whole all the same: the end comes after everything else.
bool StageRun::recall() {
  try {
    if (fs::exists(file("exit.json"))) {
      result_ = stage_result_from_json(Json::parse(read_text(file("exit.json")), "exit.json"));
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

void StageRun::start(const fs::path& worker) {
  SpawnOptions options;
  options.argv = {worker.string(), file("job.json").string()};
  options.env = environment(job_);
  options.cwd = job_.scratch;
  options.stdout_file = options.stderr_file = file("log");
  options.file_bytes = limits_.file_bytes;
  if (limits_address_space())
    options.address_space =
        (static_cast<std::uint64_t>(limits_.memory_mb) * address_space_factor + address_space_extra_mb) * mebibyte;
  started_ = now_seconds();
  child_.emplace(Child::spawn(options));
}

void StageRun::stop(std::string status, std::string reason) {
  if (!kill_status_.empty()) return;
  kill_status_ = std::move(status);
  kill_reason_ = std::move(reason);
  child_->kill_group(SIGKILL);
}

void StageRun::kill() {
  if (!child_ || result_) return;
  child_->kill_group(SIGKILL);
  child_->wait(-1);
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
  if (const auto exit = child_->poll()) {
    follow();
    conclude(*exit);
    return;
  }
  const double now = now_seconds();
  if (now - started_ > limits_.seconds)
    stop("timeout", fmt::format("did not end within {:g} s", limits_.seconds));
  if (now < next_follow_) return;
  next_follow_ = now + follow_seconds;
  follow();
}

void StageRun::watch(bool all) {
  if (result_ || !child_) return;
  const std::uint64_t bytes = all ? child_->rss_bytes() : child_->own_rss_bytes();
  if (bytes <= static_cast<std::uint64_t>(limits_.memory_mb) * mebibyte) return;
  stop("oom", fmt::format("used {} MB of memory; the limit is {} MB", bytes / mebibyte, limits_.memory_mb));
}

StageResult StageRun::verdict(const Exit& exit) const {
  StageResult result;
  const auto is = [&](const char* status, std::string reason) {
    result.status = status;
    result.reason = std::move(reason);
    return result;
  };
  if (!kill_status_.empty()) return is(kill_status_.c_str(), kill_reason_);
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
  write_atomic(file("exit.json"), to_json(result).dump());
  result.shard = file("shard").string();
  result_ = std::move(result);
}

}  // namespace assay::sched
