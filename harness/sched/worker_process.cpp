#include "harness/sched/worker_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"

namespace assay::sched {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
constexpr int shell_signal_base = 128;  // bubblewrap tells a signal as a shell does
// Address space is not memory: libraries, thread stacks and maps take several gigabytes of it. The limit on resident
// memory is another; this one only stops an allocation that would outrun the watchdog.
constexpr std::uint64_t address_space_factor = 2, address_space_extra_mb = 4096;
constexpr std::uint64_t least_entry_bytes = 4096;  // a file costs its inode, even an empty one
constexpr int sandbox_processes = 2;               // bubblewrap outside and inside

// A sanitizer maps terabytes of shadow memory, so no limit on address space fits. A sanitized supervisor starts
// sanitized workers; the variable is for the mixed case.
bool limits_address_space() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return false;
#endif
#endif
  return std::getenv("ASSAY_NO_RLIMIT_AS") == nullptr;
}

// What the files below take on the disk; stops counting beyond `enough`.
std::uint64_t bytes_below(const fs::path& folder, std::uint64_t enough) {
  std::uint64_t bytes = 0;
  std::error_code code;
  for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, code), end;
       !code && at != end; at.increment(code)) {
    struct stat facts {};
    if (::lstat(at->path().c_str(), &facts) != 0) continue;  // removed meanwhile
    bytes += std::max<std::uint64_t>(static_cast<std::uint64_t>(facts.st_blocks) * 512, least_entry_bytes);
    if (bytes > enough) break;
  }
  return bytes;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

double now_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::map<std::string, std::string> worker_environment(const Numerics& numerics, const fs::path& home) {
  std::map<std::string, std::string> env = {{"PATH", "/usr/bin:/bin"},
                                            {"HOME", home.string()},
                                            {"TMPDIR", (home / "tmp").string()},
                                            {"OMP_NUM_THREADS", std::to_string(numerics.threads)},
                                            {"LC_ALL", "C"}};
  // The effective instruction set: a no-op where it is the machine's own, a cap where the suite asked for less.
  std::string isa = numerics.isa;
  std::transform(isa.begin(), isa.end(), isa.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (!isa.empty()) env["DNNL_MAX_CPU_ISA"] = isa;
  return env;
}

WorkerProcess::WorkerProcess(SpawnOptions options, const View& view, const StageLimits& limits,
                             const Confinement& confinement)
    : limits_(limits), scratch_(view.scratch), sandboxed_(!confinement.bwrap.empty()) {
  adopt_orphans();
  const auto memory = static_cast<std::uint64_t>(limits.memory_mb);
  group_ = std::make_unique<CellGroup>(confinement.groups, memory * mebibyte,
                                       static_cast<int>(limits.threads) + sandbox_processes);
  options.join_groups = group_->process_files();
  options.file_bytes = limits.file_bytes;
  options.keeps_orphans = true;
  if (limits_address_space())
    options.address_space = (memory * address_space_factor + address_space_extra_mb) * mebibyte;
  int pipe_ends[2] = {-1, -1};
  if (sandboxed_) {
    if (::pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0) throw Error(Fault::io, "cannot make a pipe");
    info_fd_ = pipe_ends[0];
    const int passed = first_passed_fd + static_cast<int>(options.pass_fds.size());
    options.argv = sandboxed(confinement.bwrap, view, options.argv, passed);
    options.pass_fds.push_back(pipe_ends[1]);
  }
  started_ = now_seconds();
  try {
    child_.emplace(Child::spawn(options));
  } catch (...) {
    if (sandboxed_) ::close(pipe_ends[0]), ::close(pipe_ends[1]);
    throw;
  }
  if (sandboxed_) ::close(pipe_ends[1]);
}

WorkerProcess::~WorkerProcess() {
  if (!exit_) kill_and_wait();
  if (info_fd_ >= 0) ::close(info_fd_);
}

void WorkerProcess::learn_init() {
  if (!sandboxed_ || init_ != 0 || info_fd_ < 0) return;
  char text[512];
  const ssize_t got = ::read(info_fd_, text, sizeof text);
  if (got > 0) info_.append(text, static_cast<std::size_t>(got));
  const auto key = info_.find("\"child-pid\":");
  const auto end = info_.find_first_of(",}", key == std::string::npos ? info_.size() : key);
  if (key == std::string::npos || end == std::string::npos) return;
  init_ = static_cast<pid_t>(std::atoi(info_.c_str() + key + std::char_traits<char>::length("\"child-pid\":")));
  if (init_ > 0) keep_stray(init_);
}

// The first process of the namespace fell to us when bubblewrap's outer process ended. It ends when all in the
// namespace have, and its usage is theirs.
void WorkerProcess::reap_init(Exit& exit) {
  if (init_ <= 0) return;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(init_), &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
    rusage usage{};
    ::kill(init_, SIGKILL);
    while (::wait4(init_, nullptr, 0, &usage) < 0 && errno == EINTR) {
    }
    exit.cpu_seconds += seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    exit.peak_rss_bytes = std::max(exit.peak_rss_bytes, static_cast<std::uint64_t>(usage.ru_maxrss) * 1024);
  }
  release_stray(init_);
  init_ = 0;
}

