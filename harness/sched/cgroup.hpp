// Control groups of the kernel that hold one worker and all that it starts, where this process may make some: version 2
// (a delegated subtree, as `systemd-run --user --scope -p Delegate=yes` gives) or the memory and pids hierarchies of
// version 1. Private to harness/sched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace assay::sched {

// Where groups may be made; found once a run. An empty folder: that limit is the watchdog's.
struct ControlGroups {
  std::filesystem::path memory, pids;  // version 2: the same folder
  int version = 0;                     // 0: none
  std::string memory_by() const { return memory.empty() ? "watchdog" : "cgroup-v" + std::to_string(version); }
  std::string pids_by() const { return pids.empty() ? "watchdog" : "cgroup-v" + std::to_string(version); }
};

// Tries by making a group with limits. `membership` has the form of /proc/self/cgroup, `root` of /sys/fs/cgroup.
// With ASSAY_CGROUPS=off in the environment there are none.
ControlGroups find_control_groups(const std::filesystem::path& membership = "/proc/self/cgroup",
                                  const std::filesystem::path& root = "/sys/fs/cgroup");

// The groups of one worker: made here, removed with everything in them when the value dies. When they cannot be made
// any more, none is in force and `by` says so.
class CellGroup {
 public:
  CellGroup(const ControlGroups& where, std::uint64_t memory_bytes, int most_threads);
  ~CellGroup();
  CellGroup(const CellGroup&) = delete;
  CellGroup& operator=(const CellGroup&) = delete;

  bool holds_memory() const { return !memory_.empty(); }
  bool holds_pids() const { return !pids_.empty(); }
  std::vector<std::filesystem::path> process_files() const;  // for SpawnOptions::join_groups
  bool memory_ran_out() const;                               // the kernel killed something for it
  bool threads_ran_out() const;                              // something wanted more processes or threads than allowed
  void kill() const;  // no fork succeeds any more, and everything in them is killed

 private:
  std::filesystem::path memory_, pids_;
  int version_ = 0;
};

}  // namespace assay::sched
