// What the kernel says about running processes (/proc): trees by descent, their memory, time and threads. Descent does
// not end at a group or a session: a process started with SpawnOptions::keeps_orphans stays the ancestor of whatever
// its children start, also of what forks twice and leaves the session.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace assay {

struct ProcessFacts {
  pid_t pid = 0, parent = 0, group = 0, session = 0;
  bool zombie = false;
  int threads = 0;
  std::uint64_t rss_bytes = 0;  // shared pages count in every process that maps them
  double cpu_seconds = 0;       // its own and of the children it has waited for
};

std::vector<ProcessFacts> all_processes();  // one pass over /proc

struct TreeUse {
  std::set<pid_t> pids;  // the root and all that descends from it, without zombies
  int threads = 0;       // of all of them
  std::uint64_t rss_bytes = 0;
  double cpu_seconds = 0;
};
TreeUse tree_use(const std::vector<ProcessFacts>& all, pid_t root);

// Processes whose session was opened by a process that is gone: who started them died before them.
std::vector<pid_t> leaderless(const std::vector<ProcessFacts>& all);
std::vector<std::string> command_line_of(pid_t pid);  // empty when it is gone or not to be read

std::uint64_t rss_bytes_of(pid_t pid);  // of one process; 0 when it is gone
pid_t first_child_of(pid_t pid);        // 0 when there is none

// SIGKILL to a process and all that descends from it. They are stopped first, pass after pass until a pass finds nobody
// new, so that no fork gets away. Reaps nothing.
void kill_tree(pid_t root);

// Makes this process the one to which orphans below it fall. Idempotent.
void adopt_orphans();
// Kills and reaps what has fallen to this process: children in a session that is neither ours nor of a process that we
// started (Child). For the thread that owns the Children. Gives their number.
int kill_strays();
// Exempts a process that will be reaped by its number, until `release_stray`.
void keep_stray(pid_t pid);
void release_stray(pid_t pid);

}  // namespace assay
