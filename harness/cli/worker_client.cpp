#include "harness/cli/worker_client.hpp"

#include <sys/stat.h>

#include <csignal>
#include <cstring>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <sstream>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/base/subprocess.hpp"

namespace assay::cli {
namespace {

constexpr double describe_seconds = 20;
constexpr double info_seconds = 60;
constexpr double model_seconds = 600;
// Raised when the shape of a cached answer changes.
constexpr const char* cache_version = "1";

// A child gets no more of our environment than it needs to find libraries and its own home, and what caps the machine's
// instruction set: it decides the numerics class that is planned for.
std::map<std::string, std::string> child_environment() {
  std::map<std::string, std::string> env;
  for (const char* name : {"PATH", "HOME", "ASSAY_HOME", "ASSAY_ROOT", "XDG_DATA_HOME", "LD_LIBRARY_PATH", "LANG", "DNNL_MAX_CPU_ISA",
                           "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* value = std::getenv(name)) env[name] = value;
  return env;
}

// The last line that says "error: ...", else the last line that says anything.
std::string reason_in(const std::string& log) {
  std::istringstream lines(log);
  std::string line, last, found;
  while (std::getline(lines, line)) {
    if (!line.empty()) last = line;
    if (const auto at = line.find("error: "); at != std::string::npos) found = line.substr(at + 7);
  }
  return found.empty() ? last : found;
}

std::string how_it_ended(const Exit& exit) {
  if (exit.signal == 0) return "exit code " + std::to_string(exit.code);
  return "signal " + std::to_string(exit.signal) + " (" + strsignal(exit.signal) + ")";
}

// What a cached answer may be keyed by without reading the file: path, size, time of change to the nanosecond.
std::string file_stamp(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) throw Error(Fault::bad_input, "cannot read '" + file.string() + "'");
  return file.string() + "|" + std::to_string(info.st_size) + "|" + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec) + "|" + std::to_string(info.st_ino);
}

}  // namespace

WorkerClient::WorkerClient(std::filesystem::path program, std::filesystem::path cache, sched::SandboxMode mode)
    : program_(std::move(program)), cache_(std::move(cache)), mode_(mode) {}

WorkerClient WorkerClient::standard(sched::SandboxMode mode) {
  const Layout layout = installed_layout();
  if (layout.worker.empty())
    throw Error(Fault::io, "no assay-worker beside " + self_path().string() + "; build the target assay-worker or set ASSAY_ROOT");
  return {layout.worker, assay_home() / "descriptors", mode};
}

namespace {

// The answer on stdout, or what went wrong.
Json answer_of(const Captured& captured, const std::vector<std::string>& args) {
  if (captured.exit.code == 0) return Json::parse(captured.out, "assay-worker " + args.front());
  const std::string reason = reason_in(captured.err);
  const Fault fault = captured.exit.code == 3 ? Fault::internal : Fault::bad_input;
  if (captured.exit.signal == 0 && !reason.empty()) throw Error(fault, reason);
  std::string command = "assay-worker";
  for (const std::string& arg : args) command += " " + arg;
  throw Error(fault, command + " ended with " + how_it_ended(captured.exit) + (reason.empty() ? "" : ": " + reason));
}

}  // namespace

SpawnOptions WorkerClient::question(const std::vector<std::string>& args) const {
  SpawnOptions options;
  options.argv = {program_.string()};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  options.env = child_environment();
  return options;
}

Json WorkerClient::ask(const std::vector<std::string>& args, double timeout_seconds) const {
  return answer_of(run_captured(question(args), timeout_seconds), args);
}

Captured WorkerClient::run_with(const std::filesystem::path& library, const std::vector<std::string>& args, double timeout_seconds) const {
  if (!sandbox_) sandbox_ = sched::find_sandbox(mode_, program_);
  const TempDir scratch("assay-question");
  SpawnOptions options = question(args);
  if (!sandbox_->empty()) options.argv = sched::in_sandbox(*sandbox_, options.argv, library, scratch.path());
  return run_captured(options, timeout_seconds);
}

Json WorkerClient::ask_about(const std::filesystem::path& library, const std::string& verb, double timeout_seconds) const {
  const std::vector<std::string> args{verb, library.string()};
  return answer_of(run_with(library, args, timeout_seconds), args);
}

std::vector<Descriptor> WorkerClient::describe(const std::filesystem::path& library) const {
  const std::filesystem::path full = std::filesystem::absolute(library).lexically_normal();
  // A new worker may read the same file differently, so its stamp is part of the key.
  const std::string key = sha256(std::string(cache_version) + "|" + file_stamp(full) + "|" + file_stamp(program_));
  const std::filesystem::path cached = cache_ / (key.substr(0, 32) + ".json");
  Json answer;
  std::error_code ignored;
  if (std::filesystem::exists(cached, ignored)) {
    try {
      answer = Json::parse(read_text(cached), cached.string());
    } catch (const Error&) {
      answer = Json();  // a damaged cache entry is asked for again
    }
  }
  if (answer.is_null()) {
    answer = ask_about(full, "describe", describe_seconds);
    try {
      write_atomic(cached, answer.dump());
    } catch (const Error&) {
      // A read-only home costs time, not correctness.
    }
  }
  std::vector<Descriptor> found;
  for (const Json& item : answer.at("descriptors").as_array()) {
    found.push_back(Descriptor::from_json(item));
    found.back().path = full.string();
  }
  return found;
}

PluginSet WorkerClient::describe_all(const std::vector<std::filesystem::path>& libraries) const {
  PluginSet set;
  for (const auto& library : libraries) {
    try {
      for (Descriptor& one : describe(library)) {
        const auto same = [&](const Descriptor& other) { return other.id == one.id; };
        const auto twin = std::find_if(set.descriptors.begin(), set.descriptors.end(), same);
        if (twin != set.descriptors.end())
          set.broken.push_back({library.string(), "id '" + one.id + "' is taken by " + twin->path});
        else
          set.descriptors.push_back(std::move(one));
      }
    } catch (const Error& error) {
      set.broken.push_back({library.string(), error.what()});
    }
  }
  std::sort(set.descriptors.begin(), set.descriptors.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return set;
}

Json WorkerClient::info(const std::string& topic) const { return ask({"info", topic}, info_seconds); }

Json WorkerClient::model(const std::string& verb, const Json& options) const {
  return ask({"model", verb, options.dump()}, model_seconds);
}

std::vector<CheckCase> WorkerClient::checks(const std::filesystem::path& library) const {
  const Json answer = ask_about(std::filesystem::absolute(library), "checks", info_seconds);
  std::vector<CheckCase> cases;
  for (const Json& item : answer.as_array())
    cases.push_back({item.get("plugin", ""), item.at("check").as_string(), item.get("says", "")});
  return cases;
}

CheckResult WorkerClient::check(const std::filesystem::path& library, const CheckCase& what, double timeout_seconds) const {
  const std::filesystem::path full = std::filesystem::absolute(library);
  const auto began = std::chrono::steady_clock::now();
  const Captured captured = run_with(full, {"check", full.string(), what.plugin, what.check}, timeout_seconds);
  CheckResult result{what, "crashed", "", 0};
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (captured.exit.code == 0) {
    try {
      const Json answer = Json::parse(captured.out, "assay-worker check");
      result.status = answer.at("status").as_string();
      result.detail = answer.get("detail", "");
      return result;
    } catch (const Error& error) {
      result.detail = std::string("the process ended early with exit code 0: ") + error.what();
      return result;
    }
  }
  if (captured.exit.signal == SIGKILL && result.seconds >= timeout_seconds) result.status = "timeout";
  const std::string reason = reason_in(captured.err);
  result.detail = how_it_ended(captured.exit) + (reason.empty() ? "" : ": " + reason);
  return result;
}

std::vector<std::filesystem::path> plugin_libraries() {
  std::vector<std::filesystem::path> folders, found;
  if (const Layout layout = installed_layout(); !layout.plugins.empty()) folders.push_back(layout.plugins);
  if (const char* more = std::getenv("ASSAY_PLUGINS")) {
    std::istringstream parts(more);
    for (std::string part; std::getline(parts, part, ':');)
      if (!part.empty()) folders.emplace_back(part);
  }
  for (const auto& folder : folders) {
    if (!std::filesystem::is_directory(folder))
      throw Error(Fault::bad_input, "plugin folder '" + folder.string() + "' does not exist");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.is_regular_file() && entry.path().extension() == ".so") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace assay::cli
