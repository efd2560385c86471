// The paired permutation test: every exchange of the two sides of a pair flips the sign of its difference.
#include <algorithm>
#include <cmath>

#include "harness/base/rng.hpp"
#include "results/stats/checks.hpp"
#include "results/stats/paired.hpp"

namespace assay::stats {
namespace {

// All 2^n signed sums of the values, ascending: each value merges the sums minus it with the sums plus it.
std::vector<double> signed_sums(std::span<const double> values) {
  std::vector<double> sums{0}, next;
  for (const double v : values) {
    std::vector<double> less(sums), more(sums);
    for (double& s : less) s -= std::abs(v);
    for (double& s : more) s += std::abs(v);
    next.resize(less.size() + more.size());
    std::merge(less.begin(), less.end(), more.begin(), more.end(), next.begin());
    sums.swap(next);
  }
  return sums;
}

// Share of all sign flips whose absolute sum reaches `bound` > 0: twice the upper tail, which is counted by walking the
// sums of one half up while those of the other go down.
double exact_share(std::span<const double> values, double bound) {
  const auto left = signed_sums(values.first(values.size() / 2)),
             right = signed_sums(values.subspan(values.size() / 2));
  std::size_t from = right.size();
  double count = 0;
  for (const double l : left) {
    while (from > 0 && l + right[from - 1] >= bound) --from;
    count += static_cast<double>(right.size() - from);
  }
  return 2 * count / std::ldexp(1.0, static_cast<int>(values.size()));
}

double sampled_share(std::span<const double> values, double bound, const PermutationOptions& options) {
  std::vector<std::uint64_t> bits((values.size() + 63) / 64);
  std::int64_t reached = 0;
  for (int b = 0; b < options.resamples; ++b) {
    Rng(options.seed, "permutation", static_cast<std::uint64_t>(b)).fill_bits(bits);
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      sum += (bits[i / 64] >> (i % 64) & 1U) != 0 ? values[i] : -values[i];
    reached += std::abs(sum) >= bound;
  }
  return static_cast<double>(1 + reached) / static_cast<double>(1 + options.resamples);
}

}  // namespace

PermutationTest permutation_test(std::span<const double> a, std::span<const double> b,
                                 const PermutationOptions& options) {
  if (options.exact_up_to < 0 || options.exact_up_to > 40)
    detail::refuse("permutation test", "exact_up_to " + std::to_string(options.exact_up_to) + " is outside [0, 40]");
  if (options.resamples < 1) detail::refuse("permutation test", "needs at least one resample");
  auto values = detail::differences("permutation test", a, b);
  PermutationTest out;
  out.n = static_cast<std::int64_t>(values.size());
  out.difference = detail::mean_of(values);
  std::erase(values, 0.0);  // exchanging equal sides changes nothing
  double sum = 0, size = 0;
  for (const double d : values) {
    sum += d;
    size += std::abs(d);
  }
  // Sums that are equal but for rounding count as equal: they are far nearer than 1e-12 of what was added.
  const double bound = std::abs(sum) - 1e-12 * size;
  out.exact = values.size() <= static_cast<std::size_t>(options.exact_up_to);
  if (bound <= 0) return out;
  out.p = out.exact ? exact_share(values, bound) : sampled_share(values, bound, options);
  return out;
}

}  // namespace assay::stats
