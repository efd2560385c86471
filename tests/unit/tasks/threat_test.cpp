// The judge's check of the threat model against hand-computed cases, and the sign test against scipy:
//   python3 -c "from scipy.stats import binomtest as b; print(b(8, 10, .5, 'greater').pvalue, b(3, 3, .5, 'greater').pvalue)"
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "harness/base/error.hpp"
#include "harness/tasks/threat.hpp"

using namespace assay;
using namespace assay::tasks;

namespace {

Threat threat(const char* norm) {
  return Threat::from_json(Json::object({{"norm", norm}, {"eps", Json(Json::Array{"1/10", "0"})}}));
}

}  // namespace

TEST_CASE("radii are exact, sorted and named") {
  const Threat t = threat("linf");
  REQUIRE(t.eps.size() == 2);
  CHECK(eps_condition(t.eps[0]) == "eps=0");
  CHECK(eps_condition(t.eps[1]) == "eps=1/10");
}

TEST_CASE("[rule 15] every way out of the threat model is seen") {
  const Threat t = threat("linf");
  const std::vector<float> x = {0.5f, 0.5f, 0.5f, 0.5f, 0.95f, 0.5f, 0.5f, 0.5f};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> inside = {0.6f, 0.4f, 0.5f, 0.5f, 1.0f, 0.5f, 0.5f, 0.5f};
  CHECK(check_threat(x, inside, 4, t, 0.1).clean());
  std::vector<float> moved = inside;
  moved[1] = 0.39f;
  CHECK(check_threat(x, moved, 4, t, 0.1).outside_ball == 1);
  moved = inside;
  moved[4] = 1.04f;
  const ThreatReport range = check_threat(x, moved, 4, t, 0.1);
  CHECK(range.outside_range == 1);
  CHECK(range.outside_ball == 0);
  moved = inside;
  moved[7] = nan;
  const ThreatReport broken = check_threat(x, moved, 4, t, 0.1);
  CHECK(broken.non_finite == 1);
  CHECK(std::isnan(broken.distance[3]));
  CHECK_FALSE(broken.clean());
}

TEST_CASE("[rule 15] the slack covers float32 rounding and nothing more") {
  const Threat t = threat("linf");
  const std::vector<float> x = {0.7f};
  CHECK(check_threat(x, std::vector<float>{0.7f + 0.1f}, 1, t, 0.1).clean());
  CHECK_FALSE(check_threat(x, std::vector<float>{0.70001f + 0.1f}, 1, t, 0.1).clean());
}

TEST_CASE("l2 distances are those of whole samples") {
  const Threat t = threat("l2");
  const std::vector<float> x = {0, 0, 0, 0}, moved = {0.3f, 0.4f, 0, 0.05f};
  const ThreatReport report = check_threat(x, moved, 2, t, 0.1);
  CHECK(report.distance[0] == doctest::Approx(0.5));
  CHECK(report.distance[1] == doctest::Approx(0.05));
  CHECK(report.outside_ball == 1);
}

TEST_CASE("the sign test is the exact binomial tail") {
  CHECK(sign_test(8, 2) == doctest::Approx(0.0546875));
  CHECK(sign_test(3, 0) == doctest::Approx(0.125));
  CHECK(sign_test(0, 5) == doctest::Approx(1.0));
}

TEST_CASE("a malformed threat names its key") {
  CHECK_THROWS_WITH_AS(Threat::from_json(Json::object({{"norm", "linf"}, {"eps", Json(Json::Array{"-1"})}})),
                       doctest::Contains("threat.eps"), Error);
  CHECK_THROWS_AS(Threat::from_json(Json::object({{"norm", "lin"}, {"eps", Json(Json::Array{"0"})}})), Error);
}
