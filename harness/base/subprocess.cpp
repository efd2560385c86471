// Child processes over clone, exec and wait4. Before exec the child only makes async-signal-safe calls.
#include "harness/base/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>

#include "harness/base/error.hpp"
#include "harness/base/processes.hpp"

namespace assay {
namespace {

constexpr int out_of_the_way = 200;  // above every number that pass_fds gives

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void pause_for(double seconds) {
  timespec time{static_cast<time_t>(seconds), static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
  ::nanosleep(&time, nullptr);
}

[[noreturn]] void fail(const std::string& what, int code) {
  throw Error(Fault::io, what + ": " + std::strerror(code));
}

// Everything the child needs, made before it is, since it may not allocate.
struct Prepared {
  std::vector<std::string> env_text, groups;
  std::vector<char*> argv, envp;
  std::string out_file, err_file, cwd;
  int out_fd = -1, err_fd = -1;  // instead of the files when >= 0
  pid_t parent = -1;
};

Prepared prepare(const SpawnOptions& options) {
  Prepared made;
  if (options.argv.empty()) throw Error(Fault::internal, "spawn without a program");
  for (const auto& [name, value] : options.env) made.env_text.push_back(name + "=" + value);
  for (const std::string& text : options.argv) made.argv.push_back(const_cast<char*>(text.c_str()));
  for (std::string& text : made.env_text) made.envp.push_back(text.data());
  made.argv.push_back(nullptr);
  made.envp.push_back(nullptr);
  made.out_file = options.stdout_file.empty() ? "/dev/null" : options.stdout_file.string();
  made.err_file = options.stderr_file.empty() ? "/dev/null" : options.stderr_file.string();
  made.cwd = options.cwd.string();
  for (const auto& file : options.join_groups) made.groups.push_back(file.string());
  made.parent = ::getpid();
  return made;
}

bool redirect(const std::string& file, int given, int target) {
  const int fd = given >= 0 ? given : ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  return fd >= 0 && ::dup2(fd, target) >= 0 && ::fcntl(target, F_SETFD, 0) == 0;
}

bool limit(int resource, const std::optional<std::uint64_t>& value) {
  if (!value) return true;
  const rlimit both{static_cast<rlim_t>(*value), static_cast<rlim_t>(*value)};
  return ::setrlimit(static_cast<decltype(RLIMIT_AS)>(resource), &both) == 0;
}

// By the system call: a thread sanitizer keeps a table of handlers, and the one that it would write to is ours while the
// child works in our memory.
void reset_signals() {
  constexpr std::size_t mask_bytes = 8;
  const unsigned long defaults[4] = {};  // the kernel's struct: handler, flags, restorer, mask
  for (int number = 1; number < NSIG; ++number) ::syscall(SYS_rt_sigaction, number, defaults, nullptr, mask_bytes);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The control groups take who writes "0" to their list of processes.
int join_groups(const Prepared& made) {
  for (const std::string& file : made.groups) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    const bool joined = ::write(fd, "0", 1) == 1;
    const int code = errno;
    ::close(fd);
    if (!joined) return code;
  }
  return 0;
}

// Moved out of the way first, since a target number may be another's source.
bool pass_on(const std::vector<int>& fds) {
  constexpr int most = 8;
  int moved[most] = {};
  if (fds.size() > most) return errno = EINVAL, false;
  for (std::size_t i = 0; i < fds.size(); ++i)
    if ((moved[i] = ::fcntl(fds[i], F_DUPFD_CLOEXEC, out_of_the_way)) < 0) return false;
  for (std::size_t i = 0; i < fds.size(); ++i)
    if (::dup2(moved[i], first_passed_fd + static_cast<int>(i)) < 0) return false;
  return true;
}

// Child side. Gives the number of the failed step's errno; returns only on failure.
int become(const SpawnOptions& options, const Prepared& made) {
  ::setsid();  // a group of its own too; nobody in it can join the supervisor's
  reset_signals();
  if (options.keeps_orphans && ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return errno;
  if (const int code = join_groups(made); code != 0) return code;
  if (options.die_with_parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
    if (::getppid() != made.parent) ::_exit(127);  // the parent died before the request
  }
  if (!pass_on(options.pass_fds)) return errno;
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing < 0 || ::dup2(nothing, 0) < 0) return errno;
  if (!redirect(made.out_file, made.out_fd, 1) || !redirect(made.err_file, made.err_fd, 2)) return errno;
  if (nothing > 2) ::close(nothing);
  if (!made.cwd.empty() && ::chdir(made.cwd.c_str()) != 0) return errno;
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (!limit(RLIMIT_CPU, options.cpu_seconds) || !limit(RLIMIT_FSIZE, options.file_bytes) ||
      !limit(RLIMIT_AS, options.address_space))
    return errno;
  ::execve(made.argv[0], made.argv.data(), made.envp.data());
  return errno;
}

// What the child of launch() is given, and gives back: it works in this process's memory until it is another program.
struct Birth {
  const SpawnOptions& options;
  const Prepared& made;
  int failed = 0;  // errno of the step that failed
};

int be_born(void* given) {
  Birth& birth = *static_cast<Birth*>(given);
  birth.failed = become(birth.options, birth.made);
  ::_exit(127);
}

// A fork would copy the page tables of a supervisor that holds thousands of cells, at every start. The child borrows our
// memory instead (as posix_spawn's does, which knows neither groups of processes nor parents that die) and we wait until it
// is another program or has failed.
pid_t launch(const SpawnOptions& options, const Prepared& made) {
  constexpr std::size_t stack_bytes = std::size_t{256} << 10;
  const auto stack = std::make_unique_for_overwrite<std::byte[]>(stack_bytes);
  Birth birth{options, made};
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);  // no handler of ours runs in the child, where all of them are reset first
  const pid_t pid = ::clone(be_born, stack.get() + stack_bytes, CLONE_VM | CLONE_VFORK | SIGCHLD, &birth);
  const int clone_error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) fail("cannot start " + options.argv[0], clone_error);
  if (birth.failed == 0) return pid;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  fail("cannot start " + options.argv[0], birth.failed);
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

// Takes what is in the pipe; false at its end. Bytes beyond the cap are dropped, so that the writer never blocks.
bool drain(int fd, std::string& text) {
  constexpr std::size_t cap = std::size_t{1} << 20;
  char chunk[65536];
  const ssize_t got = ::read(fd, chunk, sizeof chunk);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  text.append(chunk, std::min(static_cast<std::size_t>(got), cap - text.size()));
  return got > 0;
}

}  // namespace

Child::Child(pid_t pid) : pid_(pid), started_(now()) { keep_stray(pid); }

Child Child::spawn(const SpawnOptions& options) { return Child(launch(options, prepare(options))); }

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), started_(other.started_), exit_(other.exit_) {}

