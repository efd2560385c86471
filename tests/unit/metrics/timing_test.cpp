// Intervals of medians. The ranks are scipy's: the largest c with 1 - 2 binom.cdf(c, n, 0.5) >= level, and what it reaches.
#include <doctest/doctest.h>

#include <numeric>

#include "harness/base/rng.hpp"
#include "harness/metrics/timing.hpp"
#include "tests/unit/agreement.hpp"

using namespace assay;
using namespace assay::metrics;
using agreement::Agreement;

TEST_CASE("the interval stands between the order statistics that the binomial distribution gives") {
  struct Row {
    int n;
    double level;
    int cut;
    double reached;
  };
  Agreement reached("median_interval, level (measured_speedup, latency)", "scipy binom.cdf");
  for (const Row& row : {Row{8, 0.95, 0, 0.9921875}, Row{21, 0.95, 5, 0.9733963012695312}, Row{21, 0.99, 4, 0.992802619934082},
                         Row{100, 0.95, 39, 0.9647997997822951}, Row{100, 0.99, 36, 0.9933628794840739},
                         Row{1001, 0.95, 469, 0.9500154764972456}, Row{1001, 0.99, 459, 0.9904859597157918}}) {
    CAPTURE(row.n);
    std::vector<double> values(static_cast<std::size_t>(row.n));
    std::iota(values.rbegin(), values.rend(), 0.0);  // values[i] has rank i once sorted
    const MedianInterval m = median_interval(values, row.level);
    CHECK(m.median == (row.n - 1) / 2.0);
    CHECK(m.low == row.cut);
    CHECK(m.high == row.n - 1 - row.cut);
    reached(m.level, row.reached);
  }
}

TEST_CASE("few values say what level their extremes reach") {
  const MedianInterval m = median_interval({3, 1, 2, 5, 4}, 0.99);
  CHECK(m.low == 1);
  CHECK(m.high == 5);
  CHECK(m.level == doctest::Approx(0.9375));
  CHECK(median_interval({7}, 0.99).level == 0);
  CHECK(median_interval({7}, 0.99).median == 7);
}

TEST_CASE("the interval covers the median as often as it says, of a skewed distribution too") {
  const Rng rng(11, "coverage");
  int covered = 0;
  constexpr int trials = 4000, n = 21;
  for (int t = 0; t < trials; ++t) {
    std::vector<double> values;
    for (int i = 0; i < n; ++i) {
      const double u = static_cast<double>(rng.below(static_cast<std::uint64_t>(t) * n + static_cast<std::uint64_t>(i), 1u << 30)) / (1u << 30);
      values.push_back(u * u * u);  // median 1/8
    }
    const MedianInterval m = median_interval(values, 0.95);
    covered += m.low <= 0.125 && 0.125 <= m.high;
  }
  CHECK(covered > 0.9733 * trials - 4 * 10.2);  // 10.2: the standard deviation of the count
  CHECK(covered < 0.9733 * trials + 4 * 10.2);
}
