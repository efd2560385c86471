// Pareto fronts, and how sure they are. [any-thread] Pure. Throws Error(bad_input) on empty or ragged input, or NaN.
#pragma once

#include <string>
#include <vector>

namespace assay::stats {

enum class Better { higher, lower };

// points[i][k]: objective k of point i. A point is on the front when no other is at least as good in every objective
// and better in one; points that are equal in all are on it together. O(n^2 k).
std::vector<bool> pareto_front(const std::vector<std::vector<double>>& points, const std::vector<Better>& objectives);

// A point with its uncertainty: replicates[k][b] of objective k from resample b, the same resample for all points and
// objectives, so that what moves together stays together. Empty: objective k is known, values[k] stands in every
// resample.
struct UncertainPoint {
  std::vector<double> values;
  std::vector<std::vector<double>> replicates;
};
struct FrontMember {
  bool on_front = false;   // by the values
  double probability = 0;  // share of resamples in which it is on the front; 0 or 1 when nothing has replicates
};
std::vector<FrontMember> uncertain_front(const std::vector<UncertainPoint>& points,
                                         const std::vector<Better>& objectives);

}  // namespace assay::stats
