// Every metric's definition, so that a number cannot be misread: what `assay info METRIC` prints, what the board
// takes directions and pools from, and what `rescore` evaluates. Constant data. [any-thread]
//
// Column conventions between judge and board (the `quantity` of a column event, one value per unit):
//   correct     0/1     prediction equals label               attack: condition "clean"; detect: "id"; predict, compress: "test";
//                                                              reduce: "test", and "reduced" for the set trained on
//   lost        -1/0/1  correct by the net on the full set less correct by that on the reduced one   reduce: "test"
//   robust      0/1     correct without attack and still correct under it, all checks passed       attack: "eps=..."
//   success     0/1     counted adversarial example            attack: "eps=..."
//   eligible    0/1     in the denominator of the success rate attack: "eps=..."
//   distance    real    norm of x' - x in the threat's norm    attack: "eps=..."
//   falsified, verified, partly_safe, unknown   0/1, one of them 1; decided: the first two   falsify: "eps=..."
//   least_l1    real    mean change of an element, 0 without a counter-example; standing 0/1: it has none   falsify
//   agrees, violated, false_safe, false_safe_fine   0/1, of the inputs that the host enumerated   falsify
//   witness_l1, _l2, _l0, _linf, on_grid   of the inputs with a counter-example   falsify
//   score       real    higher = more anomalous                detect: "id" for in-distribution, "near:<set>", "far:<set>"
//   nll, brier, confidence   real                              predict, compress: "test"
//   label, predicted  class index                              predict, compress: "test"; detect: label "id", predicted at
//                                                              all; predicted also of each member of an ensemble,
//                                                              configuration "member:<model>"
//   label_rank  1..classes  classes scored ahead of the label, and 1   predict, compress: "test"
// Scores (score events) carry the metric's id as `quantity` and the same condition.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

namespace assay::metrics {

enum class Direction { higher, lower, none };  // none: a description, never ranked

// How the metric follows from per-unit columns.
enum class Pool {
  none,        // cannot be rebuilt from per-unit outcomes (a ratio of two sizes)
  mean,        // mean of columns[0]
  ratio,       // sum(columns[0] where columns[1]) / sum(columns[1])
  rank,        // statistic of columns[0] at `reference` (in-distribution) against columns[0] at the condition
  statistic,   // of the columns, all over the same units: calibration, classes, selective prediction
  members      // of columns[0] of every member (configurations "member:..."), and of columns[1] where there is one
};
inline constexpr const char* member_prefix = "member:";

struct MetricInfo {
  std::string id;
  std::string definition;  // one sentence
  Direction direction = Direction::none;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::string unit;        // "" for a plain fraction
  std::string rule;        // positive class, ties, interpolation, denominator, binning; "" when there is nothing to say
  std::string citation;
  Pool pool = Pool::none;
  std::vector<std::string> columns;  // quantities that the pool reads
  std::string reference;             // condition of the reference sample of a rank pool
  std::vector<std::string> tasks;    // whose judge records it: attack, detect, predict, compress
  bool of_subject = false;           // quality of the attacked model: an attack is the better for making it worse
  // Of a timing: columns of unit "round", one, or two whose ratio by round it is the median of.
  std::vector<std::string> rounds = {};

  bool higher_is_better() const { return direction == Direction::higher; }
  bool better(double a, double b) const { return direction == Direction::lower ? a < b : direction == Direction::higher && a > b; }
};

const std::vector<MetricInfo>& registry();          // in display order
const MetricInfo* find(const std::string& id);      // nullptr when unknown
const MetricInfo& info(const std::string& id);      // throws Error(bad_input) with the nearest name

// Ids of the metrics that a task's judge records, in display order; empty for an unknown task.
std::vector<std::string> metrics_of(const std::string& task);

// The metric from its columns: mean {values}; ratio {success, eligible}; rank {in, out}; statistic: as listed; members:
// {predicted of each member..., the other columns as listed}. Not a number where the metric is not defined (an error
// correlation of a member that is always right). Throws Error(bad_input) for Pool::none and for a wrong number of columns.
double evaluate(const std::string& id, const std::vector<std::span<const double>>& columns);

}  // namespace assay::metrics
