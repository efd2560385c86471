// The handler calls nothing that may allocate or lock: backtrace() is called once before, so that what it loads is
// there.
#include "harness/worker/crash.hpp"

#include <execinfo.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

namespace assay::worker {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

constexpr int most_frames = 64;
constexpr std::size_t stack_bytes = std::size_t{64} << 10;  // of the handler's own: a stack overflow must be told too

void say(const char* text) {
  const ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(ignored);
}

void on_crash(int number) {
  void* frames[most_frames];
  say("crashed by signal ");
  const char* name = ::sigabbrev_np(number);
  say(name == nullptr ? "of no name" : name);
  say("; backtrace:\n");
  ::backtrace_symbols_fd(frames, ::backtrace(frames, most_frames), STDERR_FILENO);
  ::signal(number, SIG_DFL);
  ::raise(number);  // delivered when the handler returns
}

}  // namespace

void report_crashes() {
  if (sanitized) return;
  void* frame = nullptr;
  ::backtrace(&frame, 1);
  static std::array<char, stack_bytes> stack;
  stack_t other{};
  other.ss_sp = stack.data();
  other.ss_size = stack.size();
  ::sigaltstack(&other, nullptr);
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::sigaction(number, &action, nullptr);
}

}  // namespace assay::worker
