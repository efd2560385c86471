// Verdicts on whether an attack's numbers mean what they seem to: the checks of AutoAttack (Croce & Hein 2020) and
// those of Carlini et al. 2019, as rules 16 to 22. Pure functions but for the passes through the victim; one thread.
#pragma once

#include <string>
#include <vector>

#include "harness/tasks/attack_outcome.hpp"

namespace assay::tasks {

struct Finding {
  std::string level;  // "SUSPECT" or "INVALID"
  int rule = 0;
  std::string reason;
};

// Rule 20: a victim whose logits differ between repeated passes (with the next evaluation seed too), or lie in [0, 1]
// and sum to 1. That a forward pass calls backward, the rule's third case, no graph of the host can do. Rule 19, where
// the attack may use gradients: the logit margin's gradient at the clean inputs is zero for more than 1 % of them, or
// not finite for any.
std::vector<Finding> examine_victim(AttackJudge& judge, const Job& job, bool gradients);

// Rule 16: eps = 0 must reproduce clean accuracy exactly; an iterative method must not lose, beyond a paired 1 % test,
// when eps grows. Outcomes in the order of the threat's radii.
std::vector<Finding> compare_radii(const AttackJudge& judge, const std::vector<AttackOutcome>& outcomes,
                                   bool iterative);

// Rule 22: at a radius above 0 the margins of samples that stand were still climbing when the gradient passes ended, by
// what the run stage saw of them (ascent.hpp).
std::vector<Finding> examine_ascent(const Threat& threat, const std::vector<AttackOutcome>& outcomes);

// Rule 21, tenfold: at each radius above 0 at most `samples` of those that stand are attacked by the host, ten times as
// long as the cell attacked them, `kLongest` steps at most, and more of them break than chance allows. Nothing is done
// for norms other than linf and l2, for targets, and where no gradient pass was seen, unless a chain ended so.
inline constexpr std::int64_t kLongest = 1000;
std::vector<Finding> recheck_longer(AttackJudge& judge, const std::vector<AttackOutcome>& outcomes,
                                    std::int64_t samples);

// Of a chain with all its links. Rule 18: a link that asks for no gradients breaks more than max(0.2 points, a paired 1
// % test) of what the white-box links before it left. Rule 17: at an L-inf radius of 1/2 or more, iterative white-box
// links leave more than 1 %.
std::vector<Finding> compare_links(const std::vector<ChainLink>& links, const Threat& threat, std::int64_t samples);

}  // namespace assay::tasks
