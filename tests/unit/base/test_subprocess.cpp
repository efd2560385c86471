// Children: exits, signals, groups, limits, inheritance.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/subprocess.hpp"

using namespace assay;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // a sanitizer's shadow memory does not fit under RLIMIT_AS
#else
constexpr bool sanitized = false;
#endif

SpawnOptions child(std::vector<std::string> args) {
  SpawnOptions options;
  options.argv = {ASSAY_CHILD_PROGRAM};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  return options;
}

bool alive(pid_t pid) {
  if (::kill(pid, 0) != 0) return false;
  // A zombie answers kill() too; its state letter follows the command name.
  try {
    const std::string stat = read_text("/proc/" + std::to_string(pid) + "/stat");
    return stat.at(stat.rfind(')') + 2) != 'Z';
  } catch (const Error&) {
    return false;
  }
}

bool dies(pid_t pid) {
  for (int i = 0; i < 500 && alive(pid); ++i) ::usleep(10000);
  return !alive(pid);
}

pid_t read_pid(const fs::path& file) {
  for (int i = 0; i < 500; ++i) {
    if (fs::exists(file) && fs::file_size(file) > 0 && read_text(file).ends_with('\n')) return std::stoi(read_text(file));
    ::usleep(10000);
  }
  return -1;
}

}  // namespace

TEST_CASE("the exit code, and times, come back") {
  Child process = Child::spawn(child({"exit", "7"}));
  const auto exit = process.wait(10);
  REQUIRE(exit.has_value());
  CHECK(exit->code == 7);
  CHECK(exit->signal == 0);
  CHECK(exit->wall_seconds >= 0);
  CHECK(exit->peak_rss_bytes > 0);
  CHECK(process.poll()->code == 7);  // asked again
}

TEST_CASE("a signal comes back as a signal") {
  Child process = Child::spawn(child({"abort"}));
  const auto exit = process.wait(10);
  REQUIRE(exit.has_value());
  CHECK(exit->code == -1);
  CHECK(exit->signal == SIGABRT);
}

TEST_CASE("a program that cannot be started is an error with the reason") {
  SpawnOptions options;
  options.argv = {"/nonexistent/program"};
  CHECK_THROWS_WITH_AS(Child::spawn(options), "cannot start /nonexistent/program: No such file or directory", Error);
  options.argv = {"/etc/passwd"};
  CHECK_THROWS_WITH_AS(Child::spawn(options), "cannot start /etc/passwd: Permission denied", Error);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // nothing left to reap
}

TEST_CASE("waiting has a time limit, and killing ends the wait") {
  Child process = Child::spawn(child({"sleep"}));
  CHECK_FALSE(process.wait(0.05).has_value());
  CHECK_FALSE(process.poll().has_value());
  process.kill_group(SIGKILL);
  const auto exit = process.wait(10);
  REQUIRE(exit.has_value());
  CHECK(exit->signal == SIGKILL);
}

TEST_CASE("killing the group takes the grandchildren") {
  const TempDir folder;
  SpawnOptions options = child({"grandchild-wait"});
  options.stdout_file = folder.path() / "out";
  Child process = Child::spawn(options);
  const pid_t grandchild = read_pid(options.stdout_file);
  REQUIRE(grandchild > 0);
  CHECK(alive(grandchild));
  process.kill_group(SIGKILL);
  CHECK(process.wait(10)->signal == SIGKILL);
  CHECK(dies(grandchild));
}

TEST_CASE("what a child leaves behind when it exits is killed with its group") {
  const TempDir folder;
  SpawnOptions options = child({"grandchild"});
  options.stdout_file = folder.path() / "out";
  Child process = Child::spawn(options);
  const auto exit = process.wait(10);
  REQUIRE(exit.has_value());
  CHECK(exit->code == 0);
  CHECK(dies(read_pid(options.stdout_file)));
}

TEST_CASE("a dropped child is killed and reaped") {
  pid_t pid = -1;
  {
    Child process = Child::spawn(child({"sleep"}));
    pid = process.pid();
    CHECK(alive(pid));
  }
  CHECK(::kill(pid, 0) == -1);
  CHECK(errno == ESRCH);
}

