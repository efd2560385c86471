// BCa, two-level and Student's intervals, effect sizes, equivalence, power and Pareto fronts against other
// implementations.
#include "agreement.hpp"
#include "results/stats/stats.hpp"

using namespace assay::stats;
using namespace agreement;

TEST_CASE("BCa equals scipy's on scipy's replicates, and is near it on our own") {
  Agreement same("bca_interval", "scipy bootstrap, on its replicates");
  for (const auto& c : python().at("bca").as_array()) {
    BootstrapOptions options;
    options.level = real(c, "level");
    const BcaInput input{real(c, "estimate"), reals(c, "replicates"), reals(c, "jackknife")};
    const Interval got = bca_interval(input, options, "samples", 1);
    same(got.lo, real(c, "lo"));
    same(got.hi, real(c, "hi"));
    if (c.at("kind").as_string() != "mean") continue;
    options.kind = Resampling::bca;
    options.resamples = 4000;
    const auto data = reals(c, "data");
    const Interval own = bootstrap_samples(data, options);
    CHECK(own.method == "BCa bootstrap");
    CHECK(std::abs(own.lo - real(c, "lo")) < 0.25 * (got.hi - got.lo));
    CHECK(std::abs(own.hi - real(c, "hi")) < 0.25 * (got.hi - got.lo));
    const auto mean = [&](std::span<const std::uint32_t> at) {
      double sum = 0;
      for (const auto i : at) sum += data[i];
      return sum / static_cast<double>(at.size());
    };
    CHECK(bootstrap(data.size(), mean, "samples", options).lo == doctest::Approx(own.lo).epsilon(1e-12));
    CHECK(bootstrap(data.size(), mean, "samples", options).hi == doctest::Approx(own.hi).epsilon(1e-12));
  }
}

TEST_CASE("BCa of values without spread is a point; one value is refused") {
  BootstrapOptions options;
  options.kind = Resampling::bca;
  const std::vector<double> flat{0.5, 0.5, 0.5}, one{1};
  CHECK(bootstrap_seeds(flat, options).lo == 0.5);
  CHECK(bootstrap_seeds(flat, options).hi == 0.5);
  CHECK(bootstrap_seeds(flat, options).over == "seeds");
  CHECK(message_of([&] { bootstrap_seeds(one, options); }) == "BCa bootstrap: needs at least 2 values, got 1");
}

TEST_CASE("the two-level bootstrap has the variance of its scheme, and says over what it is [rule 6]") {
  // Var of a replicate is known: nested [var(means) + mean(var within) / n] / S; stratified: mean(var within) / (n S).
  std::vector<std::vector<double>> data;
  for (std::uint64_t s = 0; s < 4; ++s) data.push_back(normals(40 + s, 50, static_cast<double>(s)));
  double between = 0, within = 0, grand = 0;
  std::vector<double> means;
  for (const auto& seed : data) {
    double mean = 0, square = 0;
    for (const double v : seed) {
      mean += v / 50;
      square += v * v / 50;
    }
    means.push_back(mean);
    grand += mean / 4;
    within += (square - mean * mean) / 4;
  }
  for (const double m : means) between += (m - grand) * (m - grand) / 4;
  BootstrapOptions options;
  options.resamples = 4000;
  options.level = 0.6826894921370859;  // one standard deviation to each side of a near-normal mean
  const auto half = [&](bool seeds, bool same) {
    const Interval i = bootstrap_two_level(data, {seeds, same}, options);
    CHECK(i.over == (seeds ? "samples and seeds" : "samples"));
    CHECK(i.n == (seeds ? 4 : same ? 50 : 200));
    return (i.hi - i.lo) / 2;
  };
  CHECK(half(true, false) == doctest::Approx(std::sqrt((between + within / 50) / 4)).epsilon(0.06));
  CHECK(half(false, false) == doctest::Approx(std::sqrt(within / 50 / 4)).epsilon(0.06));
  // The same samples in every seed: seeds that are copies of one another cannot average the samples' noise away.
  data.assign(4, data[0]);
  const double crossed = half(false, true);
  CHECK(crossed > 1.7 * half(false, false));
  CHECK(crossed == doctest::Approx(half(true, true)).epsilon(0.08));
  data[1].pop_back();
  CHECK(message_of([&] {
          bootstrap_two_level(data, {true, true}, options);
        }).find("the same samples in every seed") != std::string::npos);
  options.kind = Resampling::bca;
  CHECK(message_of([&] {
          bootstrap_two_level(data, {true, false}, options);
        }).find("has no BCa form") != std::string::npos);
}

