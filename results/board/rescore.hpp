// Metrics again from the stored per-unit outcomes: those that a judge recorded, checked, and any other of the registry
// whose columns are there. Deterministic. [one thread: the store's]
#pragma once

#include <string>
#include <vector>

#include "results/board/board.hpp"

namespace assay::board {

struct Rescored {
  std::string method, subject;
  Json params, axes;
  std::string quantity, condition, configuration;
  std::int64_t cells = 0;          // that are done and have the columns
  double mean = 0;                 // over them, computed now
  std::optional<double> recorded;  // the mean of what their judges recorded; none where one of them has no such score
  std::optional<double> numerator, denominator;  // rule 25: sums over the cells, where the metric is a ratio of counts
  double gap = 0;                  // largest |now - recorded| of a cell
  bool agrees = true;              // gap is rounding: below 1e-9 of the number's size
};

// One row a method, subject, axes, metric, condition and configuration of the latest plans on the protocol, in the order
// of the board's groups and of the registry. `metric` "": all. Throws Error(bad_input) for an unknown metric, or one
// that per-unit outcomes cannot give.
std::vector<Rescored> rescore(const store::Store& db, const std::string& protocol, const std::string& metric = "");

}  // namespace assay::board
