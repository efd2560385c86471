#include "harness/sched/slurm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/log.hpp"
#include "harness/base/subprocess.hpp"
#include "harness/sched/slurm_run.hpp"

namespace assay::sched {
namespace {

constexpr double gather_seconds = 0.3;     // what becomes ready together travels together
constexpr double look_seconds = 0.3;       // between two looks for results
constexpr double refused_polls = 2;        // looks at the queue to wait for after a limit of the site
constexpr int absent_looks = 2;            // a shared folder may show a result later than Slurm shows the end
constexpr std::int64_t overhead_mb = 256;  // of the program that watches the stages

bool is_over(const std::string& state) {
  for (const char* alive : {"PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",
                            "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED", "SPECIAL_EXIT", "RESV_DEL_HOLD"})
    if (state == alive) return false;
  return true;
}

std::string script_of(const SlurmProfile& profile, const fs::path& program, const fs::path& folder) {
  std::string text = "#!/bin/bash\n";
  for (const std::string& line : profile.setup) text += line + "\n";
  for (const std::string& module : profile.modules) text += "module load " + shell_quoted(module) + "\n";
  text += "ticket=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" " + shell_quoted((folder / "tickets").string()) + ")\n";
  return text + "exec " + shell_quoted(program.string()) + " node \"$ticket\"\n";
}

// Tasks of one array ask for the same.
auto resources(const SlurmRun& run) {
  const Ticket& t = run.ticket();
  return std::tuple(t.numerics.threads, t.limits.memory_mb, t.limits.seconds * static_cast<double>(t.steps.size()));
}

}  // namespace

SlurmExecutor::SlurmExecutor(SlurmProfile profile, fs::path work, fs::path program)
    : profile_(std::move(profile)), work_(std::move(work)), program_(std::move(program)) {
  if (profile_.max_array == 0) profile_.max_array = site_max_array();
  wave_limit_ = largest_wave();
}

std::size_t SlurmExecutor::largest_wave() const { return static_cast<std::size_t>(std::min(profile_.max_array, profile_.max_tasks)); }

SlurmExecutor::~SlurmExecutor() {
  try {
    if (!to_cancel_.empty()) cancel(to_cancel_);
  } catch (const Error& error) {
    log::warn("tasks were not cancelled: {}", error.what());
  }
}

std::unique_ptr<Run> SlurmExecutor::start(Ticket ticket) {
  auto run = std::make_unique<SlurmRun>(*this, std::move(ticket));
  runs_.insert(run.get());
  if (run->task().empty() && !run->ended()) {
    if (waiting_.empty()) submit_from_ = std::max(submit_from_, now_seconds() + gather_seconds);
    waiting_.push_back(run.get());
  }
  return run;
}

void SlurmExecutor::forget(SlurmRun* run) {
  runs_.erase(run);
  waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), run), waiting_.end());
}

int SlurmExecutor::parallel() const {
  const auto running = std::count_if(runs_.begin(), runs_.end(), [](const SlurmRun* run) { return run->state == "RUNNING"; });
  return std::max(1, static_cast<int>(running));
}

void SlurmExecutor::tick() {
  const double now = now_seconds();
  if (!waiting_.empty() && now >= submit_from_) submit_waiting();
  if (now >= next_look_) {
    look_for_results();
    next_look_ = now + look_seconds;
  }
  if (now >= next_queue_ && !runs_.empty()) {
    look_at_queue();
    next_queue_ = now_seconds() + profile_.poll_seconds;
  }
}

void SlurmExecutor::submit_waiting() {
  std::map<decltype(resources(*waiting_.front())), std::vector<SlurmRun*>> groups;
  for (SlurmRun* run : waiting_) groups[resources(*run)].push_back(run);
  for (const auto& [key, group] : groups) {
    for (std::size_t from = 0; from < group.size(); from += wave_limit_) {
      const auto begin = group.begin() + static_cast<std::ptrdiff_t>(from);
      submit_wave({begin, begin + static_cast<std::ptrdiff_t>(std::min(wave_limit_, group.size() - from))});
      if (now_seconds() < submit_from_) return;  // refused: later, with less
    }
  }
}

fs::path SlurmExecutor::new_wave_folder() {
  fs::create_directories(work_ / "waves");
  for (int n = 1;; ++n) {
    fs::path folder = work_ / "waves" / std::to_string(n);
    if (fs::create_directory(folder)) return folder;  // another supervisor may count at the same time
  }
}

void SlurmExecutor::submit_wave(const std::vector<SlurmRun*>& wave) {
  const fs::path folder = new_wave_folder();
  std::string tickets;
  for (const SlurmRun* run : wave) tickets += (run->ticket().scratch / "ticket.json").string() + "\n";
  write_atomic(folder / "tickets", tickets);
  write_atomic(folder / "run.sh", script_of(profile_, program_, folder));
  const auto [threads, memory_mb, seconds] = resources(*wave.front());
  ArraySpec spec;
  spec.script = folder / "run.sh";
  spec.log_folder = folder;
  spec.name = "assay-" + folder.filename().string();
  spec.tasks = static_cast<int>(wave.size());
  spec.cpus = threads;
  spec.memory_mb = memory_mb + overhead_mb;
  spec.seconds = seconds + profile_.slack_seconds;
  const Submitted submitted = submit(spec, profile_);
  if (submitted.job.empty()) {
    fs::remove_all(folder);
    if (!submitted.later) throw Error(Fault::bad_input, "sbatch refused a job array: " + submitted.error);
    wave_limit_ = std::max<std::size_t>(1, wave.size() / 2);
    submit_from_ = now_seconds() + refused_polls * profile_.poll_seconds;
    log::info("sbatch: {}; trying again with at most {} tasks", submitted.error, wave_limit_);
    return;
  }
  wave_limit_ = std::min(wave_limit_ * 2, largest_wave());
  for (std::size_t i = 0; i < wave.size(); ++i) {
    wave[i]->submitted(submitted.job + "_" + std::to_string(i), wave[i]->submissions() + 1);
    waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), wave[i]), waiting_.end());
  }
}

void SlurmExecutor::look_for_results() {
  for (SlurmRun* run : runs_) run->take_result();
}

void SlurmExecutor::look_at_queue() {
  const auto entries = queue();
  if (!entries) {
    if (!std::exchange(told_silent_, true)) log::warn("Slurm's controller does not answer; tasks go on, and so does the waiting");
    return;
  }
  told_silent_ = false;
  for (SlurmRun* run : runs_)
    if (!run->ended() && !run->task().empty()) judge(*run, *entries);
}

void SlurmExecutor::judge(SlurmRun& run, const std::map<std::string, QueueEntry>& queue) {
  const auto found = queue.find(run.task());
  run.state = found == queue.end() ? "GONE" : found->second.state;
  run.node = found == queue.end() ? "" : found->second.node;
  if (!is_over(run.state)) {
    run.absent = 0;
    return;
  }
  if (++run.absent < absent_looks || run.take_result()) return;
  if (run.state == "TIMEOUT") return run.end("timeout", "Slurm ended it at its time limit");
  if (run.state == "OUT_OF_MEMORY") return run.end("oom", "Slurm ended it at its memory limit");
  if (run.state == "CANCELLED") return run.end("cancelled", "cancelled in Slurm (" + run.task() + ")");
  if (run.give_up_or_again(run.state)) waiting_.push_back(&run);
}

}  // namespace assay::sched
