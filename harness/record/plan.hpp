// The plan: a DAG of nodes in topological order, plain data. Made by harness/plan (pure), executed by harness/sched,
// recorded by results/store.
#pragma once

#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/record/job.hpp"

namespace assay {

enum class NodeKind { prepare, train, certify, cell };
const char* node_kind_name(NodeKind kind);

// Where a stage's input comes from. Exactly one of the three is set.
struct InputRef {
  std::string name;
  std::string path, sha256;      // a file that exists already (raw data, imported model)
  std::string node, file;        // file `file` of the published artifact of node `node` (a generation hash)
  std::string stage;             // with `file`: out/<file> of an earlier stage of the same node; file "shard": its journal
};

struct Stage {
  std::string stage;             // as Job::stage
  std::vector<InputRef> inputs;
  bool plugin = false;           // loads the node's plugin
  bool alone = false;            // is timed: runs while nothing else of this run does (rules 40 and 41)
  Json spec;
};

struct Node {
  NodeKind kind = NodeKind::cell;
  std::string key;               // generation hash
  std::string label;             // for people: "train all-conv seed 0", "pgd on all-conv, seed 2"
  std::vector<std::string> needs;  // keys of nodes that must be done first
  std::vector<Stage> stages;     // run one after the other, each a process
  std::string plugin_path, plugin_sha256, plugin_id, plugin_version;
  Seeds seeds;
  Numerics numerics;
  Json identity;                 // what was hashed into key
  // Cells only:
  std::string method;            // display id: plugin id, with "#<name>" when the suite names variants
  Json params;                   // all parameters, defaults expanded
  std::string subject;           // model id(s) of the suite
  Json axes;                     // the point on the suite's axes: {"ratio": "8", "subject": ..., ...}
  std::string judgement;         // judgement hash
  bool baseline = false;
  bool keep_outputs = false;
  // Limits (safety, not identity):
  double seconds = 600;
  std::int64_t memory_mb = 4096, disk_mb = 16384;  // of all that the cell's process starts
  std::int64_t processes = 256;  // and threads, beyond Numerics::threads
  double cost_seconds = 0;       // estimate for progress and --dry-run; 0 unknown
  // The suite's budget limits the method's wall time, so outcomes may depend on the clock: equal bits cannot be asked for.
  bool has_time_budget() const;
};

// A cell whose outputs a user brought instead of running a plugin has this version and no other has; what made them, with
// which access and at what cost is not known. Its plan is recorded under a name of its own that begins with the prefix, so
// that a later plan of the suite does not take it off the board.
inline constexpr const char* submitted_version = "submitted";
inline constexpr const char* submitted_prefix = "submitted: ";

struct Claim {
  std::string id, says, expect, test;  // expect: the language of harness/claim
  bool gate = true;
  std::string given{};       // a precondition in the same language; "": none
  double level = 0.95;       // of intervals
  double power = 0.8;        // for which the seeds still needed are counted
  Json to_json() const;
};

struct Plan {
  std::string suite, task, file;      // suite name, task, the TOML's path
  int version = 1;
  std::string suite_sha256;           // of the file's bytes
  Json protocol;                      // what makes numbers comparable
  std::string protocol_hash;
  std::string series;                 // series key: joins histories over builds and versions
  std::string rank_by, rank;          // default metric; "method" or "subject"
  std::string condition;              // the condition at which the board ranks, e.g. "eps=1/10", "far:mnist", "test"
  Json rank_axes;                     // the point on the cells' axes at which it ranks, e.g. {"ratio": "8"}; {}: everywhere
  double min_coverage = 1.0;          // rule 2: below it a row is not ranked
  std::string on_failure = "exclude"; // rule 3: exclude | worst | baseline
  std::vector<Node> nodes;
  std::vector<Claim> claims;
  const Node* find(const std::string& key) const;
};

// What the supervisor knows when a node ends. Handed to a callback that the cli binds to the store.
struct StageResult {
  std::string stage, status, reason;   // status: ok failed rejected crashed timeout oom cancelled
  int exit_code = 0, signal = 0;
  double wall_seconds = 0, cpu_seconds = 0;
  std::uint64_t peak_rss_bytes = 0;
  std::string shard;                   // path of its journal
  std::string log_tail;                // last 64 KiB of stderr
};
struct Finished {
  const Node* node = nullptr;
  int attempt = 1;
  std::string status, reason;          // of the node: the first stage that is not ok, else "ok"
  std::vector<StageResult> stages;
  Manifest artifact;                   // published outputs (may be empty)
  // Input name (as Job::inputs) -> sha256 actually used, of all stages. The store derives the data hash from them, and
  // the model hash from names that start with "model" (else from published files named model*).
  std::vector<std::pair<std::string, std::string>> input_digests;
  Json host;                           // machine facts of this attempt; {machine, build} are required (rule 1);
                                       // shared: true when other cells ran at the same time (rule 41)
};

}  // namespace assay
