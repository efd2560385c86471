#include "harness/sched/facts.hpp"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"

namespace assay::sched {
namespace {

std::string cpu_model() {
  try {
    const std::string text = read_text("/proc/cpuinfo");
    const auto key = text.find("model name");
    const auto colon = text.find(": ", key == std::string::npos ? text.size() : key);
    if (colon == std::string::npos) return "unknown";
    return text.substr(colon + 2, text.find('\n', colon) - colon - 2);
  } catch (const Error&) {
    return "unknown";
  }
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
}

std::string kernel() {
  utsname name{};
  return ::uname(&name) == 0 ? std::string(name.sysname) + " " + name.release : "unknown";
}

// Which machine (rule 1), without telling its name: a digest of host name and processor.
std::string machine_id(const std::string& cpu) {
  utsname name{};
  const std::string host = ::uname(&name) == 0 ? name.nodename : "unknown";
  return sha256(host + "\n" + cpu).substr(0, 16);
}

// Which build made the numbers: the digest of the program that computes them.
std::string build_id() {
  const fs::path worker = installed_layout().worker;
  return sha256_file(worker.empty() ? self_path() : worker).substr(0, 16);
}

}  // namespace

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

Json host_facts(const Numerics& numerics, double load_before) {
  static const std::string model = cpu_model();
  static const std::string machine = machine_id(model), build = build_id();
  const std::int64_t memory = ::sysconf(_SC_PHYS_PAGES) * (::sysconf(_SC_PAGESIZE) / 1024) / 1024;
  return Json::object({{"cpu", model},
                       {"machine", machine},
                       {"build", build},
                       {"cores", usable_cores()},
                       {"memory_mb", memory},
                       {"kernel", kernel()},
                       {"isa", numerics.isa},
                       {"load_before", load_before},
                       {"load_after", load_average()}});
}

Json to_json(const StageResult& result) {
  return Json::object({{"stage", result.stage},
                       {"status", result.status},
                       {"reason", result.reason},
                       {"exit_code", result.exit_code},
                       {"signal", result.signal},
                       {"wall_seconds", result.wall_seconds},
                       {"cpu_seconds", result.cpu_seconds},
                       {"peak_rss_bytes", result.peak_rss_bytes},
                       {"log_tail", result.log_tail}});
}

StageResult stage_result_from_json(const Json& json) {
  StageResult result;
  result.stage = json.at("stage").as_string();
  result.status = json.at("status").as_string();
  result.reason = json.get("reason", "");
  result.exit_code = static_cast<int>(json.get("exit_code", 0));
  result.signal = static_cast<int>(json.get("signal", 0));
  result.wall_seconds = json.get("wall_seconds", 0.0);
  result.cpu_seconds = json.get("cpu_seconds", 0.0);
  result.peak_rss_bytes = static_cast<std::uint64_t>(json.get("peak_rss_bytes", 0));
  result.log_tail = json.get("log_tail", "");
  return result;
}

const char* status_verb(const std::string& status) {
  if (status == "rejected") return "was rejected";
  if (status == "crashed") return "crashed";
  if (status == "timeout") return "ran out of time";
  if (status == "oom") return "ran out of memory";
  return "failed";
}

}  // namespace assay::sched
