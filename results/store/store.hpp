// The results database: shards and plans in, records and outcome columns out. One SQLite file; only this folder knows
// SQL. The schema is in schema/*.sql, its documented views are `leaderboard`, `outcomes`, `attempts` (README.md).
//
// Threading: one Store belongs to one thread. Processes: one writer a database, held by an exclusive lock on
// "<file>.lock"; readers need no lock and see the last committed state while a writer works.
// Durability: every import is one transaction with synchronous=FULL; a killed process leaves all of it or nothing.
// On a network file system WAL is refused and a rollback journal is used instead.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/record/descriptor.hpp"
#include "harness/record/plan.hpp"
#include "results/store/records.hpp"

namespace assay::store {

struct OpenOptions {
  bool write = true;                          // false: read-only, the file must exist
  bool create = true;                         // with write: make the database when it is absent
  int busy_ms = 5000;                         // how long to wait for another connection's transaction
  std::optional<bool> network;                // overrides what the file system says of itself
  std::optional<std::int64_t> max_bytes;      // refuse to grow beyond (a full disk, for tests and quotas)
};

// What one import did.
struct Imported {
  std::int64_t attempt = 0;     // row id
  int n = 0;                    // attempt number within the cell
  bool added = false;           // false: this attempt was stored before, nothing changed
  std::string status, reason;   // as stored (an ok attempt that measured nothing is stored as failed)
  Level level = Level::valid;
};

enum class DumpFormat { csv, jsonl };
struct Dumped {
  std::filesystem::path file;
  std::int64_t rows = 0;
};

// What a merge took from one database, or would take.
struct Merged {
  std::filesystem::path from;
  std::int64_t plans = 0, cells = 0, attempts = 0, claimed = 0;  // added
  std::int64_t known = 0;        // attempts that were there
  std::int64_t replicates = 0;   // of those added: the cell has attempts of another numerics class
  std::int64_t retractions = 0;  // attempts that were there and are retracted now
};

class Store {
 public:
  // Opens and migrates. Throws Error(bad_input): not a database, another application's database, a newer schema, an
  // older schema opened read-only; Error(io): absent, locked by another writer, read-only file, disk full.
  static Store open(const std::filesystem::path& file, const OpenOptions& options = {});
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  const std::filesystem::path& file() const;
  int schema_version() const;
  std::string journal_mode() const;  // "wal", or "delete" on a network file system

  // --- writing ---

  // Records a plan (suite, protocol, cells to expect, claims) and makes it the latest of its suite under its protocol:
  // boards show, and coverage counts, the cells of the latest plan of every suite. Idempotent. Give it the whole plan,
  // not one narrowed by --only. import() does it for a plan that is not recorded yet.
  void record_plan(const Plan& plan);

  // Stores one ended node in one transaction: its attempt, stages, logs, verdicts, and the outcomes in the judge's
  // shard. `plugin` describes node.plugin_id (nullptr where the node has no plugin, or it failed before describing).
  //  * the same shards twice change nothing;
  //  * rule 1: throws Error(constraint) naming what is missing (protocol, data, model, plugin id / version / digest,
  //    seed, machine, build); data and model hash may be missing only where the attempt is not ok;
  //  * a column, score or verdict event in another stage's shard than the judge's is not stored and makes the attempt
  //    INVALID;
  //  * outcomes that differ from those of an earlier ok attempt of the same cell, judgement and numerics class throw
  //    Error(constraint) showing both (bit equality; clock_bounded plugins and host-measured numbers are exempt);
  //  * an ok attempt whose judge recorded no outcome, or whose judge's shard is torn or has no end, is stored as failed.
  Imported import(const Plan& plan, const Finished& finished, const Descriptor* plugin = nullptr);

  // While one lives, everything that is written goes into one transaction, synced once by commit(): many small imports
  // cost little more than one. What fails inside takes back its own work only. Without commit() nothing of it was stored,
  // so shards have to be kept until then. One at a time.
  class Batch {
   public:
    explicit Batch(Store& store);
    ~Batch();
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    void commit();

   private:
    struct Work;
    std::unique_ptr<Work> work_;
  };

  // Takes an attempt out of every board, with a reason; nothing is deleted. Throws Error(bad_input) for an unknown id.
  void retract(std::int64_t attempt, const std::string& reason);

  // Records a second run of an attempt's cell. One that is "different" makes the attempt SUSPECT (rule 7). Throws
  // Error(bad_input) for an unknown attempt.
  void add_repeat(std::int64_t attempt, const RepeatRecord& repeat);

  // Numbers typed in from papers, in a table of their own (rule 12).
  void add_claimed(const ClaimedNumber& number);

