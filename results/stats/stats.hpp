// Statistics of comparison, all of them. The parts say what they hold: intervals, paired tests, areas under the ROC
// curve, many methods, effect sizes and practical equivalence, power, Pareto fronts.
#pragma once

#include "results/stats/auroc.hpp"
#include "results/stats/effects.hpp"
#include "results/stats/intervals.hpp"
#include "results/stats/many.hpp"
#include "results/stats/paired.hpp"
#include "results/stats/pareto.hpp"
#include "results/stats/power.hpp"
#include "results/stats/rank_sum.hpp"

namespace assay::stats {

// Rule 2.
struct Coverage {
  std::int64_t done = 0, planned = 0;
  double share() const { return planned == 0 ? 0 : static_cast<double>(done) / static_cast<double>(planned); }
  std::string str() const { return std::to_string(done) + " of " + std::to_string(planned); }
};

}  // namespace assay::stats
