// The plugin validator: checks with stable kebab-case ids and one sentence each, run one a process by the caller (a
// crash is then the caller's "crashed"). `assay check` and the certify stage use it.
//
// Certificates are planted-answer tests: a synthetic problem whose right answer is known, that a method of the role must
// find at the stated rate before its results count. Methods flagged `baseline` are exempt (rule 4).
// Threading: one thread; a check that waits for a hanging plugin leaves a detached thread behind, so exit afterwards.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/tasks/stage.hpp"

namespace assay::validate {

struct Check {
  std::string id, says;  // "one-symbol", "the library exports assay_plugin_v0 and nothing else"
  std::string role;      // "" for every plugin
  bool certificate = false;
};
const std::vector<Check>& checks();  // in running order

struct CheckResult {
  std::string status;  // passed failed warning skipped
  std::string detail;  // what was seen; empty when there is nothing to say
  double value = 0;    // certificates: the rate reached; others: 1 passed, 0 not
};
// Throws Error(bad_input) for an unknown check with the nearest name; what the plugin does wrong is in the result.
CheckResult run_check(const std::string& check, const std::filesystem::path& plugin, const std::string& id);

// {"attack": ["certificate-attack"], ...}: what a plan asks for.
Json certificates_by_role();
// [{"plugin": id, "check": id, "says": sentence}, ...]: the checks that apply to each method of a library. A library
// whose descriptors cannot be read lists the checks of the file itself, with plugin "".
Json list_checks(const std::filesystem::path& plugin);
// {"status": ..., "detail": ...}
Json check_to_json(const std::filesystem::path& plugin, const std::string& id, const std::string& check);

// The certify stage: runs spec.checks for the job's plugin; one trace (1 passed, 0 not) and one score (the value, with
// the detail) a check. Throws Error(constraint) naming the checks that failed.
void certify(tasks::StageContext& context);

}  // namespace assay::validate
