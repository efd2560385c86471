// All that a machine needs to run one node: its stages as jobs whose inputs from other nodes are files with digests, limits
// and programs. Plain data, so that it may cross to a machine that sees the same folders. Private to harness/sched.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/record/job.hpp"
#include "harness/record/plan.hpp"
#include "harness/sched/sched.hpp"
#include "harness/sched/stage.hpp"

namespace assay::sched {

struct Step {
  Job job;
  std::vector<InputRef> from_stages;  // inputs that an earlier step leaves, known only when it has run
  bool alone = false;                 // Stage::alone
};

struct Ticket {
  std::string key, label;
  std::vector<Step> steps;
  StageLimits limits;
  Numerics numerics;
  SandboxMode sandbox = SandboxMode::automatic;
  std::filesystem::path scratch, worker;
  Json to_json() const;
  static Ticket from_json(const Json& json, const std::string& origin);  // throws Error(bad_input) naming the key
};

// The job of a step, complete: inputs from earlier steps are looked up in the scratch folder and digested.
// Throws Error(constraint) when one left no such file.
Job completed(const Ticket& ticket, const Step& step);

}  // namespace assay::sched
