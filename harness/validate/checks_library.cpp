// Checks of the file, its descriptors, and the life and death of instances.
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "assay/plugin.h"
#include "harness/plugin/host.hpp"
#include "harness/plugin/read_descriptor.hpp"
#include "harness/record/params.hpp"
#include "harness/validate/check_list.hpp"

namespace assay::validate {
namespace {

constexpr double kScanSeconds = 1.0;
constexpr int kCycles = 1000;
constexpr std::int64_t kGrowthBytes = 16 << 20;  // allocator slack of a thousand small objects stays far below

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

constexpr const char* kRoles[] = {"attack", "detector", "trainer", "ensemble", "compressor", "architecture", "reducer", "analyzer"};

bool answers(const plugin::Instance& method, const std::string& role) {
  for (const char* call :
       {"perturb", "fit", "score", "train", "objective", "combine", "predict", "compress", "build", "reduce", "analyze"}) {
    if (method.has(role, call)) return true;
  }
  return false;
}

}  // namespace

CheckResult check_scan_time(Subject& subject) {
  const auto start = std::chrono::steady_clock::now();
  subject.library();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (taken.count() < kScanSeconds) return passed(taken.count());
  return failed(fmt::format("loading took {:.2f} s: a plugin does no work when it is loaded", taken.count()),
                taken.count());
}

CheckResult check_one_symbol(Subject& subject) {
  std::string extra;
  for (const std::string& name : plugin::exported_symbols(subject.file())) {
    if (name != "assay_plugin_v0") extra += (extra.empty() ? "" : ", ") + name;
  }
  if (extra.empty()) return passed();
  return failed("also exports " + extra.substr(0, 400) + "; link with the version script (assay_add_plugin does)");
}

CheckResult check_descriptor_complete(Subject& subject) {
  const Descriptor& method = subject.descriptor();
  if (!method.baseline && (method.title.empty() || method.year == 0)) {
    return failed("the citation lacks a title or year; only a baseline may have none");
  }
  if (method.slots.empty()) return failed("no slot is declared: the host cannot tell what the method uses");
  for (const SlotSchema& slot : method.slots) {
    if (slot.output) return passed();
  }
  return failed("no output slot is declared");
}

CheckResult check_defaults_in_range(Subject& subject) {
  expand_params(subject.descriptor(), Json());
  return passed();
}

CheckResult check_roles_answered(Subject& subject) {
  plugin::Instance method = subject.make();
  for (const char* role : kRoles) {
    const bool declared = subject.descriptor().has_role(role), answered = answers(method, role);
    if (declared && !answered)
      return failed(std::string("role '") + role + "' is declared but role() gives no call for it");
    if (!declared && answered) return failed(std::string("role() answers '") + role + "', which is not declared");
  }
  return passed();
}

CheckResult check_unknown_id(Subject& subject) {
  plugin::Host host{{}};
  assay_instance* made = nullptr;
  const assay_status status = subject.library().table()->create(host.abi(), "no-such-method", nullptr, 0, &made);
  if (status == ASSAY_NOT_FOUND && made == nullptr) return passed();
  if (made != nullptr) subject.library().table()->destroy(made);
  return failed(fmt::format("create(\"no-such-method\") gave {} and {} instance", plugin::status_name(status),
                            made == nullptr ? "no" : "an"));
}

CheckResult check_create_destroy(Subject& subject) {
  const Json params = subject.params();
  const auto cycle = [&] {
    plugin::Instance method = subject.make(params);
    return method.destroy();
  };
  for (int i = 0; i < 10; ++i) cycle();  // pools and caches fill first
  const std::int64_t before = resident_bytes();
  for (int i = 0; i < kCycles; ++i) {
    if (const std::string report = cycle(); !report.empty()) return failed("after create and destroy: " + report);
  }
  const std::int64_t grown = resident_bytes() - before;
  if (grown > kGrowthBytes)
    return failed(fmt::format("memory grew by {} KiB over {} instances", grown / 1024, kCycles));
  return passed();
}

}  // namespace assay::validate
