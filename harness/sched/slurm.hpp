// Nodes as tasks of Slurm's job arrays, on machines that see the same folders and have no access to the database.
// Private to harness/sched.
//
// Files, beside those of sched.hpp:
//   <work>/<key>/ticket.json   what the task runs            <work>/<key>/task.json   where it was submitted, how often
//   <work>/<key>/ended.json    how it ended: written whole by the task (write, fsync, rename)
//   <work>/waves/<n>/          one submission: run.sh, tickets (one path a line), <task>.log
// Tasks are submitted in waves: what may start now, cut to the limits of the site. A supervisor that comes back finds its
// tasks by task.json and takes what ended meanwhile. A requeued or doubled task changes nothing: a lock lets one of them
// work, it goes on from the stages that are there, and ended.json is written once.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/sched/executor.hpp"
#include "harness/sched/slurm_commands.hpp"

namespace assay::sched {

class SlurmRun;

class SlurmExecutor final : public Executor {
 public:
  // `program` is this program, which tasks start as `program node TICKET`.
  SlurmExecutor(SlurmProfile profile, std::filesystem::path work, std::filesystem::path program);
  ~SlurmExecutor() override;
  std::size_t capacity() const override { return static_cast<std::size_t>(profile_.max_tasks); }
  std::unique_ptr<Run> start(Ticket ticket) override;
  void tick() override;
  bool shares_machine() const override { return !profile_.exclusive(); }
  bool outlives_us() const override { return true; }
  int parallel() const override;

 private:
  friend class SlurmRun;
  std::size_t largest_wave() const;  // what the site and the user allow
  void submit_waiting();
  void submit_wave(const std::vector<SlurmRun*>& wave);
  std::filesystem::path new_wave_folder();
  void look_for_results();
  void look_at_queue();
  void judge(SlurmRun& run, const std::map<std::string, QueueEntry>& queue);
  void forget(SlurmRun* run);

  SlurmProfile profile_;
  std::filesystem::path work_, program_;
  std::set<SlurmRun*> runs_;           // all that are in flight
  std::vector<SlurmRun*> waiting_;     // not submitted yet
  std::vector<std::string> to_cancel_;
  std::size_t wave_limit_ = 1;         // tasks of the next wave; shrinks when the site refuses, grows again
  double submit_from_ = 0, next_look_ = 0, next_queue_ = 0;
  bool told_silent_ = false;
};

}  // namespace assay::sched
