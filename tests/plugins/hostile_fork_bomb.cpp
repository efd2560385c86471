// An attack that starts processes without end. One a millisecond, so that the watchdog's test leaves a usable machine.
#include <unistd.h>

#include "hostile.hpp"

namespace {

void start_processes() {
  constexpr int most = 20000;
  for (int i = 0; i < most; ++i) {
    if (::fork() == 0) {
      ::setsid();
      for (;;) ::pause();
    }
    ::usleep(1000);
  }
}

}  // namespace

HOSTILE_ATTACK("hostile-fork-bomb", "starts processes until it is stopped", start_processes)
