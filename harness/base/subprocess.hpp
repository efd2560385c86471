// Child processes: fork + exec in a new session, with limits, output to files, and the group killed as a whole.
// Used by the supervisor only; not thread-safe against other code that reaps children.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace assay {

constexpr int first_passed_fd = 3;

struct SpawnOptions {
  std::vector<std::string> argv;               // argv[0] is the program's path
  std::map<std::string, std::string> env;      // the whole environment of the child; nothing is inherited
  std::filesystem::path cwd;                   // {}: the caller's
  std::filesystem::path stdout_file;           // appended; {}: /dev/null
  std::filesystem::path stderr_file;           // may equal stdout_file
  std::optional<std::uint64_t> address_space;  // RLIMIT_AS in bytes
  std::optional<std::uint64_t> cpu_seconds;    // RLIMIT_CPU
  std::optional<std::uint64_t> file_bytes;     // RLIMIT_FSIZE
  std::vector<std::filesystem::path> join_groups;  // cgroup.procs files of the control groups it runs in
  std::vector<int> pass_fds;                   // open in the child as first_passed_fd, first_passed_fd + 1, ...; at most 8
  bool keeps_orphans = false;                  // PR_SET_CHILD_SUBREAPER: what its children leave falls to it
  bool die_with_parent = true;                 // PR_SET_PDEATHSIG SIGKILL: no orphan survives a killed supervisor
};

struct Exit {
  int code = -1;    // exit code, or -1 when a signal ended it
  int signal = 0;   // the signal, or 0
  double cpu_seconds = 0, wall_seconds = 0;  // of the child and what it reaped
  std::uint64_t peak_rss_bytes = 0;
};

class Child {
 public:
  // When the child itself ends, what is left of its group is killed before it is reaped.
  static Child spawn(const SpawnOptions& options);  // throws Error(io) when exec fails, with errno's text
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();  // kills the group and reaps when still running

  pid_t pid() const { return pid_; }
  std::optional<Exit> poll();                    // non-blocking
  std::optional<Exit> wait(double seconds);      // nullopt on timeout; seconds < 0: for ever
  void kill_group(int signal);                   // the whole process group
  std::uint64_t rss_bytes() const;               // resident set of it and all that descends from it, 0 when gone; reads all of /proc
  std::uint64_t own_rss_bytes() const;           // of the child alone; cheap enough to be asked all the time

 private:
  friend struct Captured run_captured(const SpawnOptions& options, double timeout_seconds);
  explicit Child(pid_t pid);
  pid_t pid_ = -1;
  double started_ = 0;
  std::optional<Exit> exit_;
};

// Runs to the end and gives the exit; output captured as text (stdout and stderr apart, at most 1 MiB each, the rest
// is dropped). At the timeout the group is killed: exit.signal is SIGKILL then.
struct Captured {
  Exit exit;
  std::string out, err;
};
Captured run_captured(const SpawnOptions& options, double timeout_seconds);

// `text` as one word of a POSIX shell, whatever it holds.
std::string shell_quoted(const std::string& text);

}  // namespace assay
