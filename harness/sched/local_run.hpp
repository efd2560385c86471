// One node on this machine: its stages one after the other, each a process. Private to harness/sched.
#pragma once

#include <map>
#include <set>
#include <string>

#include "harness/sched/executor.hpp"

namespace assay::sched {

// Who works on this machine now, of the runs of one executor: a timed stage waits until nobody else does, and nobody starts
// anything meanwhile. One thread.
class Turns {
 public:
  void enter(const void* run) { working_.insert(run); }
  void leave(const void* run);
  // Whether `run`, which works or waits, may go on with a timed stage; until then it waits. Of several that wait the one with
  // the smallest key goes first: keys are hashes, so that no method is always before another.
  bool alone(const void* run, const std::string& key);
  void share(const void* run);  // its timed stage is over
  // Whether a timed stage waits or runs: nothing may start.
  bool taken() const { return alone_ != nullptr || !waiting_.empty(); }
  std::size_t runs() const { return working_.size() + waiting_.size(); }

 private:
  std::set<const void*> working_;
  std::map<const void*, std::string> waiting_;
  const void* alone_ = nullptr;
};

class LocalRun final : public Run {
 public:
  // What it refers to outlives the run; `judges` and `turns` may be null.
  LocalRun(Ticket ticket, const Confinement& confinement, JudgePool* judges, Turns* turns);
  ~LocalRun() override;
  void poll() override;
  void watch(const std::vector<ProcessFacts>* all) override;
  void kill() override;
  Running running() const override;

 private:
  void advance();
  void end(std::string status, std::string reason);

  Ticket ticket_;
  Machine machine_;
  Turns* turns_;
  bool waiting_ = false;  // for its turn, between two stages
  Ended so_far_;
  std::unique_ptr<StageRun> stage_;
  std::size_t next_ = 0;  // index of the step after `stage_`
  double load_before_ = 0;
};

}  // namespace assay::sched
