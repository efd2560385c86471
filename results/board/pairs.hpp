// The rows of a board two by two: paired differences of the ranked metric, as the rank ranges see them (rules 45, 48
// and 50). Deterministic. [one thread: the store's]
#pragma once

#include <string>
#include <vector>

#include "results/board/board.hpp"

namespace assay::board {

struct Pair {
  std::size_t a = 0, b = 0;  // rows of the board, a < b
  double difference = 0;     // mean of a - mean of b, in the metric's unit
  stats::Interval interval;  // over samples and seeds, paired by both (stats::difference)
  double p = 1, p_holm = 1;  // two-sided; Holm over all pairs
};

struct Pairs {
  std::vector<Pair> pairs;
  int resamples = 0;
  std::string note;  // why there is none, or which rows are left out; "" when all are in
};

inline constexpr std::size_t pairs_shown = 40;  // rows whose pairs are made where nothing else is said

// Of the first `most` rows that stand at the board's rank point with every planned cell done and nothing INVALID, rows
// of one subject with each other; on a board of subjects the subjects, by their worst cases.
Pairs make_pairs(const store::Store& db, const Query& query, const Board& board, std::size_t most = pairs_shown);

}  // namespace assay::board