TEST_CASE("Student's interval equals R's") {
  Agreement ends("student", "R t.test");
  for (const auto& c : r().at("student").as_array()) {
    const Interval got = student(reals(c, "x"), "seeds", 0.99);
    ends(got.lo, real(c, "lo"));
    ends(got.hi, real(c, "hi"));
    CHECK(got.over == "seeds");
  }
  CHECK(message_of([] { student(std::vector<double>{1}, "seeds"); }) == "student: needs at least 2 values, got 1");
}

TEST_CASE("Cliff's delta and its interval equal the sums over the whole matrix; A is scipy's U / mn") {
  Agreement matrix("cliffs_delta and interval", "sums over the whole matrix"), area("cliffs_delta as A", "scipy mannwhitneyu");
  for (const auto& c : python().at("cliff").as_array()) {
    const auto got = cliffs_delta(reals(c, "a"), reals(c, "b"));
    matrix(got.delta, real(c, "delta"));
    matrix(got.interval.lo, real(c, "lo"));
    matrix(got.interval.hi, real(c, "hi"));
    area(got.superiority, real(c, "auc"));
  }
  const std::vector<double> low{1, 2, 3}, high{4, 5, 6, 7};
  CHECK(cliffs_delta(high, low).delta == 1);
  CHECK(cliffs_delta(high, low).interval.hi == 1);
  CHECK(cliffs_delta(high, low).interval.lo < 0);  // three against four prove little
  CHECK(cliffs_delta(low, high).interval.lo == -1);
  CHECK(cliffs_delta(low, high).superiority == 0);
}

TEST_CASE("equivalence tests equal statsmodels'; verdicts keep no difference and equivalent apart [rule 48]") {
  Agreement p("equivalence_test", "statsmodels ttost_paired");
  for (const auto& c : python().at("tost").as_array()) {
    EquivalenceOptions options;
    options.rope = {real(c, "lo"), real(c, "hi")};
    const auto got = equivalence_test(reals(c, "a"), reals(c, "b"), options);
    p(got.p, real(c, "p"));
    p(got.p_lower, real(c, "p1"));
    p(got.p_upper, real(c, "p2"));
    // The test and the 90 % interval say the same.
    CHECK((got.verdict == Practical::equivalent) == (practical(got.interval, options.rope) == Practical::equivalent));
    CHECK(got.interval.level == doctest::Approx(0.9));
  }
  const Rope rope{-0.01, 0.01};
  const auto verdict = [&](double lo, double hi) {
    return std::string(practical_name(practical({lo, hi, 0.95, "samples", 9}, rope)));
  };
  CHECK(verdict(-0.005, 0.01) == "equivalent");
  CHECK(verdict(-0.02, 0.005) == "undecided");
  CHECK(verdict(0.005, 0.5) == "undecided");
  CHECK(verdict(0.02, 0.5) == "different");
  CHECK(verdict(-0.5, -0.02) == "different");
  CHECK(message_of([] {
          practical({0, 1, 0.95, "samples", 9}, {1, 1});
        }).find("empty or unbounded") != std::string::npos);
  const std::vector<double> a{1, 2, 3}, b{1.5, 2.5, 3.5};
  CHECK(mean_difference(a, b, "seeds").difference == -0.5);
  CHECK(mean_difference(a, b, "seeds").sd == 0);
  CHECK(mean_difference(a, a, "seeds").standardized == 0);
}

TEST_CASE("power of the paired t test equals statsmodels' and R's") {
  Agreement power("paired_power", "statsmodels TTestPower"),
      solved("paired_detectable", "statsmodels TTestPower (solves to 1e-6)", 1e-5), strict("paired_detectable", "R power.t.test, strict");
  for (const auto& c : python().at("t_power").as_array())
    power(paired_power(real(c, "d"), 1, c.at("n").as_int(), real(c, "alpha")), real(c, "power"));
  for (const auto& c : python().at("t_detectable").as_array())
    solved(paired_detectable(3, c.at("n").as_int(), {real(c, "alpha"), real(c, "power")}) / 3, real(c, "d"));
  for (const auto& c : r().at("t_detectable").as_array())
    strict(paired_detectable(2, c.at("n").as_int()), real(c, "delta"));
  for (const auto& c : python().at("t_needed").as_array())
    CHECK(paired_needed(-2 * real(c, "d"), 2, {real(c, "alpha"), real(c, "power")}) == c.at("n").as_int());
  CHECK_FALSE(paired_needed(0, 1).has_value());
  CHECK(paired_power(1e6, 1, 2, 1e-5) == doctest::Approx(1));
  // Both sides of the place where the series gives way to its limit; the slope between them is 1e-6 or so.
  const double edge = 1e4 / std::sqrt(2.0);
  CHECK(std::abs(paired_power(edge * (1 - 1e-6), 1, 2, 1e-4) - paired_power(edge * (1 + 1e-6), 1, 2, 1e-4)) < 2e-6);
  CHECK(paired_needed(1e12, 1) == 2);
  CHECK(paired_power(paired_detectable(1, 7), 1, 7) == doctest::Approx(0.8).epsilon(1e-9));
}

