#include "results/stats/effects.hpp"

#include <algorithm>
#include <cmath>

#include "results/stats/checks.hpp"
#include "results/stats/distributions.hpp"

namespace assay::stats {
namespace {

void check_rope(const Rope& rope) {
  if (!(rope.lo < rope.hi) || !std::isfinite(rope.lo) || !std::isfinite(rope.hi))
    detail::refuse("practical equivalence", "the region [" + std::to_string(rope.lo) + ", " + std::to_string(rope.hi) +
                                                "] is empty or unbounded");
}

// Dominance of each value of `of` over the sorted `others`: share below minus share above. Adds the number of pairs
// that differ to `unequal`.
std::vector<double> dominance(std::span<const double> of, const std::vector<double>& others, double& unequal) {
  std::vector<double> out;
  out.reserve(of.size());
  for (const double v : of) {
    const auto [first, last] = std::equal_range(others.begin(), others.end(), v);
    const double below = static_cast<double>(first - others.begin()), above = static_cast<double>(others.end() - last);
    unequal += below + above;
    out.push_back((below - above) / static_cast<double>(others.size()));
  }
  return out;
}

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> out(values.begin(), values.end());
  std::sort(out.begin(), out.end());
  return out;
}

double squares_about(const std::vector<double>& values, double centre) {
  double sum = 0;
  for (const double v : values) sum += (v - centre) * (v - centre);
  return sum;
}

// Limits of delta from its variance; `smaller`: size of the smaller group.
std::pair<double, double> delta_limits(double d, double variance, double z, double smaller) {
  const double edge = (smaller - z * z) / (smaller + z * z);
  if (d >= 1) return {edge, 1};
  if (d <= -1) return {-1, -edge};
  const double z2v = z * z * variance, half = z * std::sqrt(variance) * std::sqrt((1 - d * d) * (1 - d * d) + z2v);
  const double centre = d - d * d * d, scale = 1 - d * d + z2v;
  return {std::max(-1.0, (centre - half) / scale), std::min(1.0, (centre + half) / scale)};
}

}  // namespace

MeanDifference mean_difference(std::span<const double> a, std::span<const double> b, const std::string& over,
                               double level) {
  const auto values = detail::differences("mean difference", a, b);
  MeanDifference out;
  out.interval = student(values, over, level);
  out.difference = detail::mean_of(values);
  const double n = static_cast<double>(values.size());
  out.sd = std::sqrt(squares_about(values, out.difference) / (n - 1));
  out.standard_error = out.sd / std::sqrt(n);
  out.standardized = out.difference == 0 ? 0 : out.difference / out.sd;
  return out;
}

GroupEffect cliffs_delta(std::span<const double> a, std::span<const double> b, double level) {
  detail::need_numbers("cliff's delta", a);
  detail::need_numbers("cliff's delta", b);
  detail::need_at_least("cliff's delta", a.size(), 2);
  detail::need_at_least("cliff's delta", b.size(), 2);
  detail::need_share("cliff's delta", "level", level);
  double unequal = 0, again = 0;
  const auto rows = dominance(a, sorted(b), unequal), columns = dominance(b, sorted(a), again);
  const double m = static_cast<double>(a.size()), n = static_cast<double>(b.size()), d = detail::mean_of(rows);
  double variance = n * n * squares_about(rows, d) + m * m * squares_about(columns, -d) - (unequal - m * n * d * d);
  variance /= m * n * (m - 1) * (n - 1);
  variance = std::max(variance, (1 - d * d) / (m * n - 1));
  GroupEffect out;
  out.delta = d;
  const auto [lo, hi] = delta_limits(d, variance, detail::normal_quantile(0.5 + level / 2), std::min(m, n));
  out.interval = {lo, hi, level, "seeds", static_cast<std::int64_t>(a.size() + b.size()), "Feng-Cliff"};
  out.superiority = (d + 1) / 2;
  out.superiority_interval = out.interval;
  out.superiority_interval.lo = (lo + 1) / 2;
  out.superiority_interval.hi = (hi + 1) / 2;
  return out;
}

const char* practical_name(Practical verdict) {
  switch (verdict) {
    case Practical::equivalent:
      return "equivalent";
    case Practical::different:
      return "different";
    case Practical::undecided:
      break;
  }
  return "undecided";
}

Practical practical(const Interval& interval, const Rope& rope) {
  check_rope(rope);
  const double ends[] = {interval.lo, interval.hi};
  detail::need_numbers("practical equivalence", ends);
  if (interval.lo >= rope.lo && interval.hi <= rope.hi) return Practical::equivalent;
  return interval.lo > rope.hi || interval.hi < rope.lo ? Practical::different : Practical::undecided;
}

Equivalence equivalence_test(std::span<const double> a, std::span<const double> b, const EquivalenceOptions& options) {
  check_rope(options.rope);
  if (!(options.alpha > 0 && options.alpha < 0.5))
    detail::refuse("practical equivalence", "alpha " + std::to_string(options.alpha) + " is outside (0, 0.5)");
  const MeanDifference found = mean_difference(a, b, options.over, 1 - 2 * options.alpha);
  const double df = static_cast<double>(a.size()) - 1;
  const auto tail = [&](double gap) {  // P of a t this large or larger when the truth is on the border
    if (found.standard_error == 0) return gap > 0 ? 0.0 : 1.0;
    return detail::student_cdf(-gap / found.standard_error, df);
  };
  Equivalence out;
  out.p_lower = tail(found.difference - options.rope.lo);
  out.p_upper = tail(options.rope.hi - found.difference);
  out.p = std::max(out.p_lower, out.p_upper);
  out.interval = found.interval;
  if (out.p <= options.alpha)
    out.verdict = Practical::equivalent;
  else if (out.interval.lo > options.rope.hi || out.interval.hi < options.rope.lo)
    out.verdict = Practical::different;
  return out;
}

}  // namespace assay::stats
