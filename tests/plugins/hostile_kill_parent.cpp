// An attack that kills its parent.
#include <unistd.h>

#include <csignal>

#include "hostile.hpp"

namespace {

void kill_parent() {
  const std::string name = hostile::peek("/proc/" + std::to_string(::getppid()) + "/comm");
  ::kill(::getppid(), SIGKILL);
  ::usleep(100'000);
  if (name.rfind("bwrap", 0) != 0) hostile::reached("its parent: " + name);
}

}  // namespace

HOSTILE_ATTACK("hostile-kill-parent", "kills its parent", kill_parent)