TEST_CASE("power of the exact McNemar test equals the sum over the trinomial") {
  Agreement power("mcnemar_power", "sum over the trinomial", 1e-10);
  for (const auto& c : python().at("mcnemar_power").as_array())
    power(mcnemar_power({real(c, "pa"), real(c, "pb")}, c.at("n").as_int(), real(c, "alpha")), real(c, "power"));
  const auto n = mcnemar_needed({0.06, 0.03});
  REQUIRE(n.has_value());
  CHECK(mcnemar_power({0.06, 0.03}, *n) >= 0.8);
  CHECK(mcnemar_power({0.06, 0.03}, *n - 1) < 0.8);
  const auto least = mcnemar_detectable(0.1, 1000);
  REQUIRE(least.has_value());
  CHECK(mcnemar_power({(0.1 + *least) / 2, (0.1 - *least) / 2}, 1000) == doctest::Approx(0.8).epsilon(1e-6));
  CHECK_FALSE(mcnemar_detectable(0.1, 20).has_value());
  CHECK_FALSE(mcnemar_needed({0.1, 0.1}).has_value());
  CHECK(mcnemar_power({0, 0}, 100) == 0);
}

TEST_CASE("normal power: twice the error needs four times the data") {
  Agreement solved("normal_detectable", "scipy norm");
  for (const auto& c : python().at("normal_detectable").as_array())
    solved(normal_detectable(0.5, {real(c, "alpha"), real(c, "power")}) / 0.5, real(c, "d"));
  CHECK(normal_power(normal_detectable(0.02), 0.02) == doctest::Approx(0.8).epsilon(1e-9));
  CHECK(*normal_growth_needed(0.01, 0.02) == doctest::Approx(4 * *normal_growth_needed(0.02, 0.02)));
  CHECK_FALSE(normal_growth_needed(0, 1).has_value());
  CHECK(message_of([] { normal_detectable(0); }) == "power: standard error must be positive and finite");
  CHECK(message_of([] { normal_detectable(1, {0.05, 0.05}); }) == "power: the power must exceed alpha");
}

TEST_CASE("Pareto fronts equal numpy's over all pairs") {
  Agreement member("pareto_front", "numpy, all pairs");
  for (const auto& c : python().at("pareto").as_array()) {
    std::vector<std::vector<double>> points;
    for (const auto& p : c.at("points").as_array()) points.push_back(reals(p));
    std::vector<Better> objectives{Better::higher, Better::lower, Better::higher};
    objectives.resize(points[0].size());
    const auto front = pareto_front(points, objectives);
    for (std::size_t i = 0; i < front.size(); ++i) member(front[i] ? 1 : 0, c.at("front").at(i).as_bool() ? 1 : 0);
  }
}

TEST_CASE("a front's uncertainty comes from joint resamples") {
  const std::vector<Better> objectives{Better::higher, Better::lower};
  // Quality of b: in one of four resamples it falls below that of the cheaper a. c is dominated always.
  const UncertainPoint a{{0.8, 1}, {{0.8, 0.8, 0.8, 0.8}, {}}}, b{{0.9, 2}, {{0.9, 0.7, 0.95, 0.85}, {}}},
      c{{0.1, 3}, {}};
  const auto got = uncertain_front({a, b, c}, objectives);
  CHECK(got[0].probability == 1);
  CHECK(got[1].probability == 0.75);
  CHECK(got[1].on_front);
  CHECK(got[2].probability == 0);
  // Shifts that all points share do not matter.
  const UncertainPoint x{{0.5, 1}, {{0.1, 0.9}, {}}}, y{{0.6, 2}, {{0.2, 1.0}, {}}};
  CHECK(uncertain_front({x, y}, objectives)[1].probability == 1);
  CHECK(uncertain_front({c}, objectives)[0].probability == 1);
  CHECK(message_of([&] {
          uncertain_front({a, x}, objectives);
        }) == "pareto front: points have different numbers of resamples");
  CHECK(message_of([&] { pareto_front({{1}}, objectives); }).find("1 values for 2 objectives") != std::string::npos);
  CHECK(message_of([&] { pareto_front({}, objectives); }) == "pareto front: no points or no objectives");
}
