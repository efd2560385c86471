// What `assay` asks of `assay-worker` besides jobs: short questions, each a process of its own, so that a plugin
// that crashes while it is described costs one answer. The worker prints one JSON value on stdout and exits 0; on
// failure it prints "error: <message>" on stderr and exits with the cli's codes (2 bad input, 3 internal).
//
//   assay-worker describe FILE.so       -> {"abi": "0.2", "descriptors": [Descriptor::to_json(), ...]}
//   assay-worker info planning          -> all that the planner asks of the engine:
//       {"numerics": Numerics::to_json() of this machine (threads and batch at their defaults),
//        "models":   [Descriptor::to_json() of each architecture of the zoo: id, version, roles ["architecture"], summary,
//                     params],
//        "recipes":  [the same for each named recipe: its fields are params, its values their fallbacks],
//        "precisions": [{"id": "bf16", "unsupported": "" or why this machine has no such plans}, ...],
//        "certificates": {role: [check id, ...]}, "judge_version": 1}
//   assay-worker info models            -> the "models" part alone
//   assay-worker info numerics          -> the "numerics" part alone
//   assay-worker info precisions        -> the "precisions" part alone
//   assay-worker info ops               -> [{"id", "inputs": "x weights", "attributes": ["stride", ...], "vjp": true,
//                                            "onnx": "Conv"}, ...]
//   assay-worker checks FILE.so         -> [{"plugin": ID, "check": "one-symbol", "says": "..."}, ...] in running order
//   assay-worker model VERB OPTIONS     -> what worker/model_answers.hpp says; OPTIONS is one JSON object
//   assay-worker check FILE.so ID CHECK -> {"status": "passed"|"failed"|"warning"|"skipped", "detail": "..."}
//                                          exit 0 whatever the status; a signal or another code means "crashed"
//
// What loads a plugin (describe, checks, check) runs in the sandbox where there is one: its code runs from the moment that the
// library is opened, and the user's database is in reach otherwise.
//
// Threading: the functions spawn children and may not be called while another thread reaps children.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/base/subprocess.hpp"
#include "harness/record/descriptor.hpp"
#include "harness/sched/sched.hpp"

namespace assay::cli {

struct CheckCase {
  std::string plugin, check, says;
};

struct CheckResult {
  CheckCase what;
  std::string status;  // passed failed warning skipped crashed timeout
  std::string detail;
  double seconds = 0;
};

struct BrokenPlugin {
  std::string path, reason;
};

struct PluginSet {
  std::vector<Descriptor> descriptors;  // sorted by id
  std::vector<BrokenPlugin> broken;     // files that could not be described, with the reason
};

class WorkerClient {
 public:
  // `program`: the assay-worker to start; `cache`: folder for answers that depend only on a file's bytes.
  WorkerClient(std::filesystem::path program, std::filesystem::path cache, sched::SandboxMode mode = sched::SandboxMode::automatic);
  // The worker beside the running program and the cache under assay_home(); throws Error(io) when there is none.
  static WorkerClient standard(sched::SandboxMode mode = sched::SandboxMode::automatic);

  std::vector<Descriptor> describe(const std::filesystem::path& library) const;  // cached by size, mtime and digest
  PluginSet describe_all(const std::vector<std::filesystem::path>& libraries) const;
  Json info(const std::string& topic) const;  // planning models numerics ops
  Json model(const std::string& verb, const Json& options) const;  // show, import, export, size: worker/model_answers.hpp
  std::vector<CheckCase> checks(const std::filesystem::path& library) const;
  CheckResult check(const std::filesystem::path& library, const CheckCase& what, double timeout_seconds) const;
  const std::filesystem::path& program() const { return program_; }

 private:
  SpawnOptions question(const std::vector<std::string>& args) const;
  Json ask(const std::vector<std::string>& args, double timeout_seconds) const;
  Json ask_about(const std::filesystem::path& library, const std::string& verb, double timeout_seconds) const;
  Captured run_with(const std::filesystem::path& library, const std::vector<std::string>& args, double timeout_seconds) const;
  std::filesystem::path program_, cache_;
  sched::SandboxMode mode_;
  mutable std::optional<std::filesystem::path> sandbox_;  // empty: none; found when first needed, by a trial
};

// Every *.so below the installed plugin folder, then below each folder of the colon-separated $ASSAY_PLUGINS.
std::vector<std::filesystem::path> plugin_libraries();

}  // namespace assay::cli
