// Sequential stopping of a chain of attacks: it goes through the test list in parts, each look as far again as all before it,
// and attacks no further once the share of robust samples is known well enough. Pure functions. [any-thread]
//
// The parts are drawn from the list by a key of the sample id alone, so every chain on a list takes the same samples in the
// same order. The interval of a look is Clopper and Pearson's at level 1 - 0.05 / looks: by the union bound all looks' intervals
// hold together with probability 0.95 at least, so stopping when one is narrow costs no coverage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/base/rational.hpp"
#include "harness/tasks/attack_chain.hpp"

namespace assay::tasks {

inline constexpr double kLooksMiss = 0.05;  // probability that any look's interval misses

struct Looks {
  std::int64_t look = 0, of = 1;  // this link's part, from 0, and how many there are
  Rational half_width;            // of the interval, at which it stops

  // A stage's spec says it under "look"; none: the whole list is attacked. Throws Error(bad_input).
  static std::optional<Looks> from_json(const Json& spec);
};

struct Reached {
  bool stopped = false;
  std::int64_t look = 0;       // the one that stopped it, else the last that is done
  std::int64_t samples = 0;    // in the parts up to it
  double lo = 0, hi = 1;       // of the widest condition at that look
};

// Samples of a list of n up to and with this look: n / 2^(of - 1 - look), rounded up.
std::int64_t samples_at(std::int64_t look, std::int64_t of, std::int64_t n);
// The part of each sample, 0 to of - 1.
std::vector<std::int64_t> parts_of(const std::vector<std::int64_t>& ids, std::int64_t of);
// What the looks before number `done` say, of which all links are done. Nothing is reached before the first.
Reached reached(const ChainState& state, const Looks& looks, std::int64_t done);

// Positions of the samples that a link attacks: those that no link before it broke, of its part, unless the chain has stopped.
std::vector<std::int64_t> attacked_rows(const ChainState& state, const std::optional<Looks>& looks, const std::string& condition);
// Positions of the samples that count at the end of the last look.
std::vector<std::int64_t> counted_rows(const ChainState& state, const Looks& looks);

}  // namespace assay::tasks
