#include "harness/sched/confinement.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/log.hpp"
#include "harness/base/processes.hpp"
#include "harness/base/subprocess.hpp"

namespace assay::sched {
namespace {

constexpr double trial_seconds = 20;

using Words = std::vector<std::string>;

void add(Words& words, std::initializer_list<std::string> more) { words.insert(words.end(), more); }

fs::path program_on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "/usr/bin:/bin" : path;
  for (std::size_t at = 0; at <= rest.size();) {
    const std::size_t end = std::min(rest.find(':', at), rest.size());
    const fs::path file = fs::path(rest.substr(at, end - at)) / name;
    if (fs::is_regular_file(file)) return fs::absolute(file);
    at = end + 1;
  }
  return {};
}

// System libraries and what they look up. A merged /usr has links where other systems have folders.
void show_system(Words& words) {
  add(words, {"--ro-bind", "/usr", "/usr"});
  for (const char* name : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    if (fs::is_symlink(name)) {
      add(words, {"--symlink", fs::read_symlink(name).string(), name});
    } else if (fs::is_directory(name)) {
      add(words, {"--ro-bind", name, name});
    }
  }
  for (const char* name : {"/etc/ld.so.cache", "/etc/alternatives", "/sys/devices/system/cpu"})
    add(words, {"--ro-bind-try", name, name});
  add(words, {"--proc", "/proc", "--dev", "/dev"});
}

bool in_system(const fs::path& file) { return file.native().rfind("/usr/", 0) == 0; }

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// Why a worker cannot be started in the sandbox; nothing when it can.
std::optional<std::string> trial(const fs::path& bwrap, const fs::path& worker) {
  const TempDir folder("assay-sandbox");
  View view;
  view.program = worker;
  view.scratch = folder.path();
  SpawnOptions options;
  options.argv = sandboxed(bwrap, view, {worker.string(), "info", "numerics"}, -1);
  options.env = {{"PATH", "/usr/bin:/bin"}};
  const Captured seen = run_captured(options, trial_seconds);
  if (seen.exit.code == 0) return std::nullopt;
  return seen.err.empty() ? "exit code " + std::to_string(seen.exit.code) : first_line(seen.err);
}

}  // namespace

SandboxMode parse_sandbox_mode(const std::string& text) {
  if (text == "auto") return SandboxMode::automatic;
  if (text == "require") return SandboxMode::require;
  if (text == "off") return SandboxMode::off;
  throw Error(Fault::bad_input,
              "sandbox '" + text + "': expected auto, require or off" + suggestion(text, {"auto", "require", "off"}));
}

const char* sandbox_mode_name(SandboxMode mode) {
  return mode == SandboxMode::automatic ? "auto" : mode == SandboxMode::require ? "require" : "off";
}

std::string sandbox_trouble(const fs::path& worker) {
  const fs::path bwrap = program_on_path("bwrap");
  if (bwrap.empty()) return "bubblewrap is not installed";
  try {
    return trial(bwrap, worker).value_or("");
  } catch (const Error& error) {
    return error.what();
  }
}

fs::path find_sandbox(SandboxMode mode, const fs::path& worker) {
  return mode != SandboxMode::off && sandbox_trouble(worker).empty() ? program_on_path("bwrap") : fs::path();
}

Words in_sandbox(const fs::path& sandbox, const Words& words, const fs::path& file, const fs::path& scratch) {
  return sandboxed(sandbox, {words.at(0), {file}, scratch}, words, -1);
}

Json limits_in_force(SandboxMode mode, const fs::path& worker) { return find_confinement(mode, worker).limits_by(); }

Json Confinement::limits_by() const {
  return Json::object({{"memory", groups.memory_by()},
                       {"processes", groups.pids_by()},
                       {"disk", "watchdog"},
                       {"sandbox", bwrap.empty() ? "off" : "bubblewrap"}});
}

Confinement find_confinement(SandboxMode mode, const fs::path& worker) {
  Confinement found;
  found.groups = find_control_groups();
  if (mode == SandboxMode::off) {
    found.why_no_sandbox = "switched off";
    return found;
  }
  found.why_no_sandbox = sandbox_trouble(worker);
  if (found.why_no_sandbox.empty()) {
    found.bwrap = program_on_path("bwrap");
  } else if (mode == SandboxMode::require) {
    throw Error(Fault::bad_input, "--sandbox=require, but no sandbox can be had here: " + found.why_no_sandbox);
  } else {
    log::warn("plugins run without a sandbox (recorded as sandbox: off): {}", found.why_no_sandbox);
  }
  return found;
}

int end_orphaned_sandboxes(const fs::path& work) {
  const std::string below = work.string() + "/";
  int ended = 0;
  for (const pid_t pid : leaderless(all_processes())) {
    const Words words = command_line_of(pid);
    const auto ours = [&](const std::string& word) { return word == work || word.rfind(below, 0) == 0; };
    if (words.empty() || fs::path(words[0]).filename() != "bwrap" || std::none_of(words.begin(), words.end(), ours))
      continue;
    if (::kill(pid, SIGKILL) == 0) ++ended;
  }
  return ended;
}

View view_of(const Job& job, const fs::path& worker) {
  View view;
  view.program = worker;
  view.scratch = job.scratch;
  for (const auto& [name, input] : job.inputs) view.read_only.emplace_back(input.path);
  if (!job.plugin_path.empty()) view.read_only.push_back(fs::absolute(job.plugin_path));
  std::sort(view.read_only.begin(), view.read_only.end());
  view.read_only.erase(std::unique(view.read_only.begin(), view.read_only.end()), view.read_only.end());
  return view;
}

Words sandboxed(const fs::path& bwrap, const View& view, const Words& words, int info_fd) {
  Words all = {bwrap.string(), "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"};
  if (info_fd >= 0) add(all, {"--info-fd", std::to_string(info_fd)});
  show_system(all);
  const std::string scratch = view.scratch.string();
  add(all, {"--bind", scratch, scratch});
  if (!in_system(view.program)) add(all, {"--ro-bind", view.program.string(), view.program.string()});
  for (const fs::path& file : view.read_only)
    if (!in_system(file)) add(all, {"--ro-bind", file.string(), file.string()});
  // What the job says may not change under the worker; the empty folders on the way to these files are nobody's.
  const std::string job = scratch + "/job.json";
  add(all, {"--ro-bind-try", job, job, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", scratch, "--"});
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

}  // namespace assay::sched
