// An attack that closes every file it was given and sleeps: nobody may wait for an end of file that never comes.
#include <unistd.h>

#include "hostile.hpp"

namespace {

void sleep_in_the_dark() {
  for (int fd = 0; fd < 1024; ++fd) ::close(fd);
  ::sleep(600);
}

}  // namespace

HOSTILE_ATTACK("hostile-close-pipes", "closes its pipes and sleeps", sleep_in_the_dark)
