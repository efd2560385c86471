// Area under the ROC curve with its sampling error, for one detector and for two on the same inputs (rule 45): DeLong,
// DeLong & Clarke-Pearson (1988), by the O(n log n) algorithm of Sun & Xu (2014). Scores are oriented as everywhere:
// higher = more anomalous, the positive class is out-of-distribution. [any-thread] Throws Error(bad_input) on NaN,
// unequal lengths, or fewer than two values of a class; infinite scores are ordinary (they only rank).
#pragma once

#include "results/stats/intervals.hpp"

namespace assay::stats {

struct DelongAuroc {
  double auroc = 0.5;  // P(out > in) + P(out = in) / 2
  double standard_error = 0;
  Interval interval;  // auroc +- z se, cut to [0, 1], over "samples"
  // The same on the logit scale (Pepe 2003): logit(A) +- z se / (A (1 - A));: stays inside (0, 1) and covers better
  // near 1. Equal to `interval` where the area is 0 or 1 and the logit does not exist.
  Interval logit_interval;
};
DelongAuroc delong(std::span<const double> in, std::span<const double> out, double level = 0.95);

// Scores of one detector on both classes; input i is the same for both detectors.
struct DetectorScores {
  std::span<const double> in, out;
};
struct DelongTest {
  double auroc_a = 0.5, auroc_b = 0.5;
  double difference = 0;      // auroc_a - auroc_b
  double standard_error = 0;  // of the difference, with the covariance of the pair
  double z = 0, p = 1;        // normal, two-sided
  Interval interval;          // of the difference, over "samples"
  // The estimated error is 0, as when both detectors separate perfectly or rank alike: p is then 1 for equal areas and
  // 0 otherwise, and says nothing about chance.
  bool degenerate = false;
};
DelongTest delong_paired(const DetectorScores& a, const DetectorScores& b, double level = 0.95);

}  // namespace assay::stats
