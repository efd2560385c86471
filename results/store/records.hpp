// What the store hands out, as plain data. [any-thread]
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/record/job.hpp"
#include "harness/record/plan.hpp"
#include "harness/record/shard.hpp"

namespace assay::store {

enum class Level { valid, suspect, invalid };
const char* level_name(Level level);  // "VALID" "SUSPECT" "INVALID"

struct VerdictRecord {
  Level level = Level::valid;
  int rule = 0;             // 0: no rule of the list
  std::string reason;
};

struct ScoreRecord {
  std::string quantity, condition, configuration, grade;  // grade: judged | host-measured | reported
  double value = 0;
  std::int64_t n = 0;
  Json extra;               // the event's other fields: numerator, denominator, mode, bins, ...
};

struct AttemptRecord {
  std::int64_t id = 0;
  int n = 0;
  std::string status, reason;     // ok failed rejected crashed timeout oom cancelled
  std::string protocol, judgement, numerics, data_hash, model_hash, machine, build, retracted;
  Json host, counters;
  double wall_seconds = 0, cpu_seconds = 0;
  // Of the nodes that ran the links of a chain before this attempt, its last one; read with cells(), else 0.
  double links_wall_seconds = 0, links_cpu_seconds = 0;
  std::uint64_t peak_rss_bytes = 0;
  std::int64_t forward = 0, backward = 0, macs = 0;
  Level level = Level::valid;
  std::vector<VerdictRecord> verdicts;
  std::vector<ScoreRecord> scores;
};

struct CellRecord {
  std::int64_t id = 0;
  std::string kind, generation, label, method, subject, judgement, numerics;  // kind: prepare train certify cell
  Json params, axes, identity;           // axes without the seed
  Seeds seeds;
  bool baseline = false;
  std::string plugin_id, plugin_version, plugin_digest;
  std::shared_ptr<const Json> descriptor;  // one for all cells of a plugin that were read together; null: never described
  std::optional<AttemptRecord> standing;
  bool submitted() const { return plugin_version == submitted_version; }
};

// A cell that an earlier plan of a protocol held and no latest one does: another version of the plugin, other numerics,
// a method that was taken out.
struct EarlierCell {
  CellRecord cell;                       // standing: as for cells()
  int version = 1;                       // of the last suite that held it
};

// How far back a history goes: a protocol's plans in the order of their last use, and cells.
struct EarlierLimits {
  int plans = 12, cells = 1000;
};

// A second run of the cell, compared with the attempt (rule 7).
struct RepeatRecord {
  std::string verdict, says;             // identical | equivalent | different, and the comparison in a sentence
  std::string machine, build, numerics;  // of the second run
  std::int64_t columns = 0, units = 0, scores = 0;  // what was compared
  Json deviations;                       // what differs: [{quantity, condition, ...}, ...]
};

// A plan that holds a cell.
struct PlannedIn {
  std::string suite, file, file_sha256, protocol;
};

struct StageRecord {
  std::string stage, status, reason, shard_sha256, log_tail;
  int exit_code = 0, signal = 0;
  double wall_seconds = 0, cpu_seconds = 0;
  std::uint64_t peak_rss_bytes = 0;
  Json phases;                           // [{name, wall, cpu}]
};

// A column as stored, decoded.
struct OutcomeColumn : Column {
  std::int64_t attempt = 0;
  std::string sha256;                    // of ids then values, little-endian: equal digests are equal bits
};

struct TraceRecord {
  std::string name, grade;
  std::int64_t step = 0;
  double value = 0;
};

struct ArtifactRecord {
  std::string name, sha256;
  std::uint64_t bytes = 0;
  bool made = false;                     // false: used as an input
};

struct CertificateRecord {
  std::string plugin_digest, plugin, role, check;
  bool passed = false;
  double value = 0;
  std::string detail;
};

struct ClaimedNumber {
  std::string series, method, subject, quantity, condition, source;  // source: citation, page or table
  double value = 0;
};

// The latest plan of a suite under one protocol.
struct SuiteRecord {
  std::string name, task, file, sha256, protocol_hash, series, rank_by, rank, condition, on_failure;
  int version = 1;
  double min_coverage = 1;
  Json protocol;
  Json rank_axes;                        // {"ratio": "8"}: where on the axes the board ranks; {}: everywhere
  std::int64_t used = 0;                 // plans in the order of their last use: the largest is the last run's
};

struct LeaderboardRow {
  std::string method, plugin_version, plugin_digest, params, subject, axes, condition, configuration, quantity, grade, level;
  bool baseline = false;
  double mean = 0;
  std::int64_t seeds = 0, done = 0, planned = 0;
};

}  // namespace assay::store
