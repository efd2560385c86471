// Rule 21: a longer attack of the host's own on some of the samples that a cell left standing. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/tasks/attack_outcome.hpp"

namespace assay::tasks {

// Projected gradient ascent of the logit margin from a random point of the ball, steps on a cosine from 2 eps down;
// norms linf and l2, untargeted. Random numbers are keyed by sample id. Returns how many of the samples at `rows` it
// breaks; an example counts only when the judge's own plan misclassifies it within the threat model.
std::int64_t attack_longer(AttackJudge& judge, const Rational& eps, const std::vector<std::int64_t>& rows,
                           std::int64_t steps);

// The first `count` of the rows that stand in the order of their ids' random numbers: a subsample that depends on
// nothing but the ids.
std::vector<std::int64_t> subsample(const std::vector<std::int64_t>& ids, const std::vector<double>& standing,
                                    std::int64_t count);

// Lower bound, one-sided at 99 %, of the share of which k of n were drawn (Clopper and Pearson 1934).
double lower_share(std::int64_t k, std::int64_t n);

// Of `standing` of `samples` samples `attacked` were attacked again and `broken` broke: the reason for which robust
// accuracy is less by more than 0.2 points, beyond chance, or "".
struct Recheck {
  std::int64_t samples, standing, attacked, broken, steps;
};
std::string broke_more(const Recheck& recheck);

}  // namespace assay::tasks
