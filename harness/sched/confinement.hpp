// What this machine offers to hold a worker: control groups and the sandbox of bubblewrap. Found once a run, by trying.
// Private to harness/sched.
//
// In the sandbox a process sees its scratch folder (writable), the files that its job names, the worker and the plugin,
// system libraries, and devices of no consequence; no network, no process but its own, no other user, nothing in /home.
// The kernel kills all that is in it when its first process (bubblewrap's) dies.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/record/job.hpp"
#include "harness/sched/cgroup.hpp"
#include "harness/sched/sched.hpp"

namespace assay::sched {

struct Confinement {
  std::filesystem::path bwrap;  // empty: no sandbox
  std::string why_no_sandbox;   // when there is none
  ControlGroups groups;
  // {"memory": "cgroup-v1" | ..., "processes": ..., "disk": "watchdog", "sandbox": "bubblewrap" | "off"}
  Json limits_by() const;
};

// Starts `worker info numerics` in a sandbox. With `automatic` one warning says why there is none; throws
// Error(bad_input) with `require`.
Confinement find_confinement(SandboxMode mode, const std::filesystem::path& worker);

// Kills the sandboxes over folders below `work` that a killed supervisor left half made, and gives their number. A
// bubblewrap killed right after it has made its first process leaves that one waiting for ever: only later would it ask
// to die with its maker. Those of a living supervisor have a living bubblewrap and are not touched.
int end_orphaned_sandboxes(const std::filesystem::path& work);

// What the sandbox shows beyond the system.
struct View {
  std::filesystem::path program;                 // the worker
  std::vector<std::filesystem::path> read_only;  // files or folders
  std::filesystem::path scratch;                 // writable, and the working directory
};
View view_of(const Job& job, const std::filesystem::path& worker);
// The command line that runs `words` (words[0] a program) in the sandbox. bubblewrap writes {"child-pid": N} to
// `info_fd`.
std::vector<std::string> sandboxed(const std::filesystem::path& bwrap, const View& view,
                                   const std::vector<std::string>& words, int info_fd);

}  // namespace assay::sched
