// What a killed supervisor can leave of its sandboxes, played by a process that calls itself bubblewrap: the window of
// the real one is a few microseconds. tests/e2e/test_kill.py counts what the real one leaves.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "harness/base/files.hpp"
#include "harness/base/processes.hpp"
#include "harness/sched/confinement.hpp"

using namespace assay;

namespace {

// Keeps no pipe of the test's and ends with the test, however that ends: a runner waits for both.
[[noreturn]] void sleep_as(const std::string& name, const std::string& argument, pid_t test) {
  const std::string script = "exec -a " + name + " tail --pid=" + std::to_string(test) + " -f /dev/null '" + argument +
                             "' >/dev/null 2>&1";
  ::execl("/bin/bash", "bash", "-c", script.c_str(), nullptr);
  ::_exit(127);
}

// One process in a session of its own. With `orphaned` the one that opened the session is gone, and this process, which
// adopts orphans, is its parent.
struct Sleeper {
  Sleeper(const std::string& name, const std::string& argument, bool orphaned) {
    int told[2];
    REQUIRE(::pipe2(told, O_CLOEXEC) == 0);
    const pid_t test = ::getpid();
    const pid_t leader = ::fork();
    if (leader == 0) {
      ::setsid();
      pid = orphaned ? ::fork() : ::getpid();
      if (pid == 0) sleep_as(name, argument, test);
      if (::write(told[1], &pid, sizeof pid) != sizeof pid) ::_exit(1);
      if (!orphaned) sleep_as(name, argument, test);
      ::_exit(0);
    }
    REQUIRE(::read(told[0], &pid, sizeof pid) == sizeof pid);
    ::close(told[0]);
    ::close(told[1]);
    if (orphaned) REQUIRE(::waitpid(leader, nullptr, 0) == leader);
    while (!is_called(name)) ::usleep(1000);
  }
  Sleeper(const Sleeper&) = delete;
  ~Sleeper() {
    if (lives()) ::kill(pid, SIGKILL), ::waitpid(pid, nullptr, 0);
  }
  // Read once: a process has no command line for a moment while it becomes another program.
  bool is_called(const std::string& name) const {
    const auto line = command_line_of(pid);
    return !line.empty() && line[0] == name;
  }
  bool lives() { return !ended && !(ended = ::waitpid(pid, nullptr, WNOHANG) == pid); }
  bool ends() {
    for (int look = 0; look < 5000 && lives(); ++look) ::usleep(1000);
    return ended;
  }
  pid_t pid = 0;
  bool ended = false;
};

}  // namespace

TEST_CASE("sandboxes that a killed supervisor left half made are ended, and nobody else") {
  adopt_orphans();
  const TempDir work, other;
  Sleeper left("bwrap", (work.path() / "cell-1" / "method").string(), true);
  Sleeper of_a_judge("/usr/bin/bwrap", work.path().string(), true);
  Sleeper led("bwrap", (work.path() / "cell-2").string(), false);
  Sleeper elsewhere("bwrap", (other.path() / "cell-1").string(), true);
  Sleeper namesake("bwrap", work.path().string() + "2", true);
  Sleeper no_sandbox("tail", (work.path() / "log").string(), true);
  CHECK(sched::end_orphaned_sandboxes(work.path()) == 2);
  CHECK(left.ends());
  CHECK(of_a_judge.ends());
  CHECK(led.lives());
  CHECK(elsewhere.lives());
  CHECK(namesake.lives());
  CHECK(no_sandbox.lives());
}
