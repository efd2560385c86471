// A child for the subprocess tests: does one thing that argv[1] names.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

extern char** environ;

namespace {

int exit_code(int argc, char** argv) { return argc > 2 ? std::atoi(argv[2]) : 0; }

int abort_now() {
  std::abort();
}

int sleep_long() {
  ::sleep(60);
  return 0;
}

int print_environment() {
  for (char** entry = environ; *entry != nullptr; ++entry) std::puts(*entry);
  return 0;
}

int both_streams() {
  std::fputs("to out\n", stdout);
  std::fputs("to err\n", stderr);
  return 0;
}

int flood() {
  const std::string line(1023, 'x');
  for (int i = 0; i < 3000; ++i) std::puts(line.c_str());
  return 0;
}

// A grandchild that outlives us unless the group is killed; its pid goes to stdout.
int leave_grandchild() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::sleep(60);
    ::_exit(0);
  }
  std::printf("%d\n", static_cast<int>(pid));
  std::fflush(stdout);
  return 0;
}

int grandchild_and_wait() {
  leave_grandchild();
  ::sleep(60);
  return 0;
}

int touch_memory(int argc, char** argv) {
  const std::size_t bytes = ((argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0) << 20) + 1;
  const std::unique_ptr<char, decltype(&std::free)> data(static_cast<char*>(std::malloc(bytes)), &std::free);
  if (data == nullptr) return 9;
  std::memset(data.get(), 1, bytes);
  std::puts("held");
  std::fflush(stdout);
  ::sleep(argc > 3 ? 60 : 0);
  return data.get()[bytes / 2] == 1 ? 0 : 1;
}

int burn() {
  volatile unsigned long turns = 0;
  while (true) turns = turns + 1;
}

int write_file(char** argv) {
  std::FILE* file = std::fopen(argv[2], "w");
  if (file == nullptr) return 1;
  const std::vector<char> chunk(1 << 16);
  for (int i = 0; i < 64; ++i) std::fwrite(chunk.data(), 1, chunk.size(), file);
  std::fclose(file);
  return 0;
}

int signals_are_default() {
  struct sigaction action{};
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  sigaction(SIGPIPE, nullptr, &action);
  return action.sa_handler == SIG_DFL && sigismember(&blocked, SIGTERM) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "exit") return exit_code(argc, argv);
  if (mode == "abort") return abort_now();
  if (mode == "sleep") return sleep_long();
  if (mode == "env") return print_environment();
  if (mode == "both") return both_streams();
  if (mode == "flood") return flood();
  if (mode == "grandchild") return leave_grandchild();
  if (mode == "grandchild-wait") return grandchild_and_wait();
  if (mode == "memory") return touch_memory(argc, argv);
  if (mode == "burn") return burn();
  if (mode == "write") return write_file(argv);
  if (mode == "signals") return signals_are_default();
  if (mode == "cwd") return std::puts(std::filesystem::current_path().c_str()) < 0;
  return 64;
}
