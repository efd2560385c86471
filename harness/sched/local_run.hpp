// One node on this machine: its stages one after the other, each a process. Private to harness/sched.
#pragma once

#include "harness/sched/executor.hpp"

namespace assay::sched {

class LocalRun final : public Run {
 public:
  // What it refers to outlives the run; `judges` may be null.
  LocalRun(Ticket ticket, const Confinement& confinement, JudgePool* judges);
  void poll() override;
  void watch(const std::vector<ProcessFacts>* all) override;
  void kill() override;
  Running running() const override;

 private:
  void advance();
  void end(std::string status, std::string reason);

  Ticket ticket_;
  Machine machine_;
  Ended so_far_;
  std::unique_ptr<StageRun> stage_;
  std::size_t next_ = 0;  // index of the step after `stage_`
  double load_before_ = 0;
};

}  // namespace assay::sched
