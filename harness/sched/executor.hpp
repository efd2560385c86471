// Where nodes run. An executor takes tickets and gives runs; the supervisor decides which node may start, publishes what
// it leaves and hands the record over. Private to harness/sched.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/sched/ticket.hpp"

namespace assay::sched {

// How a node ended, wherever it ran.
struct Ended {
  std::string status, reason;        // of the node: the first stage that is not ok, else "ok"
  std::vector<StageResult> stages;   // those that ran
  Json host;                         // host_facts of the machine, with "shared"
  Json to_json() const;
  static Ended from_json(const Json& json, const Ticket& ticket);  // throws Error(bad_input)
};

// One node in flight. One thread calls everything.
class Run {
 public:
  Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  virtual ~Run() = default;
  virtual void poll() = 0;              // sets ended() when it is over
  virtual void watch(const std::vector<ProcessFacts>* /*all*/) {}  // see StageRun::watch
  virtual void kill() = 0;              // at once, without ended(); scratch stays for a successor
  virtual Running running() const = 0;  // label and seconds are the caller's
  const std::optional<Ended>& ended() const { return ended_; }

 protected:
  std::optional<Ended> ended_;
};

class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor() = default;
  virtual std::size_t capacity() const = 0;  // runs in flight at most
  // Never throws for what is wrong with the node: that is how it ended.
  virtual std::unique_ptr<Run> start(Ticket ticket) = 0;
  virtual void tick() {}                     // called between polls, every few milliseconds
  // Whether nodes in flight at the same time share processors (rule 41).
  virtual bool shares_machine() const = 0;
  // Whether what is in flight goes on without this process, which then need not wait for it when asked to stop.
  virtual bool outlives_us() const { return false; }
  virtual int parallel() const { return static_cast<int>(capacity()); }  // runs that make progress now, at least 1
};

// Throws Error(bad_input) when a sandbox is required and cannot be had.
std::unique_ptr<Executor> local_executor(const SchedOptions& options);

}  // namespace assay::sched
