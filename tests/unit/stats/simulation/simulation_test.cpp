// By simulation: intervals cover the truth as often as they say, tests reject a true null no more often than they say.
// Bounds are the nominal rate plus four standard errors of the trials, or what the method is known to miss, said
// beside.
#include "../agreement.hpp"
#include "results/stats/stats.hpp"

using namespace assay::stats;
using agreement::normals;

namespace {

constexpr int trials = 2000;

// Share of trials of which `hit(t)` is true.
double share(const auto& hit) {
  int count = 0;
  for (int t = 0; t < trials; ++t) count += hit(static_cast<std::uint64_t>(t)) ? 1 : 0;
  return static_cast<double>(count) / trials;
}

double noise(double rate) { return 4 * std::sqrt(rate * (1 - rate) / trials); }

bool covers(const Interval& i, double truth) { return i.lo <= truth && truth <= i.hi; }

// Exponential of mean 1: half the sum of two squared normals.
std::vector<double> exponentials(std::uint64_t stream, std::size_t n) {
  const auto z = normals(stream, 2 * n);
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = (z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1]) / 2;
  return out;
}

}  // namespace

TEST_CASE("BCa covers the mean of skewed data better than percentiles do") {
  BootstrapOptions options;
  options.resamples = 500;
  const double plain = share([&](auto t) { return covers(bootstrap_samples(exponentials(t, 30), options), 1); });
  options.kind = Resampling::bca;
  const double corrected = share([&](auto t) { return covers(bootstrap_samples(exponentials(t, 30), options), 1); });
  MESSAGE("percentile ", plain, ", BCa ", corrected);
  CHECK(corrected > plain);
  CHECK(corrected > 0.91);
  CHECK(corrected < 0.95 + noise(0.95));
}

TEST_CASE("Student's interval of three seeds covers at its level") {
  const double got = share([](auto t) { return covers(student(normals(t, 3, 1), "seeds"), 1); });
  CHECK(std::abs(got - 0.95) < noise(0.95));
}

TEST_CASE("equal methods of three seeds get different ranks no more often than the level says [rule 45]") {
  constexpr std::size_t seeds = 3, samples = 40;
  BootstrapOptions options;
  options.resamples = 200;
  std::vector<std::uint32_t> at(samples);
  // Seed s shifts a method's scores by a draw of its own; every sample scatters in every seed.
  const auto method = [&](std::uint64_t stream) {
    RankInput out;
    std::vector<double> of_sample(samples, 0.0);
    const auto shift = normals(stream, seeds);
    for (std::size_t s = 0; s < seeds; ++s) {
      const auto scores = normals(stream + 1 + s, samples, 0.5 * shift[s]);
      double sum = 0;
      for (std::size_t i = 0; i < samples; ++i) {
        sum += scores[i];
        of_sample[i] += scores[i] / seeds;
      }
      out.per_seed.push_back(sum / samples);
      out.value += out.per_seed.back() / seeds;
    }
    out.samples = samples;
    for (int b = 0; b < options.resamples; ++b) {
      resample_indices(options.seed, static_cast<std::uint64_t>(b), at);
      double sum = 0;
      for (const std::uint32_t i : at) sum += of_sample[i];
      out.replicates.push_back(sum / samples);
    }
    return out;
  };
  const double apart = share([&](auto t) {
    const auto ranges = rank_ranges({method(10 * t), method(10 * t + 5)}, true);
    return ranges[0].lo == ranges[0].hi;
  });
  MESSAGE("told apart ", apart);
  CHECK(apart < 0.05 + noise(0.05));
  CHECK(apart > 0.005);  // a test that never rejects is no test
}

TEST_CASE("the two-level bootstrap covers where the one over samples is far too narrow") {
  BootstrapOptions options;
  options.resamples = 300;
  const auto data = [](std::uint64_t t) {
    std::vector<std::vector<double>> seeds;
    const auto shift = normals(50000 + t, 10);
    for (std::uint64_t s = 0; s < 10; ++s) seeds.push_back(normals(60000 + 10 * t + s, 20, 0.5 * shift[s]));
    return seeds;
  };
  const double both = share([&](auto t) { return covers(bootstrap_two_level(data(t), {true, false}, options), 0); });
  const double samples = share([&](auto t) {
    return covers(bootstrap_two_level(data(t), {false, false}, options), 0);
  });
  MESSAGE("samples and seeds ", both, ", samples ", samples);
  CHECK(both > 0.90);  // ten seeds: the factor (S - 1) / S of a bootstrap variance
  CHECK(samples < 0.75);
}

