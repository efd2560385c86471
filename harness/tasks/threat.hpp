// The threat model of the attack task and the check that the judge makes of every adversarial batch (rule 15).
// Pure functions, [any-thread].
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/base/rational.hpp"
#include "harness/metrics/metrics.hpp"

namespace assay::tasks {

// Slack on the norm for float32 rounding: x + eps clamped in float32 is at most one ulp of 1.0 outside the ball.
inline constexpr double kNormTolerance = 1e-6;

struct Threat {
  metrics::Norm norm = metrics::Norm::linf;
  std::string norm_name = "linf";  // as the method is told
  std::vector<Rational> eps;      // ascending; each is one condition
  float low = 0, high = 1;        // valid input range
  bool targeted = false;
  static Threat from_json(const Json& json);  // throws Error(bad_input) naming the key
};

std::string eps_condition(const Rational& eps);  // "eps=1/10"

struct ThreatReport {
  std::int64_t outside_ball = 0, outside_range = 0, non_finite = 0;
  double worst = 0;               // largest distance seen
  std::vector<double> distance;   // one a sample; NaN where non-finite
  bool clean() const { return outside_ball == 0 && outside_range == 0 && non_finite == 0; }
};

// x, adversarial: n samples of equal size, row-major.
ThreatReport check_threat(std::span<const float> x, std::span<const float> adversarial, std::int64_t n,
                          const Threat& threat, double eps);

// Logit of the true class less the largest other.
double margin_of(std::span<const float> logits, std::int64_t label);

// One-sided exact sign test: the probability of at least `worse` heads in worse + better fair tosses.
// Used as the paired 1 % test of rule 16 (McNemar, exact form).
double sign_test(std::int64_t worse, std::int64_t better);

}  // namespace assay::tasks
