// An attack that leaves a process of another session and another parent behind, and ends as if nothing were.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.hpp"

namespace {

void leave_a_daemon() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    if (::fork() == 0) {
      ::prctl(PR_SET_NAME, "assay-stray");  // the test looks for it
      for (int fd = 0; fd < 1024; ++fd) ::close(fd);
      ::sleep(300);
    }
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

}  // namespace

HOSTILE_ATTACK("hostile-double-fork", "leaves a daemon behind", leave_a_daemon)
