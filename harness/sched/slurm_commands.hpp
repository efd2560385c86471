// Slurm's commands as functions: what assay asks of sbatch, squeue, scancel and scontrol. Private to harness/sched.
// The commands inherit the environment (SLURM_CONF). [one thread]
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/sched/slurm_profile.hpp"

namespace assay::sched {

struct ArraySpec {
  std::filesystem::path script, log_folder;
  std::string name;
  int tasks = 1, cpus = 1;
  std::int64_t memory_mb = 0;
  double seconds = 0;
};

struct Submitted {
  std::string job;     // empty: refused
  bool later = false;  // refused because of a limit of the site; asking again later may do
  std::string error;   // what sbatch said
};
Submitted submit(const ArraySpec& spec, const SlurmProfile& profile);

struct QueueEntry {
  std::string state, node;  // PENDING RUNNING COMPLETED TIMEOUT NODE_FAIL ...
};
// "JOB_TASK" -> state of every task of this user that Slurm still knows, ended ones too for a while (MinJobAge).
// Nothing when the controller does not answer.
std::optional<std::map<std::string, QueueEntry>> queue();

void cancel(const std::vector<std::string>& tasks);  // best effort

// The site's limit on indices of an array, 1 when it cannot be asked.
int site_max_array();

}  // namespace assay::sched
