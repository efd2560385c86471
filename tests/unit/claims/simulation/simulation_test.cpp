// A claim of no difference, made where there is none: how often it is called reproduced, at three seeds, with errors of
// both samples and seeds. The worlds are made in memory and go through decide(), as claims of a database do.
#include <doctest/doctest.h>

#include "harness/base/rng.hpp"
#include "results/claims/decide.hpp"
#include "results/stats/intervals.hpp"

using namespace assay;
using namespace assay::claims;

namespace {

constexpr std::size_t samples = 150, resamples = 300;

struct Errors {
  double sample = 1, seed = 0, both = 0;  // standard deviations of the difference: of a sample, of a seed, of their cell
};

// Difference of two methods on the same samples, by seed; its expectation is 0.
Numbers null_margin(std::uint64_t trial, std::size_t seeds, const Errors& errors, Layout& layout) {
  const Rng rng(trial, "claims-simulation-" + std::to_string(errors.seed) + std::to_string(seeds));
  std::vector<std::vector<double>> x(seeds, std::vector<double>(samples));
  for (std::size_t s = 0; s < seeds; ++s)
    for (std::size_t i = 0; i < samples; ++i)
      x[s][i] = errors.sample * rng.normal(i) + errors.seed * rng.normal(1000 + s) + errors.both * rng.normal(10000 + s * samples + i);
  layout.resamples = resamples;
  layout.seeds.clear();
  std::vector<double> by_sample(samples, 0), by_seed;
  for (std::size_t s = 0; s < seeds; ++s) {
    layout.seeds.push_back(std::to_string(s));
    double sum = 0;
    for (std::size_t i = 0; i < samples; ++i) {
      sum += x[s][i] / samples;
      by_sample[i] += x[s][i] / static_cast<double>(seeds);
    }
    by_seed.push_back(sum);
  }
  double all = 0;
  for (const double v : by_seed) all += v / static_cast<double>(seeds);
  Numbers out;
  out.samples = true;
  out.units = samples;
  out.seeds.assign(seeds, 1);
  out.at.push_back(all);
  std::vector<std::uint32_t> drawn(samples);
  for (std::size_t b = 0; b < resamples; ++b) {
    stats::resample_indices(trial, b, drawn);
    double sum = 0;
    for (const auto i : drawn) sum += by_sample[i] / samples;
    out.at.push_back(sum);
  }
  for (std::size_t s = 0; s < seeds; ++s) out.at.push_back((all * static_cast<double>(seeds) - by_seed[s]) / static_cast<double>(seeds - 1));
  return out;
}

// Share of trials that end as reproduced or as not reproduced, of a claim "> 0" at the border of being true.
double error_rate(std::size_t seeds, const Errors& errors, int trials = 4000) {
  int wrong = 0;
  for (int t = 0; t < trials; ++t) {
    Layout layout;
    Statement statement;
    statement.relation = claim::Op::greater;
    statement.margin = null_margin(static_cast<std::uint64_t>(t), seeds, errors, layout);
    wrong += decide(statement, layout, {"paired-bootstrap", 0.95}).answer != Answer::unclear;
  }
  return static_cast<double>(wrong) / trials;
}

constexpr double four_errors = 4 * 0.0034;  // of 4000 trials at 5 %

}  // namespace

TEST_CASE("a paired claim about nothing is decided in at most 5 % of trials, whichever part errs [rule 45]") {
  const double seeds_only = error_rate(3, {0.01, 1, 0}), balanced = error_rate(3, {1, 0.08, 0}), mostly_samples = error_rate(3, {1, 0.01, 0}),
               interacting = error_rate(3, {1, 0.05, 1}), ten = error_rate(10, {1, 0.1, 0.3}, 4000);
  MESSAGE("seeds ", seeds_only, ", both ", balanced, ", samples ", mostly_samples, ", interacting ", interacting, ", ten seeds ", ten);
  for (const double rate : {seeds_only, balanced, mostly_samples, interacting, ten}) CHECK(rate < 0.05 + four_errors);
  CHECK(seeds_only > 0.05 - four_errors);  // Student of three seeds is exact
}

TEST_CASE("why a bootstrap of the seeds is not used: of three seeds it errs five times as often") {
  int wrong = 0;
  constexpr int trials = 800;
  for (int t = 0; t < trials; ++t) {
    const Rng rng(static_cast<std::uint64_t>(t), "claims-simulation-bootstrap");
    const std::vector<double> seeds = {rng.normal(0), rng.normal(1), rng.normal(2)};
    stats::BootstrapOptions options;
    options.resamples = 500;
    const auto interval = stats::bootstrap_seeds(seeds, options);
    wrong += interval.lo > 0 || interval.hi < 0;
  }
  CHECK(static_cast<double>(wrong) / trials > 0.2);  // 25 %: the interval ends at the smallest and the largest seed
}

TEST_CASE("any of ten null comparisons is called true in at most 5 % of trials [rule 50]") {
  int wrong = 0;
  constexpr int trials = 600;
  for (int t = 0; t < trials; ++t) {
    Layout layout;
    Statement any;
    any.kind = Statement::Kind::any;
    for (std::uint64_t k = 0; k < 10; ++k) {
      Statement part;
      part.relation = claim::Op::greater;
      part.margin = null_margin(static_cast<std::uint64_t>(t) * 100 + k, 5, {1, 0.08, 0}, layout);
      any.parts.push_back(std::move(part));
    }
    wrong += decide(any, layout, {"paired-bootstrap", 0.95}).answer == Answer::yes;
  }
  MESSAGE("any of ten: ", static_cast<double>(wrong) / trials);
  CHECK(static_cast<double>(wrong) / trials < 0.025 + 4 * 0.0064);
}
