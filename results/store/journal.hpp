// What one stage's shard says, sorted by kind. Inside of the store. [any-thread]
#pragma once

#include <string>
#include <vector>

#include "harness/record/plan.hpp"
#include "results/store/records.hpp"

namespace assay::store {

struct Journal {
  std::vector<Column> columns;           // ids ascending and unique
  std::vector<ScoreRecord> scores;
  std::vector<VerdictRecord> verdicts;
  std::vector<TraceRecord> traces;       // last value of each (name, step), in order of first appearance
  Json counters, phases;
  std::string forged;                    // what an untrusted stage wrote that only a judge may: "2 score events"
  bool present = false, torn = false, ended = false;
  std::string sha256;
};

// `trusted`: the stage may bring columns, scores and verdicts (judge; certify for its own checks). Throws
// Error(bad_input) naming the shard and the event when one is malformed.
Journal read_journal(const StageResult& stage, bool trusted, bool plugin);

}  // namespace assay::store
