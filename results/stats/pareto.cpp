#include "results/stats/pareto.hpp"

#include "results/stats/checks.hpp"

namespace assay::stats {
namespace {

using Points = std::vector<std::vector<double>>;

// Smaller is better in every objective.
bool dominates(const std::vector<double>& a, const std::vector<double>& b) {
  bool better = false;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k] > b[k]) return false;
    better = better || a[k] < b[k];
  }
  return better;
}

std::vector<bool> front(const Points& points) {
  std::vector<bool> on(points.size(), true);
  for (std::size_t i = 0; i < points.size(); ++i)
    for (std::size_t j = 0; j < points.size() && on[i]; ++j) on[i] = !dominates(points[j], points[i]);
  return on;
}

void check_points(const Points& points, const std::vector<Better>& objectives) {
  if (points.empty() || objectives.empty()) detail::refuse("pareto front", "no points or no objectives");
  for (const auto& point : points) {
    detail::need_numbers("pareto front", point);
    if (point.size() != objectives.size())
      detail::refuse("pareto front", "a point has " + std::to_string(point.size()) + " values for " +
                                         std::to_string(objectives.size()) + " objectives");
  }
}

double oriented(double value, Better better) { return better == Better::higher ? -value : value; }

// How many resamples there are; 0 when every objective of every point is known.
std::size_t count_resamples(const std::vector<UncertainPoint>& points, std::size_t objectives) {
  std::size_t count = 0;
  for (const auto& point : points) {
    if (!point.replicates.empty() && point.replicates.size() != objectives)
      detail::refuse("pareto front", "a point has replicates of " + std::to_string(point.replicates.size()) +
                                         " objectives of " + std::to_string(objectives));
    for (const auto& one : point.replicates) {
      if (one.empty()) continue;
      detail::need_numbers("pareto front", one);
      if (count != 0 && one.size() != count)
        detail::refuse("pareto front", "points have different numbers of resamples");
      count = one.size();
    }
  }
  return count;
}

}  // namespace

std::vector<bool> pareto_front(const Points& points, const std::vector<Better>& objectives) {
  check_points(points, objectives);
  Points turned = points;
  for (auto& point : turned)
    for (std::size_t k = 0; k < point.size(); ++k) point[k] = oriented(point[k], objectives[k]);
  return front(turned);
}

std::vector<FrontMember> uncertain_front(const std::vector<UncertainPoint>& points,
                                         const std::vector<Better>& objectives) {
  Points values;
  for (const auto& point : points) values.push_back(point.values);
  const auto on = pareto_front(values, objectives);
  const std::size_t resamples = count_resamples(points, objectives.size());
  std::vector<FrontMember> out(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    out[i].on_front = on[i];
    out[i].probability = on[i] && resamples == 0 ? 1 : 0;
  }
  const auto at = [&](const UncertainPoint& point, std::size_t k, std::size_t b) {
    const bool known = point.replicates.empty() || point.replicates[k].empty();
    return oriented(known ? point.values[k] : point.replicates[k][b], objectives[k]);
  };
  for (std::size_t b = 0; b < resamples; ++b) {
    for (std::size_t i = 0; i < points.size(); ++i)
      for (std::size_t k = 0; k < objectives.size(); ++k) values[i][k] = at(points[i], k, b);
    const auto now = front(values);
    for (std::size_t i = 0; i < points.size(); ++i) out[i].probability += now[i] ? 1 : 0;
  }
  if (resamples > 0)
    for (FrontMember& one : out) one.probability /= static_cast<double>(resamples);
  return out;
}

}  // namespace assay::stats
