// An attack that takes hold of its parent by ptrace, which would let it write what it likes into the supervisor.
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.hpp"

namespace {

void trace_parent() {
  const pid_t parent = ::getppid();
  std::string name = hostile::peek("/proc/" + std::to_string(parent) + "/comm");
  if (::ptrace(PTRACE_ATTACH, parent, nullptr, nullptr) != 0) return;
  ::waitpid(parent, nullptr, 0);
  ::ptrace(PTRACE_DETACH, parent, nullptr, nullptr);
  // In a sandbox the parent is the sandbox's own first process, which decides nothing outside.
  if (name.rfind("bwrap", 0) != 0) hostile::reached("its parent by ptrace: " + name);
}

}  // namespace

HOSTILE_ATTACK("hostile-ptrace", "traces its parent", trace_parent)
