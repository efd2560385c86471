// Medians of repeated timings with distribution-free intervals.
#pragma once

#include <vector>

namespace assay::metrics {

struct MedianInterval {
  double median = 0, low = 0, high = 0;
  double level = 0;  // that [low, high] reaches: at least the one asked for, or what the extremes of few values give
};

// The interval between two order statistics, as narrow as the binomial distribution of the number of values below the
// median allows (Conover 1999, section 3.2); no assumption but independent draws. `values` is not empty; 0 < level < 1.
MedianInterval median_interval(std::vector<double> values, double level);

}  // namespace assay::metrics