std::optional<Exit> WorkerProcess::poll() {
  if (exit_) return exit_;
  learn_init();
  auto exit = child_->poll();
  if (!exit) return std::nullopt;
  learn_init();
  reap_init(*exit);
  if (sandboxed_ && exit->code > shell_signal_base && exit->code < shell_signal_base + NSIG) {
    exit->signal = exit->code - shell_signal_base;
    exit->code = -1;
  }
  group_->kill();
  kill_strays();
  exit->cpu_seconds = std::max(exit->cpu_seconds, cpu_seen_);
  exit_ = exit;
  return exit_;
}

void WorkerProcess::kill() {
  learn_init();
  if (init_ > 0) {
    ::kill(init_, SIGKILL);  // and with it all of the namespace; the outer process sees it and ends
    return;
  }
  if (group_->holds_pids())
    group_->kill();
  else
    kill_tree(child_->pid());
  child_->kill_group(SIGKILL);
}

void WorkerProcess::kill_and_wait() {
  if (exit_) return;
  kill();
  constexpr double patience_seconds = 5;
  const double until = now_seconds() + patience_seconds;
  while (!poll()) {
    if (now_seconds() > until) child_->kill_group(SIGKILL);
    const timespec time{0, 500'000};
    ::nanosleep(&time, nullptr);
  }
}

pid_t WorkerProcess::worker() const { return sandboxed_ ? (init_ > 0 ? first_child_of(init_) : 0) : child_->pid(); }

Breach WorkerProcess::out_of_memory() const {
  return {"oom", fmt::format("needed more memory than its limit of {} MB", limits_.memory_mb)};
}

Breach WorkerProcess::out_of_processes() const {
  return {"failed", fmt::format("started more processes and threads than its limit of {}", limits_.threads)};
}

std::optional<Breach> disk_breach(const fs::path& scratch, const StageLimits& limits) {
  if (limits.disk_mb < 0) return std::nullopt;
  const std::uint64_t limit = static_cast<std::uint64_t>(limits.disk_mb) * mebibyte;
  if (bytes_below(scratch, limit) <= limit) return std::nullopt;
  return Breach{"failed", fmt::format("wrote more to disk than its limit of {} MB", limits.disk_mb)};
}

Breach wall_breach(const StageLimits& limits) {
  return {"timeout", fmt::format("did not end within {:g} s", limits.seconds)};
}

Breach cpu_breach(const StageLimits& limits) {
  return {"timeout", fmt::format("used more than {:g} s of CPU time", limits.cpu_seconds)};
}

std::optional<Breach> WorkerProcess::breach_so_far() {
  if (exit_) return std::nullopt;
  learn_init();
  if (now_seconds() - started_ > limits_.seconds) return wall_breach(limits_);
  if (group_->holds_memory()) return std::nullopt;
  if (rss_bytes_of(worker()) > static_cast<std::uint64_t>(limits_.memory_mb) * mebibyte) return out_of_memory();
  return std::nullopt;
}

std::optional<Breach> WorkerProcess::breach_in(const std::vector<ProcessFacts>& all) {
  if (exit_) return std::nullopt;
  const TreeUse tree = use(all);
  cpu_seen_ = std::max(cpu_seen_, tree.cpu_seconds);
  // Processes before memory: many of them are the cause when both are too much, whichever was passed first between
  // two looks.
  const int own = sandboxed_ ? sandbox_processes : 0;
  if (group_->threads_ran_out() || (!group_->holds_pids() && tree.threads > limits_.threads + own))
    return out_of_processes();
  if (group_->memory_ran_out()) return out_of_memory();
  if (!group_->holds_memory() && tree.rss_bytes > static_cast<std::uint64_t>(limits_.memory_mb) * mebibyte)
    return out_of_memory();
  if (tree.cpu_seconds > limits_.cpu_seconds) return cpu_breach(limits_);
  return disk_breach(scratch_, limits_);
}

std::optional<Breach> WorkerProcess::breach_at_end() const {
  if (group_->threads_ran_out()) return out_of_processes();
  if (group_->memory_ran_out()) return out_of_memory();
  return disk_breach(scratch_, limits_);
}

}  // namespace assay::sched
