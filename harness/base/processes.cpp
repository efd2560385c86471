// /proc/<pid>/stat and /proc/<pid>/task/<tid>/children, read without allocation a process where many are looked at.
#include "harness/base/processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

namespace assay {
namespace {

constexpr int most_passes = 200;  // a tree that still grows then is left to the next look

ssize_t read_file(const char* path, char* text, std::size_t size) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const ssize_t got = ::read(fd, text, size - 1);
  ::close(fd);
  text[std::max<ssize_t>(0, got)] = '\0';
  return got;
}

// Fields behind the command name, which may hold anything: 3 state, 4 parent, 5 group, 6 session, 14-17 user and system
// time of it and of its children, 20 threads, 24 resident pages.
bool read_stat(const char* pid, ProcessFacts& facts) {
  char path[64], text[1024];
  std::snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
  if (read_file(path, text, sizeof text) <= 0) return false;
  const char* rest = std::strrchr(text, ')');
  char state = 0;
  long long parent = 0, group = 0, session = 0, times[4] = {}, threads = 0, pages = 0;
  if (rest == nullptr ||
      std::sscanf(rest + 1,
                  " %c %lld %lld %lld %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld %*d %*d %lld %*d %*u %*u %lld",
                  &state, &parent, &group, &session, times, times + 1, times + 2, times + 3, &threads, &pages) != 10)
    return false;
  static const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  facts.pid = static_cast<pid_t>(std::atoi(pid));
  facts.parent = static_cast<pid_t>(parent);
  facts.group = static_cast<pid_t>(group);
  facts.session = static_cast<pid_t>(session);
  facts.zombie = state == 'Z' || state == 'X';
  facts.threads = static_cast<int>(threads);
  facts.rss_bytes = static_cast<std::uint64_t>(std::max(0LL, pages)) * page;
  facts.cpu_seconds = static_cast<double>(times[0] + times[1] + times[2] + times[3]) / ticks;
  return true;
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  std::vector<pid_t> children;
  DIR* threads = ::opendir(tasks.c_str());
  if (threads == nullptr) return children;
  while (const dirent* entry = ::readdir(threads)) {
    char text[16384];
    if (entry->d_name[0] == '.' ||
        read_file((tasks + "/" + entry->d_name + "/children").c_str(), text, sizeof text) <= 0)
      continue;
    char* at = text;
    for (char* end = nullptr;; at = end) {
      const long child = std::strtol(at, &end, 10);
      if (end == at || *end == '\0') break;  // a number that the buffer cuts is met in the next pass
      children.push_back(static_cast<pid_t>(child));
    }
  }
  ::closedir(threads);
  return children;
}

std::set<pid_t>& kept() {
  static std::set<pid_t> pids;
  return pids;
}

}  // namespace

std::vector<ProcessFacts> all_processes() {
  std::vector<ProcessFacts> all;
  DIR* processes = ::opendir("/proc");
  if (processes == nullptr) return all;
  while (const dirent* entry = ::readdir(processes)) {
    ProcessFacts facts;
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && read_stat(entry->d_name, facts)) all.push_back(facts);
  }
  ::closedir(processes);
  return all;
}

TreeUse tree_use(const std::vector<ProcessFacts>& all, pid_t root) {
  std::multimap<pid_t, const ProcessFacts*> by_parent;
  std::vector<const ProcessFacts*> open;
  for (const ProcessFacts& one : all) {
    by_parent.emplace(one.parent, &one);
    if (one.pid == root) open.push_back(&one);
  }
  TreeUse use;
  while (!open.empty()) {
    const ProcessFacts& one = *open.back();
    open.pop_back();
    use.cpu_seconds += one.cpu_seconds;
    if (!one.zombie) {
      use.pids.insert(one.pid);
      use.threads += one.threads;
      use.rss_bytes += one.rss_bytes;
    }
    const auto [first, last] = by_parent.equal_range(one.pid);
    for (auto child = first; child != last; ++child) open.push_back(child->second);
  }
  return use;
}

std::vector<pid_t> leaderless(const std::vector<ProcessFacts>& all) {
  std::set<pid_t> known;
  for (const ProcessFacts& one : all) known.insert(one.pid);
  std::vector<pid_t> found;
  // The kernel gives no session's number to a new process while somebody is in the session. 0: opened outside our view.
  for (const ProcessFacts& one : all)
    if (!one.zombie && one.session != 0 && known.count(one.session) == 0) found.push_back(one.pid);
  return found;
}

std::vector<std::string> command_line_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(in, word, '\0');) words.push_back(word);
  return words;
}

std::uint64_t rss_bytes_of(pid_t pid) {
  ProcessFacts facts;
  return pid > 0 && read_stat(std::to_string(pid).c_str(), facts) ? facts.rss_bytes : 0;
}

pid_t first_child_of(pid_t pid) {
  const std::vector<pid_t> children = children_of(pid);
  return children.empty() ? 0 : children.front();
}

void kill_tree(pid_t root) {
  std::set<pid_t> stopped;
  for (int pass = 0; pass < most_passes; ++pass) {
    bool grown = false;
    for (const pid_t pid : tree_use(all_processes(), root).pids) {
      if (!stopped.insert(pid).second) continue;
      grown = true;
      ::kill(pid, SIGSTOP);
    }
    if (!grown) break;
  }
  for (const pid_t pid : stopped) ::kill(pid, SIGKILL);
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

void keep_stray(pid_t pid) { kept().insert(pid); }
void release_stray(pid_t pid) { kept().erase(pid); }

int kill_strays() {
  const pid_t session = ::getsid(0);
  int killed = 0;
  // What a stray leaves falls to us in turn.
  for (int pass = 0; pass < most_passes; ++pass) {
    int found = 0;
    for (const pid_t pid : children_of(::getpid())) {
      ProcessFacts facts;
      if (kept().count(pid) > 0 || !read_stat(std::to_string(pid).c_str(), facts)) continue;
      if (facts.parent != ::getpid() || facts.session == session) continue;
      kill_tree(pid);
      while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
      ++found;
    }
    if (found == 0) break;
    killed += found;
  }
  return killed;
}

}  // namespace assay
