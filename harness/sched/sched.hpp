// The supervisor: executes a plan on this machine. Every stage of a node is one process `assay-worker JOB.json` with a
// scratch folder, a minimal environment and limits (a judge, which loads no plugin, serves many cells); whatever it does ends as one Finished record, and the others go on.
//
// Folders (both may be shared by supervisors that run at the same time):
//   <cache>/<kind>/<key>/   published artifacts: the files of out/, manifest.json, journal/ (shards and stage facts)
//   <work>/<key>/<stage>/   scratch of a node in flight: job.json, shard, out/, tmp/, log
//   <work>/<key>/<stage>.exit.json   how the stage ended, as the supervisor saw it; no worker can write there
// Invariants:
//   * An artifact is made only when a cell that is not done needs it, by one supervisor at a time (a lock per key),
//     and appears whole or not at all. Its digests are checked when it is used; a damaged one is renamed to
//     <key>.corrupt-N and made again.
//   * A scratch folder lives until on_finished and the next on_settled have returned; a killed supervisor's successor goes
//     on from it. A stage that ended is not run again, as long as its job is the same.
//   * Nothing depends on `jobs`, order or restarts but times.
// Threading: one thread does everything; callbacks are called on it, one at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/record/plan.hpp"
#include "harness/sched/slurm_profile.hpp"

namespace assay::sched {

// The sandbox of workers and judges (bubblewrap): where the kernel allows it, always or not at all, never.
enum class SandboxMode { automatic, require, off };
SandboxMode parse_sandbox_mode(const std::string& text);  // "auto", "require", "off"; throws Error(bad_input)
const char* sandbox_mode_name(SandboxMode mode);
// "" when a worker can be started in a sandbox here, which is tried, else why not.
std::string sandbox_trouble(const std::filesystem::path& worker);
// For questions about a plugin that are no node of a plan, as what it says of itself. bubblewrap's path where
// sandbox_trouble() is ""; empty where not, and with SandboxMode::off.
std::filesystem::path find_sandbox(SandboxMode mode, const std::filesystem::path& worker);
// `words` (words[0]: the worker) inside: it reads the system and `file`, writes `scratch`, and reaches nothing else.
std::vector<std::string> in_sandbox(const std::filesystem::path& sandbox, const std::vector<std::string>& words,
                                    const std::filesystem::path& file, const std::filesystem::path& scratch);
// What holds workers on this machine, as the record of an attempt has it (host facts, limits_by).
Json limits_in_force(SandboxMode mode, const std::filesystem::path& worker);

struct SchedOptions {
  int jobs = 1;                           // nodes in flight; jobs x Numerics::threads should not exceed the cores
  std::filesystem::path cache, work;      // created when missing
  std::filesystem::path worker;           // the assay-worker program
  const std::atomic<int>* stop = nullptr; // 0 go on; 1 start nothing new, end what runs; 2 kill what runs (scratch stays)
  double progress_seconds = 0.2;          // least time between two on_progress calls
  std::uint64_t file_bytes = std::uint64_t{8} << 30;  // the longest file a worker may write
  SandboxMode sandbox = SandboxMode::automatic;
  std::optional<SlurmProfile> slurm;      // nodes run as tasks of Slurm instead of here; `jobs` says nothing then
  std::filesystem::path program;          // with slurm: what a task starts, as `program node TICKET`
};

struct Running {
  std::string label, stage, what;  // node, its stage, and what the worker said last
  double fraction = 0;             // of the stage, 0 when it said nothing
  double seconds = 0;              // since the node was started
  double cpu_seconds = 0;          // of the stage, all processes; a moment old; 0 when it runs on another machine
  std::uint64_t rss_bytes = 0;     // likewise
};

struct Progress {
  std::int64_t cells = 0, cells_done = 0, cells_failed = 0, cells_reused = 0;  // done includes failed and reused
  std::int64_t artifacts = 0, artifacts_done = 0;  // those that must be made
  std::vector<Running> running;
  double seconds_left = -1;        // from measured costs where there are any, else from the plan's; < 0: unknown
};

struct Summary {
  std::int64_t cells = 0, ok = 0, failed = 0, reused = 0;  // cells: ok + failed + reused, + not reached when interrupted
  std::int64_t artifacts_made = 0, artifacts_reused = 0, artifacts_failed = 0;
  bool interrupted = false;
  double wall_seconds = 0;
};

struct Callbacks {
  // A node ended, whatever the way. Called once for each cell that was not done; for each artifact node that was made
  // or failed; and for each artifact found in the cache, with status "ok" (its stages are those of the process that
  // made it, perhaps long ago). `stages` is empty when a dependency failed: the reason names it.
  // Shard paths are valid until on_settled returns. What it throws ends the run; scratch stays.
  std::function<void(const Finished&)> on_finished;
  // After the nodes that ended about together, a few hundred at most: whoever collects what on_finished was told of puts it
  // on the disk now, in one go. Called at other times too.
  std::function<void()> on_settled;
  // True: the store holds a record for this generation and judgement hash that should stand. A failed record stands
  // too unless the user asked to retry failures; that decision is the caller's.
  std::function<bool(const Node&)> already_done;
  std::function<void(const Progress&)> on_progress;
  // Attempts that the store knows of this node; Finished::attempt is one more. Absent: 0.
  std::function<int(const Node&)> attempts_before;
};

// Runs what is not done. Throws Error(bad_input) for a plan that is no DAG, Error(io) when its own folders cannot be
// written (a full disk: nothing is recorded for the cells in flight, and the next run goes on from them).
Summary run(const Plan& plan, const SchedOptions& options, const Callbacks& callbacks);

// What a task of Slurm does on its node: runs the ticket and writes ended.json beside it. 0: done, now or before
// (a second task of the same ticket waits for the first); 143: ended by a signal, what is done stays. Throws Error for a bad ticket.
int run_ticket(const std::filesystem::path& ticket);

// What run() would do now, in plan order; reads manifests, verifies no digest, changes nothing.
struct Preview {
  std::vector<const Node*> to_run, cached, done;  // artifacts that nobody needs are in none
};
Preview preview(const Plan& plan, const std::filesystem::path& cache,
                const std::function<bool(const Node&)>& already_done);

}  // namespace assay::sched
