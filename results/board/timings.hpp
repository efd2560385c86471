// Rounds of timed cells, by which timings are compared (rule 44). Inside of the board. [one thread: the store's]
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "results/board/board.hpp"

namespace assay::board {

// How pairs of timings are told apart, for readers.
inline const std::string timing_note =
    fmt::format("timings differ where a rank sum test of their rounds says that one is more than {:g} times the other (rule 44)",
                stats::least_timing_factor);

// Whether the metric is a timing of the host's clock that keeps its rounds.
bool is_timing(const Metric& metric);

// The timing on every round of these cells, the cells one after another; empty where a cell lacks its rounds.
std::vector<double> rounds_of(const store::Store& db, const Metric& metric, const std::vector<const store::CellRecord*>& cells);

}  // namespace assay::board
