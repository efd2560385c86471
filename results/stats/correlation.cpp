#include "results/stats/correlation.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "results/stats/checks.hpp"
#include "results/stats/midranks.hpp"

namespace assay::stats {
namespace {

using detail::mean_of;

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

void need(const char* what, std::span<const double> x, std::span<const double> y) {
  detail::need_pairs(what, x, y);
  detail::need_at_least(what, x.size(), 2);
}

struct Moments {
  double xx = 0, yy = 0, xy = 0, mean_x = 0, mean_y = 0;
};

Moments moments(std::span<const double> x, std::span<const double> y) {
  Moments m;
  m.mean_x = mean_of(x);
  m.mean_y = mean_of(y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    m.xx += (x[i] - m.mean_x) * (x[i] - m.mean_x);
    m.yy += (y[i] - m.mean_y) * (y[i] - m.mean_y);
    m.xy += (x[i] - m.mean_x) * (y[i] - m.mean_y);
  }
  return m;
}

double sign(double v) { return v > 0 ? 1 : v < 0 ? -1 : 0; }

// Ranks from 0, the largest first; ties by `then`, the largest first, and then the later one first, as in scipy.
std::vector<double> descending(std::span<const double> by, std::span<const double> then) {
  std::vector<std::size_t> order(by.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (by[a] != by[b]) return by[a] > by[b];
    if (then[a] != then[b]) return then[a] > then[b];
    return a > b;
  });
  std::vector<double> rank(by.size());
  for (std::size_t r = 0; r < order.size(); ++r) rank[order[r]] = static_cast<double>(r);
  return rank;
}

double weighted_tau_by(std::span<const double> x, std::span<const double> y, const std::vector<double>& rank) {
  double both = 0, in_x = 0, in_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const double weight = 1 / (rank[i] + 1) + 1 / (rank[j] + 1);
      const double dx = sign(x[i] - x[j]), dy = sign(y[i] - y[j]);
      both += weight * dx * dy;
      in_x += weight * dx * dx;
      in_y += weight * dy * dy;
    }
  return in_x == 0 || in_y == 0 ? undefined : both / std::sqrt(in_x) / std::sqrt(in_y);
}

}  // namespace

double pearson(std::span<const double> x, std::span<const double> y) {
  need("pearson", x, y);
  const Moments m = moments(x, y);
  if (m.xx == 0 || m.yy == 0) return undefined;
  return std::clamp(m.xy / std::sqrt(m.xx) / std::sqrt(m.yy), -1.0, 1.0);
}

double spearman(std::span<const double> x, std::span<const double> y) {
  need("spearman", x, y);
  return pearson(detail::midranks(x).ranks, detail::midranks(y).ranks);
}

double kendall(std::span<const double> x, std::span<const double> y) {
  need("kendall", x, y);
  double both = 0, in_x = 0, in_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const double dx = sign(x[i] - x[j]), dy = sign(y[i] - y[j]);
      both += dx * dy;
      in_x += dx * dx;
      in_y += dy * dy;
    }
  return in_x == 0 || in_y == 0 ? undefined : both / std::sqrt(in_x) / std::sqrt(in_y);
}

double weighted_tau(std::span<const double> x, std::span<const double> y) {
  need("weighted_tau", x, y);
  return (weighted_tau_by(x, y, descending(x, y)) + weighted_tau_by(x, y, descending(y, x))) / 2;
}

Line fit_line(std::span<const double> x, std::span<const double> y) {
  need("fit_line", x, y);
  const Moments m = moments(x, y);
  if (m.xx == 0) return {undefined, undefined, undefined};
  Line line;
  line.slope = m.xy / m.xx;
  line.intercept = m.mean_y - line.slope * m.mean_x;
  line.r2 = m.yy == 0 ? 1 : std::min(1.0, m.xy * m.xy / (m.xx * m.yy));
  return line;
}

double mean_height(std::span<const double> x, std::span<const double> y) {
  need("mean_height", x, y);
  double area = 0;
  for (std::size_t i = 1; i < x.size(); ++i) area += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
  return x.back() > x.front() ? area / (x.back() - x.front()) : undefined;
}

double first_crossing(std::span<const double> x, const Crossing& curves) {
  need("first_crossing", x, curves.a);
  need("first_crossing", x, curves.b);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double here = curves.a[i] - curves.b[i];
    if (here == 0) return x[i];
    if (i == 0) continue;
    const double before = curves.a[i - 1] - curves.b[i - 1];
    if (sign(before) != sign(here)) return x[i - 1] + (x[i] - x[i - 1]) * before / (before - here);
  }
  return undefined;
}

}  // namespace assay::stats