  // Takes over what other databases hold and this one does not: plans, cells, attempts with all that hangs on them,
  // retractions, certificates, claimed numbers. One transaction for all of them, rolled back at the end with `dry_run`.
  //  * an attempt is known again by its cell and the digest of its shards, so the same file twice changes nothing;
  //  * what differs under the same identity (as in import(), or in two copies of one attempt, or two claimed numbers of
  //    one source) throws Error(constraint) with the cell, the quantity, both values and both places;
  //  * attempts of another numerics class are added beside the cell's own;
  //  * an attempt that is retracted in one file is retracted in the result;
  //  * a suite's latest plan stays the latest, unless the other's has a higher version; of two certificates of one
  //    plugin the one that failed stands.
  // Throws Error(bad_input): not a database, damaged, another schema version, this database itself.
  std::vector<Merged> merge(const std::vector<std::filesystem::path>& others, bool dry_run = false);

  // --- reading ---

  // True when an ok attempt stands under this judgement that is neither retracted nor INVALID. With a protocol, only
  // attempts made under it count.
  bool has_valid(const std::string& generation, const std::string& judgement, const std::string& protocol = "") const;
  // True when the judge reached a conclusion (status ok or rejected, any level): running again would give the same.
  bool concluded(const std::string& generation, const std::string& judgement, const std::string& protocol = "") const;

  int attempts_known(const std::string& generation) const;                 // the number of the last one; 0: none, or no such node
  std::vector<SuiteRecord> suites() const;                                 // latest plan of every suite and protocol; no submissions
  std::optional<SuiteRecord> suite(const std::string& name) const;         // most recently planned protocol of a suite
  SuiteRecord protocol(const std::string& hash) const;                     // a unique prefix is enough; throws Error(bad_input)
  // Cells of the latest plans on one protocol hash, each with the attempt that stands: the last concluded one, else
  // the last one, else none. Ordered by method, params, subject, axes, seeds.
  std::vector<CellRecord> cells(const std::string& protocol_hash) const;
  // In the order in which their attempts were recorded, the last ones where there are more. Those that never ran are left
  // out.
  std::vector<EarlierCell> earlier_cells(const std::string& protocol_hash, const EarlierLimits& limits = {}) const;
  // Every node ever recorded whose key starts with `prefix` (all kinds).
  CellRecord show(const std::string& prefix) const;                        // throws Error(bad_input) when none or several match
  std::optional<CellRecord> find(const std::string& generation) const;    // by the whole hash
  std::vector<AttemptRecord> attempts(std::int64_t cell) const;            // oldest first
  std::vector<StageRecord> log(const std::string& prefix) const;           // stages of the last attempt, with log tails
  std::vector<OutcomeColumn> outcomes(std::int64_t attempt, const std::string& quantity = "",
                                      const std::string& condition = "") const;  // "" : all
  std::vector<TraceRecord> traces(std::int64_t attempt) const;
  std::vector<ArtifactRecord> artifacts(std::int64_t attempt) const;       // made and used
  std::vector<RepeatRecord> repeats(std::int64_t attempt) const;           // oldest first
  std::vector<PlannedIn> planned_in(std::int64_t cell) const;              // latest first
  std::vector<CertificateRecord> certificates(const std::string& plugin_digest) const;
  std::vector<Claim> claims(const std::string& suite) const;               // of its latest plan
  std::vector<ClaimedNumber> claimed(const std::string& series) const;
  // The documented SQL view `leaderboard` of one protocol, as rows.
  std::vector<LeaderboardRow> leaderboard(const std::string& protocol_hash) const;

  // --- the file as a whole ---

  // Writes the documented views, scores, verdicts and claimed numbers as files of `folder`, which is made; with_samples:
  // "samples" too, one row a unit. Every file is of one state and appears whole. Throws Error(io).
  std::vector<Dumped> dump(const std::filesystem::path& folder, DumpFormat format, bool with_samples) const;
  // Writes what the boards of one protocol show as a database of its own, which merge() reads back: its latest plans, their
  // nodes, of each the attempt that stands with all that hangs on it, certificates, claimed numbers. Superseded attempts and
  // other suites stay behind. The file appears whole. Throws Error(bad_input): no such protocol, `file` is there already.
  Merged extract(const std::string& protocol_hash, const std::filesystem::path& file) const;
  // What is wrong with the file, in words; empty when every page, reference and stored column is whole.
  std::vector<std::string> problems() const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "wal" on a local file system, "delete" on a network one (NFS, SMB, Lustre, FUSE, 9p, ...), by statfs's f_type.
const char* journal_mode_for(std::int64_t filesystem_type);

}  // namespace assay::store
