// Statistics against scipy and numpy (fixtures/make.py), and by simulation where there is no closed form.
#include "results/stats/stats.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "agreement.hpp"
#include "fixtures/reference.hpp"
#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"

using namespace assay;
using namespace assay::stats;
using agreement::Agreement;
using agreement::message_of;
using agreement::normals;

TEST_CASE("Wilson intervals equal scipy's") {
  Agreement ends("wilson", "scipy binomtest", 1e-12);
  for (const auto& c : reference::wilson) {
    const Interval got = wilson(c.k, c.n, c.level);
    ends(got.lo, c.lo);
    ends(got.hi, c.hi);
    CHECK(got.over == "binomial");
    CHECK(got.n == c.n);
  }
  CHECK(message_of([] { wilson(3, 2); }) == "wilson: 3 of 2 is no proportion");
}

TEST_CASE("exact McNemar equals scipy's binomial test [rule 45]") {
  for (const auto& c : reference::mcnemar) CHECK(mcnemar(c.a, c.b).p == doctest::Approx(c.p).epsilon(1e-10));
  const std::vector<double> a{1, 1, 1, 0, 0, 1}, b{1, 0, 0, 0, 1, 0};
  const McNemar got = mcnemar(a, b);
  CHECK(got.only_a == 3);
  CHECK(got.only_b == 1);
  CHECK(message_of([&] { mcnemar(a, std::vector<double>{1}); }).find("the same samples on both sides") !=
        std::string::npos);
}

TEST_CASE("quantiles equal numpy's") {
  Agreement same("quantile, percentile_interval", "numpy quantile", 1e-13);
  for (std::size_t i = 0; i < reference::qs.size(); ++i)
    same(quantile(reference::values, reference::qs[i]), reference::quantiles[i]);
}

TEST_CASE("the percentile bootstrap agrees with scipy's up to resampling noise, and says over what it is [rule 6]") {
  BootstrapOptions options;
  options.resamples = 20000;
  const Interval samples = bootstrap_samples(reference::values, options);
  CHECK(std::abs(samples.lo - reference::bootstrap_lo) < 0.03);  // the end points' own noise is near 0.01
  CHECK(std::abs(samples.hi - reference::bootstrap_hi) < 0.03);
  CHECK(samples.over == "samples");
  CHECK(samples.n == 41);
  CHECK(bootstrap_seeds(std::vector<double>{1, 2, 3}).over == "seeds");
  CHECK(bootstrap_seeds(std::vector<double>{1, 2, 3}).n == 3);
  const Comparison paired = paired_bootstrap(reference::other, reference::values, options);
  CHECK(std::abs(paired.interval.lo - reference::paired_lo) < 0.01);
  CHECK(std::abs(paired.interval.hi - reference::paired_hi) < 0.01);
  CHECK(paired.interval.lo < paired.difference);
}

TEST_CASE("resampling is deterministic, and a longer run begins with the shorter one") {
  const auto values = normals(1, 30);
  CHECK(bootstrap_samples(values).lo == bootstrap_samples(values).lo);
  BootstrapOptions other;
  other.seed = 1;
  CHECK(bootstrap_samples(values).lo != bootstrap_samples(values, other).lo);
  std::vector<std::uint32_t> a(30), b(30);
  resample_indices(5, 17, a);
  resample_indices(5, 17, b);
  CHECK(a == b);
  const auto general = bootstrap(
      values.size(),
      [&](std::span<const std::uint32_t> at) {
        double sum = 0;
        for (const auto i : at) sum += values[i];
        return sum / static_cast<double>(at.size());
      },
      "samples");
  CHECK(general.lo == bootstrap_samples(values).lo);
}

