// Correlations, lines, areas and crossings; intervals of two sources of error. References: fixtures/make_correlations.py.
#include "results/stats/correlation.hpp"

#include "agreement.hpp"
#include "results/stats/components.hpp"

using namespace assay;
using namespace assay::stats;
using namespace agreement;

namespace {

const Json& fixture() {
  static const Json json = read_fixture("correlations.json");
  return json;
}

using Values = std::vector<double>;

}  // namespace

TEST_CASE("correlations and lines equal scipy's, ties on both sides included") {
  Agreement p("pearson", "scipy pearsonr"), s("spearman", "scipy spearmanr"), k("kendall", "scipy kendalltau"),
      w("weighted_tau", "scipy weightedtau"), line("fit_line", "scipy linregress"), area("mean_height", "numpy trapz");
  for (const Json& one : fixture().at("pairs").as_array()) {
    const auto x = reals(one.at("x")), y = reals(one.at("y"));
    p(pearson(x, y), real(one, "pearson"));
    s(spearman(x, y), real(one, "spearman"));
    k(kendall(x, y), real(one, "kendall"));
    w(weighted_tau(x, y), real(one, "weighted"));
    const Line fit = fit_line(x, y);
    line(fit.slope, real(one, "slope"));
    line(fit.intercept, real(one, "intercept"));
    line(fit.r2, real(one, "r2"));
    if (one.at("height").is_null()) continue;
    std::vector<std::pair<double, double>> points;
    for (std::size_t i = 0; i < x.size(); ++i) points.emplace_back(x[i], y[i]);
    std::sort(points.begin(), points.end());
    Values sx, sy;
    for (const auto& [a, b] : points) {
      sx.push_back(a);
      sy.push_back(b);
    }
    area(mean_height(sx, sy), real(one, "height"));
  }
}

TEST_CASE("a side that does not vary has no correlation, and no line where it is x") {
  const Values flat = {1, 1, 1}, rising = {1, 2, 3};
  for (const auto f : {pearson, spearman, kendall, weighted_tau}) {
    CHECK(std::isnan(f(flat, rising)));
    CHECK(std::isnan(f(rising, flat)));
  }
  CHECK(std::isnan(fit_line(flat, rising).slope));
  CHECK(fit_line(rising, flat).slope == 0);
  CHECK(fit_line(rising, flat).r2 == 1);
  CHECK_THROWS_AS(pearson(flat, Values{1, 2}), Error);
  CHECK_THROWS_AS(kendall(Values{1}, Values{1}), Error);
}

TEST_CASE("the first crossing: between points, at a point, twice, never") {
  const Values x = {1, 2, 4, 8}, up = {0, 1, 2, 3}, level = {0.5, 0.5, 0.5, 0.5}, wave = {0, 1, 0, 1}, one = {1, 1, 1, 1};
  CHECK(first_crossing(x, {up, level}) == 1.5);
  CHECK(first_crossing(x, {up, one}) == 2);
  CHECK(first_crossing(x, {wave, level}) == 1.5);
  CHECK(first_crossing(x, {up, Values{2, 2, 1.5, 1}}) == doctest::Approx(2 + 2 * 1.0 / 1.5));
  CHECK(std::isnan(first_crossing(x, {up, Values{9, 9, 9, 9}})));
}

TEST_CASE("two sources of error: Satterthwaite's interval and p equal scipy's") {
  Agreement ends("component_test interval", "scipy t on Satterthwaite's formula"),
      df("component_test degrees of freedom", "Satterthwaite's formula"), p("component_test p", "scipy t");
  for (const Json& one : fixture().at("parts").as_array()) {
    const Components parts{real(one, "estimate"), real(one, "sample"), one.at("n").as_int(), real(one, "seed"), one.at("k").as_int()};
    const ComponentTest got = component_test(parts, real(one, "level"));
    ends(got.interval.lo, real(one, "lo"));
    ends(got.interval.hi, real(one, "hi"));
    df(got.df, real(one, "df"));
    p(got.p, real(one, "p"));
  }
}

TEST_CASE("intervals of two sources say over what they are; a jackknifed mean has the variance of a mean [rule 6]") {
  CHECK(component_test({0.1, 0.01, 100, 0.01, 3}).interval.over == "samples and seeds");
  CHECK(component_test({0.1, 0.01, 100, 0.01, 3}).interval.n == 3);
  CHECK(component_test({0.1, 0.01, 100, 0, 0}).interval.over == "samples");
  CHECK(component_test({0.1, 0, 0, 0.01, 3}).interval.over == "seeds");
  const ComponentTest none = component_test({0.1, 0, 100, 0, 3});
  CHECK(none.interval.lo == none.interval.hi);
  CHECK(none.p == 0);
  // 1, 2, 6: mean 3, s^2 = 7; without each: 4, 3.5, 1.5
  CHECK(jackknife_variance(Values{4, 3.5, 1.5}) == doctest::Approx(7.0 / 3));
  CHECK_THROWS_AS(component_test({0.1, -1, 10, 0, 0}), Error);
}

TEST_CASE("seeds needed: with seeds alone as the paired t test, and none where the samples are what is missing") {
  const double sd = 0.05;
  const Components seeds{0.055, 0, 0, sd * sd / 3, 3};
  CHECK(seeds_needed(seeds) == paired_needed(0.055, sd));
  CHECK_FALSE(seeds_needed({0.01, 0.01 * 0.01, 500, 1e-6, 3}));
  const auto more = samples_needed({0.01, 0.01 * 0.01, 500, 0, 0});
  REQUIRE(more);
  // (1.96 + 0.84)^2 times as many, but for the degrees of freedom
  CHECK(static_cast<double>(*more) == doctest::Approx(500 * 7.849).epsilon(0.01));
  CHECK_FALSE(samples_needed({0, 0.01, 500, 0, 0}));
  CHECK_FALSE(seeds_needed({0, 0, 0, 0.01, 3}));
}