TEST_CASE("a child dies with its parent, even when that is killed") {
  const TempDir folder;
  const fs::path file = folder.path() / "pid";
  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    Child process = Child::spawn(child({"sleep"}));
    write_atomic(file, std::to_string(process.pid()) + "\n");
    ::pause();
    ::_exit(0);
  }
  const pid_t worker = read_pid(file);
  REQUIRE(worker > 0);
  CHECK(alive(worker));
  ::kill(supervisor, SIGKILL);
  ::waitpid(supervisor, nullptr, 0);
  CHECK(dies(worker));
}

TEST_CASE("the environment is exactly what was given, the folder too") {
  SpawnOptions options = child({"env"});
  options.env = {{"A", "1"}, {"B", "two words"}};
  CHECK(run_captured(options, 10).out == "A=1\nB=two words\n");
  const TempDir folder;
  options = child({"cwd"});
  options.cwd = folder.path();
  CHECK(run_captured(options, 10).out == fs::canonical(folder.path()).string() + "\n");
}

TEST_CASE("signal handlers and masks of the parent are not inherited") {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t mask, before;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &mask, &before);
  const Captured captured = run_captured(child({"signals"}), 10);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  CHECK(captured.exit.code == 0);
}

TEST_CASE("streams are captured apart, and a flood is cut at 1 MiB without blocking the writer") {
  const Captured both = run_captured(child({"both"}), 10);
  CHECK(both.out == "to out\n");
  CHECK(both.err == "to err\n");
  const Captured flood = run_captured(child({"flood"}), 30);
  CHECK(flood.exit.code == 0);
  CHECK(flood.out.size() == std::size_t{1} << 20);
}

TEST_CASE("a captured run is killed at its time limit, its grandchildren too") {
  const Captured captured = run_captured(child({"grandchild-wait"}), 0.5);
  CHECK(captured.exit.signal == SIGKILL);
  CHECK(captured.exit.wall_seconds < 10);
  CHECK(dies(std::stoi(captured.out)));
}

TEST_CASE("output files are appended to") {
  const TempDir folder;
  SpawnOptions options = child({"both"});
  options.stdout_file = options.stderr_file = folder.path() / "log";
  for (int i = 0; i < 2; ++i) CHECK(Child::spawn(options).wait(10)->code == 0);
  CHECK(read_text(folder.path() / "log").size() == 28);
}

TEST_CASE("address space, CPU time and file size are limited") {
  SpawnOptions options = child({"memory", "512"});
  if (!sanitized) {
    options.address_space = std::uint64_t{256} << 20;
    CHECK(Child::spawn(options).wait(20)->code == 9);  // malloc said no
    options.address_space = std::uint64_t{2048} << 20;
    CHECK(Child::spawn(options).wait(20)->code == 0);
  }
  options = child({"burn"});
  options.cpu_seconds = 1;
  const auto burnt = Child::spawn(options).wait(30);
  REQUIRE(burnt.has_value());
  CHECK((burnt->signal == SIGXCPU || burnt->signal == SIGKILL));
  CHECK(burnt->cpu_seconds > 0.5);
  const TempDir folder;
  options = child({"write", (folder.path() / "f").string()});
  options.file_bytes = 100000;
  CHECK(Child::spawn(options).wait(20)->signal == SIGXFSZ);
}

TEST_CASE("resident memory of the group is seen while it runs, and its peak after") {
  const TempDir folder;
  SpawnOptions options = child({"memory", "200", "stay"});
  options.stdout_file = folder.path() / "out";
  Child process = Child::spawn(options);
  for (int i = 0; i < 6000 && (!fs::exists(options.stdout_file) || fs::file_size(options.stdout_file) == 0); ++i)
    ::usleep(10000);
  CHECK(process.rss_bytes() > std::uint64_t{200} << 20);
#ifndef __SANITIZE_THREAD__  // its shadow memory is five times what the program touches
  CHECK(process.rss_bytes() < std::uint64_t{600} << 20);
#endif
  process.kill_group(SIGKILL);
  CHECK(process.wait(10)->peak_rss_bytes > std::uint64_t{200} << 20);
  CHECK(process.rss_bytes() == 0);
}