TEST_CASE("95 % intervals cover the truth about 95 times in 100") {
  BootstrapOptions options;
  options.resamples = 400;
  int samples = 0, binomial = 0;
  constexpr int rounds = 400;
  for (std::uint64_t r = 0; r < rounds; ++r) {
    const auto values = normals(100 + r, 60, 2.0);
    const Interval interval = bootstrap_samples(values, options);
    samples += interval.lo <= 2 && 2 <= interval.hi;
    std::int64_t k = 0;
    const Rng rng(7, "coverage", static_cast<std::uint64_t>(r));
    for (std::uint64_t i = 0; i < 200; ++i) k += rng.uniform(i) < 0.9;
    const Interval w = wilson(k, 200);
    binomial += w.lo <= 0.9 && 0.9 <= w.hi;
  }
  CHECK(samples > 0.91 * rounds);  // binomial noise of 400 rounds is 1.1 points
  CHECK(samples < 0.985 * rounds);
  CHECK(binomial > 0.91 * rounds);
  CHECK(binomial < 0.985 * rounds);
}

TEST_CASE("the paired bootstrap rejects a true null about 5 times in 100 and sees a real difference") {
  BootstrapOptions options;
  options.resamples = 400;
  int rejected = 0;
  constexpr int rounds = 300;
  for (std::uint64_t r = 0; r < rounds; ++r) {
    const auto a = normals(1000 + 2 * r, 80), b = normals(1001 + 2 * r, 80);
    rejected += paired_bootstrap(a, b, options).p <= 0.05;
  }
  CHECK(rejected < 0.09 * rounds);
  CHECK(rejected > 0.015 * rounds);
  CHECK(paired_bootstrap(normals(1, 200, 1), normals(2, 200)).p < 0.01);
  const std::vector<double> same{1, 0, 1};
  CHECK(paired_bootstrap(same, same).p == 1);
}

TEST_CASE("Holm's adjustment [rule 50]") {
  const auto got = holm(reference::p);
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(reference::holm[i]).epsilon(1e-14));
  CHECK(holm({}).empty());
  CHECK(message_of([] { holm(std::vector<double>{1.5}); }).find("outside [0, 1]") != std::string::npos);
}

TEST_CASE("methods that cannot be told apart share a rank range") {
  const auto method = [](double mean, double spread, std::uint64_t stream) {
    RankInput m;
    m.value = mean;
    m.samples = 500;
    for (const double z : normals(stream, 1000)) m.replicates.push_back(mean + spread * z);
    return m;
  };
  const std::vector<RankInput> methods{method(0.9, 0.01, 1), method(0.895, 0.01, 2), method(0.5, 0.01, 3),
                                       method(0.1, 0.01, 4)};
  auto ranges = rank_ranges(methods, true);
  CHECK(ranges[0].lo == 1);
  CHECK(ranges[0].hi == 2);
  CHECK(ranges[1].lo == 1);
  CHECK(ranges[1].hi == 2);
  CHECK(ranges[2].lo == 3);
  CHECK(ranges[2].hi == 3);
  CHECK(ranges[3].lo == 4);
  ranges = rank_ranges(methods, false);
  CHECK(ranges[3].hi == 1);
  CHECK(ranges[0].lo == 3);
  auto apart = methods;
  apart[2].panel = apart[3].panel = 1;
  CHECK(rank_ranges(apart, true)[2].lo == 1);
  CHECK(rank_ranges(apart, true)[3].lo == 2);
  CHECK(rank_ranges({RankInput{1, {}, 0, {}, 0}, RankInput{2, {}, 0, {}, 0}}, true)[0].hi ==
        2);  // no replicates: nothing is told apart
  CHECK(rank_ranges({}, true).empty());
}

TEST_CASE("empty input and NaN are named errors; coverage prints [rule 2]") {
  const std::vector<double> none, bad{1, std::nan("")};
  CHECK(message_of([&] { bootstrap_samples(none); }) == "bootstrap: no values");
  CHECK(message_of([&] { paired_bootstrap(bad, bad); }) == "paired bootstrap: value 1 is not a number");
  CHECK(Coverage{3, 5}.str() == "3 of 5");
  CHECK(Coverage{3, 5}.share() == 0.6);
  CHECK(Coverage{}.share() == 0);
}
