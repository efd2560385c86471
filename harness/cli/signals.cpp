#include "harness/cli/signals.hpp"

#include <csignal>

namespace assay::cli {
namespace {

std::atomic<int> stop_requested{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

void on_signal(int signal) {
  const int now = stop_requested.load();
  stop_requested.store(signal == SIGINT && now == 0 ? 1 : 2);
}

}  // namespace

std::atomic<int>& catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  return stop_requested;
}

}  // namespace assay::cli
