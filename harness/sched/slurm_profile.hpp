// What a site's Slurm wants to be told, from a TOML file that users write once.
//   partition = "cpu"            account = "project"      qos = "normal"      constraint = "avx512"
//   modules = ["gcc/12"]         # `module load` of each, on the node
//   setup = ["ulimit -c 0"]      # lines of shell, on the node, before anything else
//   sbatch = ["--exclusive"]     # further options of sbatch
//   max_tasks = 1000             # array tasks in the queue at a time
//   max_array = 0                # tasks of one array; 0: the site's MaxArraySize
//   poll_seconds = 5.0           # between two looks at the queue
//   slack_seconds = 120          # a task's time limit beyond its stages'
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace assay::sched {

struct SlurmProfile {
  std::string partition, account, qos, constraint;
  std::vector<std::string> modules, setup, sbatch;
  int max_tasks = 1000, max_array = 0;
  double poll_seconds = 5, slack_seconds = 120;
  bool exclusive() const;  // whether nodes are not shared: times may be compared (rule 41)
  // Throws Error(bad_input) with file, line and column, what was expected and the nearest known key.
  static SlurmProfile load(const std::filesystem::path& file);
};

}  // namespace assay::sched
