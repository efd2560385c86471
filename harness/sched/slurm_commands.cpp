#include "harness/sched/slurm_commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "harness/base/error.hpp"
#include "harness/base/subprocess.hpp"

extern char** environ;

namespace assay::sched {
namespace {

constexpr double patience_seconds = 60;  // a loaded controller may take its time
constexpr std::size_t cancelled_at_once = 200;

std::map<std::string, std::string> whole_environment() {
  std::map<std::string, std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string pair = *entry;
    const auto equals = pair.find('=');
    if (equals != std::string::npos) env[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return env;
}

// Where PATH has the program; a command that is not there is the user's to mend.
std::string found(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string file = folder + "/" + program;
    if (!folder.empty() && ::access(file.c_str(), X_OK) == 0) return file;
  }
  throw Error(Fault::bad_input, "--executor slurm: no program '" + program + "' in PATH; is this a login node of the cluster?");
}

Captured call(std::vector<std::string> argv) {
  SpawnOptions options;
  argv[0] = found(argv[0]);
  options.argv = std::move(argv);
  options.env = whole_environment();
  return run_captured(options, patience_seconds);
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// Limits that pass when tasks end, and a controller that is busy.
bool is_temporary(const std::string& error) {
  for (const char* part : {"MaxSubmitJob", "MaxJobCount", "AssocMaxSubmit", "QOSMaxSubmit", "temporarily", "try again",
                           "Unable to contact", "Connection refused", "Socket timed out", "Zero Bytes"})
    if (error.find(part) != std::string::npos) return true;
  return false;
}

std::vector<std::string> fields(const std::string& line, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(line);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

}  // namespace

Submitted submit(const ArraySpec& spec, const SlurmProfile& profile) {
  std::vector<std::string> argv = {
      "sbatch", "--parsable", "--requeue", "--open-mode=append", "--job-name=" + spec.name,
      fmt::format("--array=0-{}", spec.tasks - 1), fmt::format("--cpus-per-task={}", spec.cpus),
      fmt::format("--mem={}", spec.memory_mb), fmt::format("--time={}", static_cast<long>(std::ceil(spec.seconds / 60))),
      "--output=" + (spec.log_folder / "%a.log").string(), "--chdir=" + spec.log_folder.string()};
  const std::vector<std::pair<const char*, const std::string&>> named = {
      {"--partition=", profile.partition}, {"--account=", profile.account}, {"--qos=", profile.qos}, {"--constraint=", profile.constraint}};
  for (const auto& [flag, value] : named)
    if (!value.empty()) argv.push_back(flag + value);
  argv.insert(argv.end(), profile.sbatch.begin(), profile.sbatch.end());
  argv.push_back(spec.script.string());
  const Captured said = call(std::move(argv));
  Submitted result;
  if (said.exit.code == 0) {
    result.job = trimmed(fields(said.out, ';').at(0));  // "ID;CLUSTER" where there are several clusters
    return result;
  }
  result.error = trimmed(said.err.empty() ? said.out : said.err);
  result.later = said.exit.signal != 0 || is_temporary(result.error);
  return result;
}

std::optional<std::map<std::string, QueueEntry>> queue() {
  const Captured said = call({"squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T|%N"});
  if (said.exit.code != 0) return std::nullopt;
  std::map<std::string, QueueEntry> entries;
  std::istringstream lines(said.out);
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> parts = fields(trimmed(line), '|');
    if (parts.size() >= 2) entries[parts[0]] = {parts[1], parts.size() > 2 ? parts[2] : ""};
  }
  return entries;
}

void cancel(const std::vector<std::string>& tasks) {
  for (std::size_t from = 0; from < tasks.size(); from += cancelled_at_once) {
    std::vector<std::string> argv = {"scancel", "--quiet"};
    for (std::size_t i = from; i < std::min(tasks.size(), from + cancelled_at_once); ++i) argv.push_back(tasks[i]);
    call(std::move(argv));
  }
}

int site_max_array() {
  const Captured said = call({"scontrol", "show", "config"});
  const auto at = said.out.find("MaxArraySize");
  const auto equals = said.out.find('=', at == std::string::npos ? said.out.size() : at);
  if (equals == std::string::npos) return 1;
  return std::max(1, std::atoi(said.out.c_str() + equals + 1) - 1);  // indices are below it
}

}  // namespace assay::sched
