#include "harness/sched/cgroup.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

namespace assay::sched {
namespace fs = std::filesystem;
namespace {

constexpr const char* prefix = "assay-";
constexpr int most_passes = 100;  // of killing; a process that is being killed stays in its group for a moment

bool put(const fs::path& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return whole;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The value of a line "key value"; 0 when there is none.
long long count_in(const fs::path& file, const std::string& key) {
  std::ifstream in(file);
  std::string name;
  for (long long value = 0; in >> name >> value;)
    if (name == key) return value;
  return 0;
}

bool has_word(const std::string& text, const std::string& word) {
  std::istringstream words(text);
  for (std::string one; words >> one;)
    if (one == word) return true;
  return false;
}

void nap() {
  const timespec time{0, 1'000'000};
  ::nanosleep(&time, nullptr);
}

bool limit_memory(const fs::path& group, int version, std::uint64_t bytes) {
  const std::string text = std::to_string(bytes);
  if (version == 2) {
    put(group / "memory.oom.group", "1");  // a group that lost one process is of no use
    put(group / "memory.swap.max", "0");
    return put(group / "memory.max", text);
  }
  if (!put(group / "memory.limit_in_bytes", text)) return false;
  put(group / "memory.memsw.limit_in_bytes", text);
  return true;
}

fs::path make_group(const fs::path& parent) {
  static std::atomic<unsigned> number{0};
  const fs::path group = parent / (prefix + std::to_string(::getpid()) + "-" + std::to_string(++number));
  std::error_code failed;
  return fs::create_directory(group, failed) ? group : fs::path();
}

// The kernel's files in a group go with it; rmdir is all it takes. Busy for as long as something dies in it.
void remove_group(const fs::path& group) {
  for (int pass = 0; pass < most_passes && ::rmdir(group.c_str()) != 0 && errno == EBUSY; ++pass) nap();
}

void kill_in(const fs::path& group) {
  for (int pass = 0; pass < most_passes; ++pass) {
    std::ifstream in(group / "cgroup.procs");
    bool any = false;
    for (pid_t pid = 0; in >> pid; any = true) ::kill(pid, SIGKILL);
    if (!any) return;
    nap();
  }
}

// What supervisors left that were killed.
void sweep(const fs::path& parent) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename();
    if (name.rfind(prefix, 0) != 0) continue;
    const pid_t owner = static_cast<pid_t>(std::atoi(name.c_str() + std::char_traits<char>::length(prefix)));
    if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH) ::rmdir(entry.path().c_str());
  }
}

// Whether groups with both kinds of limit can be made below the folders.
bool works(const ControlGroups& groups) {
  constexpr std::uint64_t enough = std::uint64_t{1} << 40;
  const CellGroup trial(groups, enough, 1000);
  return (groups.memory.empty() || trial.holds_memory()) && (groups.pids.empty() || trial.holds_pids());
}

// A group whose children have limits may hold no process itself, so what is in ours (us alone, or we leave it) moves
// into a leaf.
bool delegate(const fs::path& base) {
  const std::string wanted = "+memory +pids";
  if (put(base / "cgroup.subtree_control", wanted)) return true;
  std::istringstream members(text_of(base / "cgroup.procs"));
  for (pid_t pid = 0; members >> pid;)
    if (pid != ::getpid()) return false;
  const fs::path leaf = make_group(base);
  return !leaf.empty() && put(leaf / "cgroup.procs", "0") && put(base / "cgroup.subtree_control", wanted);
}

// controller -> path of this process within it ("": version 2), from lines "4:memory:/a/b".
std::optional<std::string> path_in(const std::string& membership, const std::string& controller) {
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::istringstream names(line.substr(first + 1, second - first - 1));
    std::string name;
    if (controller.empty() && second == first + 1) return line.substr(second + 1);
    while (std::getline(names, name, ','))
      if (name == controller) return line.substr(second + 1);
  }
  return std::nullopt;
}

fs::path below(const fs::path& root, const std::string& path) { return path == "/" ? root : root / path.substr(1); }

ControlGroups version_2(const std::string& membership, const fs::path& root) {
  const auto own = path_in(membership, "");
  if (!own) return {};
  const fs::path base = below(root, *own);
  const std::string controllers = text_of(base / "cgroup.controllers");
  if (!has_word(controllers, "memory") || !has_word(controllers, "pids") || !delegate(base)) return {};
  const ControlGroups groups{base, base, 2};
  return works(groups) ? groups : ControlGroups{};
}

ControlGroups version_1(const std::string& membership, const fs::path& root) {
  ControlGroups groups;
  for (const auto& [controller, folder] : {std::pair{"memory", &groups.memory}, {"pids", &groups.pids}}) {
    const auto own = path_in(membership, controller);
    if (!own) continue;
    // In a container the path is that of the host, and the group is mounted as the root.
    const fs::path base = below(root / controller, *own);
    ControlGroups trial;
    trial.version = 1;
    (controller == std::string("memory") ? trial.memory : trial.pids) = fs::exists(base) ? base : root / controller;
    if (works(trial)) *folder = trial.memory.empty() ? trial.pids : trial.memory;
  }
  if (!groups.memory.empty() || !groups.pids.empty()) groups.version = 1;
  return groups;
}

}  // namespace

ControlGroups find_control_groups(const fs::path& membership, const fs::path& root) {
  const char* wish = std::getenv("ASSAY_CGROUPS");
  if (wish != nullptr && std::string(wish) == "off") return {};
  const std::string text = text_of(membership);
  ControlGroups groups = version_2(text, root);
  if (groups.version == 0) groups = version_1(text, root);
  for (const fs::path& parent : std::set<fs::path>{groups.memory, groups.pids})
    if (!parent.empty()) sweep(parent);
  return groups;
}

CellGroup::CellGroup(const ControlGroups& where, std::uint64_t memory_bytes, int most_threads)
    : version_(where.version) {
  const std::string threads = std::to_string(most_threads);
  if (!where.memory.empty()) memory_ = make_group(where.memory);
  if (!where.pids.empty()) pids_ = version_ == 2 ? memory_ : make_group(where.pids);
  if (!memory_.empty() && !limit_memory(memory_, version_, memory_bytes)) remove_group(std::exchange(memory_, {}));
  if (version_ == 2 && memory_.empty()) pids_.clear();
  if (pids_.empty() || put(pids_ / "pids.max", threads)) return;
  remove_group(std::exchange(pids_, {}));
  if (version_ == 2) memory_.clear();
}

CellGroup::~CellGroup() {
  if (memory_.empty() && pids_.empty()) return;
  kill();
  for (const fs::path& group : std::set<fs::path>{memory_, pids_})
    if (!group.empty()) remove_group(group);
}

std::vector<fs::path> CellGroup::process_files() const {
  std::vector<fs::path> files;
  for (const fs::path& group : std::set<fs::path>{memory_, pids_})
    if (!group.empty()) files.push_back(group / "cgroup.procs");
  return files;
}

bool CellGroup::memory_ran_out() const {
  return holds_memory() && count_in(memory_ / (version_ == 2 ? "memory.events" : "memory.oom_control"), "oom_kill") > 0;
}

bool CellGroup::threads_ran_out() const { return holds_pids() && count_in(pids_ / "pids.events", "max") > 0; }

void CellGroup::kill() const {
  if (holds_pids()) put(pids_ / "pids.max", "0");
  if (version_ == 2 && put(memory_ / "cgroup.kill", "1")) return;
  for (const fs::path& group : std::set<fs::path>{memory_, pids_})
    if (!group.empty()) kill_in(group);
}

}  // namespace assay::sched
