// A number with everything that is needed to tell how sure it is. Inside of the claims. [any-thread]
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "results/stats/components.hpp"

namespace assay::claims {

inline constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

// Why a claim cannot be judged; ends as a verdict, never leaves this folder.
class Void : public std::runtime_error {
 public:
  explicit Void(const std::string& why) : std::runtime_error(why) {}
};

// at[0]: as measured. at[1 .. resamples]: on resamples of the samples, the same resample for every number. Behind them:
// without each seed in turn.
struct Numbers {
  std::vector<double> at;
  bool samples = false;     // whether it varies with them
  bool unsampled = false;   // some part was measured and kept no per-sample outcomes: then the whole is not resampled
  std::int64_t units = 0;   // how many
  std::vector<char> seeds;  // of Layout::seeds: whether it varies with it; seeds that are fixed one by one do not count
  std::size_t seed_count() const { return static_cast<std::size_t>(std::count(seeds.begin(), seeds.end(), 1)); }
  bool over_seeds() const { return seed_count() > 1; }
};

struct Layout {
  std::size_t resamples = 0;
  std::vector<std::string> seeds;  // in the order of at
  std::size_t size() const { return 1 + resamples + seeds.size(); }
  std::size_t without(std::size_t seed) const { return 1 + resamples + seed; }
};

inline void join_flags(Numbers& into, const Numbers& from) {
  into.samples = into.samples || from.samples;
  into.unsampled = into.unsampled || from.unsampled;
  into.seeds.resize(std::max(into.seeds.size(), from.seeds.size()));
  for (std::size_t s = 0; s < from.seeds.size(); ++s) into.seeds[s] = static_cast<char>(into.seeds[s] != 0 || from.seeds[s] != 0);
  into.units = std::max(into.units, from.units);
}

// Variances of both parts; `resampled`: samples count, else they are taken as they are. Throws Void where the number
// does not exist as measured, or on too many of the resamples.
stats::Components components(const Numbers& numbers, const Layout& layout, bool resampled = true);
// The value without each seed with which it varies.
std::vector<double> without_seeds(const Numbers& numbers, const Layout& layout);
// Percentile interval over samples alone.
stats::Interval percentile(const Numbers& numbers, const Layout& layout, double level);

// `name` of values, all of them finite or not: mean median std sum quantile min max. NaN of none, and of std of one.
double summary(const std::string& name, std::vector<double> values, double q);

}  // namespace assay::claims
