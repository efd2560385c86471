// One node as a task of Slurm. Private to harness/sched.
#pragma once

#include "harness/sched/slurm.hpp"

namespace assay::sched {

class SlurmRun final : public Run {
 public:
  SlurmRun(SlurmExecutor& executor, Ticket ticket);
  ~SlurmRun() override { executor_.forget(this); }
  void poll() override {}  // the executor looks for all at once
  void kill() override;
  Running running() const override;

  // Takes the result when it is there. Throws Error(io); one that cannot be read counts as a lost task.
  bool take_result();
  void submitted(const std::string& task, int submissions);
  // The task is gone without a result: again, or given up with `state`.
  bool give_up_or_again(const std::string& state);
  void end(const std::string& status, const std::string& reason);

  const Ticket& ticket() const { return ticket_; }
  const std::string& task() const { return task_; }
  int submissions() const { return submissions_; }
  int absent = 0;            // looks in a row at which Slurm did not know it, or knew it as over
  std::string state, node;   // as the queue had it last

 private:
  bool adopt();
  std::filesystem::path file(const char* name) const { return ticket_.scratch / name; }

  SlurmExecutor& executor_;
  Ticket ticket_;
  std::string task_;  // JOB_INDEX; empty before it is submitted
  int submissions_ = 0;
};

}  // namespace assay::sched
