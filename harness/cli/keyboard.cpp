#include "harness/cli/keyboard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "harness/cli/output.hpp"

namespace assay::cli {
namespace {

// A process in the background is stopped when it changes the terminal.
bool in_foreground() { return ::tcgetpgrp(STDIN_FILENO) == ::getpgrp(); }

}  // namespace

Keyboard::Keyboard(std::atomic<int>& stop) : stop_(stop) {
  if (!is_terminal(STDIN_FILENO) || !is_terminal(STDERR_FILENO) || !in_foreground()) return;
  if (::tcgetattr(STDIN_FILENO, &before_) != 0 || ::pipe2(wake_, O_CLOEXEC) != 0) return;
  termios keys = before_;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // signals of the keyboard stay
  keys.c_cc[VMIN] = 1;
  keys.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  thread_ = std::thread([this] { listen(); });
}

Keyboard::~Keyboard() {
  if (!thread_.joinable()) return;
  ::close(wake_[1]);
  thread_.join();
  ::close(wake_[0]);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

void Keyboard::listen() {
  pollfd both[2] = {{STDIN_FILENO, POLLIN, 0}, {wake_[0], POLLIN, 0}};
  while (::poll(both, 2, -1) >= 0 || errno == EINTR) {
    if (both[1].revents != 0) return;
    if ((both[0].revents & POLLIN) == 0) {
      if (both[0].revents != 0) return;  // the terminal is gone
      continue;
    }
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1) return;
    if (key == 'q' || key == 'Q') stop_.store(std::min(2, stop_.load() + 1));
  }
}

}  // namespace assay::cli