TEST_CASE("type-I errors of the paired tests") {
  const auto a = [](std::uint64_t t, std::size_t n) { return normals(100000 + 2 * t, n); };
  const auto b = [](std::uint64_t t, std::size_t n) { return normals(100001 + 2 * t, n); };
  const double limit = 0.05 + noise(0.05);
  CHECK(share([&](auto t) { return wilcoxon(a(t, 12), b(t, 12)).p <= 0.05; }) < limit);
  CHECK(share([&](auto t) { return wilcoxon(a(t, 70), b(t, 70)).p <= 0.05; }) < limit);
  CHECK(share([&](auto t) { return permutation_test(a(t, 14), b(t, 14)).p <= 0.05; }) < limit);
  CHECK(share([&](auto t) { return sign_test(a(t, 30), b(t, 30)).p <= 0.05; }) < limit);
  PermutationOptions sampled;
  sampled.resamples = 199;
  const double monte_carlo = share([&](auto t) { return permutation_test(a(t, 60), b(t, 60), sampled).p <= 0.05; });
  CHECK(std::abs(monte_carlo - 0.05) < noise(0.05));
}

TEST_CASE("type-I errors of McNemar: the exact test is conservative, the mid-p near its level") {
  const auto test = [](std::uint64_t t) {
    const assay::Rng rng(3, "mcnemar", t);
    std::int64_t only_a = 0, only_b = 0;
    for (std::uint64_t i = 0; i < 200; ++i) {
      const double u = rng.uniform(i);
      only_a += u < 0.08;
      only_b += u > 0.92;
    }
    return mcnemar(only_a, only_b);
  };
  const double exact = share([&](auto t) { return test(t).p <= 0.05; }),
               mid = share([&](auto t) { return test(t).mid_p <= 0.05; });
  MESSAGE("exact ", exact, ", mid-p ", mid);
  CHECK(exact < 0.05 + noise(0.05));
  CHECK(mid < 0.05 + noise(0.05));
  CHECK(mid > exact);
  CHECK(share([&](auto t) { return covers(test(t).odds_interval, 1); }) > 0.95 - noise(0.05));
}

TEST_CASE("DeLong: coverage of one area, type-I error of a pair") {
  const double truth = 0.9213503964748574;  // Phi(2 / sqrt 2)
  const auto one = [](std::uint64_t t) { return delong(normals(200000 + 2 * t, 60), normals(200001 + 2 * t, 60, 2)); };
  const double plain = share([&](auto t) { return covers(one(t).interval, truth); });
  const double logit = share([&](auto t) { return covers(one(t).logit_interval, truth); });
  MESSAGE("plain ", plain, ", logit ", logit);
  CHECK(plain > 0.91);
  CHECK(std::abs(logit - 0.95) < 0.02);
  const double error = share([](auto t) {
    auto in_a = normals(300000 + 4 * t, 80), out_a = normals(300001 + 4 * t, 80, 1), in_b = normals(300002 + 4 * t, 80),
         out_b = normals(300003 + 4 * t, 80, 1);
    for (std::size_t i = 0; i < 80; ++i) {
      in_b[i] = (in_b[i] + in_a[i]) / std::sqrt(2.0);
      out_b[i] = 1 + (out_b[i] - 1 + out_a[i] - 1) / std::sqrt(2.0);
    }
    return delong_paired({in_a, out_a}, {in_b, out_b}).p <= 0.05;
  });
  CHECK(std::abs(error - 0.05) < 0.02);
}

TEST_CASE("many methods: the family's error stays below alpha, the omnibus holds its level") {
  int any = 0, omnibus = 0;
  for (std::uint64_t t = 0; t < trials; ++t) {
    Rows rows;
    for (std::uint64_t d = 0; d < 12; ++d) rows.push_back(normals(400000 + 12 * t + d, 4));
    Table table;
    for (int m = 0; m < 4; ++m) table.methods.push_back(std::to_string(m));
    for (const auto& row : rows) {
      table.data_sets.emplace_back("d");
      table.values.emplace_back(row.begin(), row.end());
    }
    const auto got = compare_many(table);
    omnibus += got.omnibus == Omnibus::rejected;
    any += std::any_of(got.pairs.begin(), got.pairs.end(), [](const Pair& p) { return p.rejected; });
  }
  CHECK(omnibus < (0.05 + noise(0.05)) * trials);
  CHECK(any < (0.05 + noise(0.05)) * trials);
}

TEST_CASE("Cliff's delta covers, equivalence tests err no more than alpha on the border, power is what it says") {
  const double truth = 2 * 0.7602499389065233 - 1;  // P(a > b) = Phi(1 / sqrt 2)
  const double cliff = share([&](auto t) {
    return covers(cliffs_delta(normals(500000 + 2 * t, 15, 1), normals(500001 + 2 * t, 15)).interval, truth);
  });
  MESSAGE("Cliff's delta ", cliff);
  CHECK(cliff > 0.92);
  EquivalenceOptions options;
  options.rope = {-1, 1};
  const double false_equivalence = share([&](auto t) {
    return equivalence_test(normals(600000 + 2 * t, 40, 1), normals(600001 + 2 * t, 40), options).verdict ==
           Practical::equivalent;
  });
  CHECK(false_equivalence < 0.05 + noise(0.05));
  const double detectable = paired_detectable(std::sqrt(2.0), 8);
  const double power = share([&](auto t) {
    return !covers(
        mean_difference(normals(700000 + 2 * t, 8, detectable), normals(700001 + 2 * t, 8), "seeds").interval, 0);
  });
  CHECK(std::abs(power - 0.8) < noise(0.8));
}