Child::~Child() {
  if (pid_ <= 0 || exit_) return;
  kill_group(SIGKILL);
  wait(-1);
}

std::optional<Exit> Child::poll() {
  if (exit_ || pid_ <= 0) return exit_;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
    return std::nullopt;
  ::kill(-pid_, SIGKILL);  // what it left behind; the zombie still holds the group's number, so nobody else is hit
  int status = 0;
  rusage usage{};
  while (::wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  release_stray(pid_);
  Exit exit;
  exit.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  exit.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  exit.wall_seconds = now() - started_;
  exit.peak_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  exit_ = exit;
  return exit_;
}

std::optional<Exit> Child::wait(double seconds) {
  const double until = now() + seconds;
  double nap = 0.0002;
  while (true) {
    if (auto exit = poll()) return exit;
    if (pid_ <= 0 || (seconds >= 0 && now() >= until)) return std::nullopt;
    pause_for(seconds < 0 ? nap : std::min(nap, std::max(0.0, until - now())));
    nap = std::min(0.01, nap * 1.5);
  }
}

void Child::kill_group(int signal) {
  if (pid_ > 0 && !exit_) ::kill(-pid_, signal);
}

std::uint64_t Child::rss_bytes() const {
  return pid_ <= 0 || exit_ ? 0 : tree_use(all_processes(), pid_).rss_bytes;
}

std::uint64_t Child::own_rss_bytes() const { return pid_ <= 0 || exit_ ? 0 : rss_bytes_of(pid_); }

Captured run_captured(const SpawnOptions& options, double timeout_seconds) {
  int out[2], err[2];
  if (::pipe2(out, O_CLOEXEC) != 0) fail("cannot make a pipe", errno);
  if (::pipe2(err, O_CLOEXEC) != 0) {
    const int code = errno;
    ::close(out[0]), ::close(out[1]);
    fail("cannot make a pipe", code);
  }
  Captured captured;
  std::vector<pollfd> pipes{{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  try {
    Prepared made = prepare(options);
    made.out_fd = out[1], made.err_fd = err[1];
    Child child(launch(options, made));
    ::close(std::exchange(out[1], -1)), ::close(std::exchange(err[1], -1));
    const double until = now() + timeout_seconds;
    double grace = -1;  // a process that left the group may hold a pipe for ever: it gets a second
    while (std::any_of(pipes.begin(), pipes.end(), [](const pollfd& p) { return p.fd >= 0; })) {
      ::poll(pipes.data(), pipes.size(), 20);
      if (pipes[0].revents != 0 && !drain(out[0], captured.out)) pipes[0].fd = -1;
      if (pipes[1].revents != 0 && !drain(err[0], captured.err)) pipes[1].fd = -1;
      if (now() > until) child.kill_group(SIGKILL);
      if (child.poll() && grace < 0) grace = now() + 1;
      if (grace >= 0 && now() > grace) break;
    }
    auto exit = child.wait(std::max(0.0, until - now()));
    if (!exit) child.kill_group(SIGKILL);
    captured.exit = exit ? *exit : *child.wait(-1);
  } catch (...) {
    for (const int fd : {out[0], out[1], err[0], err[1]})
      if (fd >= 0) ::close(fd);
    throw;
  }
  ::close(out[0]), ::close(err[0]);
  return captured;
}

std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace assay
