// A leaderboard: a query on ONE protocol hash, as data. Numbers made under two protocols never meet here. The
// formatters in format.hpp turn it into text; nothing here prints. Deterministic. [one thread: the store's]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "results/stats/stats.hpp"
#include "results/store/store.hpp"

namespace assay::board {

struct Query {
  std::string protocol;             // hash (from Store::suite(name)->protocol_hash)
  std::string by;                   // metric to rank by; "": the suite's
  std::string condition;            // condition to rank at; "": the suite's
  double level = 0.95;              // of intervals and rank ranges
  int resamples = 2000;             // of the samples
  bool require_certificate = true;  // a method without a passed certificate is shown unranked; baselines are exempt
};

// A column of numbers.
struct Metric {
  std::string quantity, condition, configuration;
  std::string grade;                // judged | host-measured | reported (never ranked)
  bool ranked = false;              // the one that orders the board
  std::string title() const;        // "robust_accuracy @ eps=1/10"
};

// One number of a row.
struct Value {
  std::optional<double> mean;       // over seeds; absent when nothing was measured or it may not be shown
  std::vector<double> per_seed;     // in the order of seeds
  std::optional<stats::Interval> interval;
  std::optional<double> numerator, denominator;  // rule 25: sums over seeds, where the metric is a ratio
};

struct Cost {                       // means per cell
  double cpu_seconds = 0, wall_seconds = 0;
  double forward = 0, backward = 0, macs = 0;
  double peak_rss_bytes = 0;
  bool shared = false;              // some time of it was measured while other cells ran (rule 41)
  bool clock_shared = false;        // likewise its timed metrics, which are never ranked then; they may have run alone
  bool known = true;                // false: the outputs were made elsewhere, and the numbers above mean nothing
};

inline constexpr const char* single_run = "single run";  // why a row has no rank (rule 5)

struct Row {
  std::string method, plugin_version, plugin_digest, subject;
  Json params, axes;
  std::vector<Value> values;        // one per Board::metrics
  stats::Coverage coverage;         // rule 2: cells done of cells planned
  store::Level level = store::Level::valid;
  std::string status;               // "ok", else the failures: "2 of 3 crashed"
  std::vector<std::string> reasons; // of verdicts and failures, without repeats
  std::vector<std::string> notes;   // marks with their meaning: "single run", "baseline", "uses outliers", ...
  bool baseline = false, single_run = false, uses_outliers = false, transductive = false;
  bool submitted = false;           // outputs that a user brought: judged and shown, never ranked
  bool ranked = false;
  std::string unranked_because;     // when not ranked
  std::optional<stats::RankRange> rank;
  Cost cost;
  std::vector<std::string> cells;   // generation hashes
};

struct Board {
  store::SuiteRecord suite;
  std::vector<Metric> metrics;      // the ranked one first
  std::vector<Row> rows;            // ranked rows best first, then baselines, then what is not ranked
  std::string rank;                 // "method" | "subject" | "none"
  std::string sentence;             // what is ranked, how, over what: printed above the table
  std::vector<std::string> footnotes;
  std::vector<store::ClaimedNumber> claimed;  // rule 12: shown in a table of their own
};

Board make_board(const store::Store& db, const Query& query);

// Rule 14: per-sample worst case over all VALID attacks of the suite, one row a subject. make_board calls it when the
// suite says rank = "subject".
Board make_subject_board(const store::Store& db, const Query& query);

// A quality-against-axis table of a compress suite (rule 36): one line a method, one point an axis value, the
// uncompressed point included where the suite has it.
struct CurvePoint {
  double x = 0;                     // the axis value, e.g. ratio 8
  std::string label;                // as written: "8"
  std::optional<double> mean;
  std::optional<stats::Interval> interval;
};
struct Curve {
  std::string method, subject;
  bool baseline = false;
  std::vector<CurvePoint> points;   // one per Curves::axis value
};
struct Curves {
  std::string axis, quantity, condition;
  std::vector<Curve> curves;
  std::vector<std::string> notes;
};
// nullopt when no axis of the suite has at least two numeric values.
std::optional<Curves> make_curves(const store::Store& db, const Query& query);

}  // namespace assay::board
