// The key "q" while a run draws its progress on a terminal: it counts as Ctrl-C does. A thread of its own waits for keys.
#pragma once

#include <termios.h>

#include <atomic>
#include <thread>

namespace assay::cli {

class Keyboard {
 public:
  // Does nothing unless stdin and stderr are a terminal that this process may read. The terminal gives keys without waiting
  // for a line until the value dies. A "q" raises `stop` by one, to 2 at most.
  explicit Keyboard(std::atomic<int>& stop);
  ~Keyboard();
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;

 private:
  void listen();

  std::atomic<int>& stop_;
  termios before_{};
  int wake_[2] = {-1, -1};  // closing the second end ends the thread
  std::thread thread_;
};

}  // namespace assay::cli
