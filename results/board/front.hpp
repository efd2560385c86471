// Quality against cost: which rows are on the Pareto front, and how sure that is. Deterministic. [one thread: the store's]
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "results/board/board.hpp"

namespace assay::board {

// What a row costs: "forward" and "backward" passes and "macs" are the host's counts, "cpu" seconds; means per cell.
const std::vector<std::string>& cost_kinds();

struct FrontRow {
  std::size_t row = 0;     // of the board
  double quality = 0, cost = 0;
  bool on_front = false;   // by the means
  double probability = 0;  // share of resamples of the test samples in which it is on the front; costs stand as measured
};
struct Front {
  std::string cost;
  std::vector<FrontRow> rows;
  int resamples = 0;
  std::string note;        // why there is none, or what is left out; "" for neither
};

// Of the rows that may be compared, on one subject with each other: the ranked metric against the cost, less is better.
// Rows whose cost is unknown (submitted) are left out; so is CPU time that was taken under shared load (rule 41). A board of
// subjects has no front: its cost is the attacks'. Throws Error(bad_input) for an unknown cost.
Front make_front(const store::Store& db, const Query& query, const Board& board, const std::string& cost);

}  // namespace assay::board
