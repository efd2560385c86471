// One number of a row: the mean over seeds and its interval. Inside of the board.
#pragma once

#include <string>

#include "results/board/groups.hpp"
#include "results/board/replicates.hpp"

namespace assay::board {

// Without an interval. Of cells that are done.
Value make_value(const Group& group, const Metric& metric);

// Over samples where their outcomes are kept, else over seeds where there are three; none where a seed is missing.
// `by`: the quantity that ranks, whose interval resamples every seed.
void add_interval(Value& value, const Group& group, const Metric& metric, const std::string& by,
                  Replicator& replicator);

}  // namespace assay::board
