// The rank sum test against scipy and enumeration, and what rule 44 makes of it.
#include "results/stats/rank_sum.hpp"

#include "agreement.hpp"
#include "results/stats/many.hpp"

using namespace assay::stats;
using namespace agreement;

namespace {

// Times around `seconds` with a spread of 2 %, some of them long as times are.
std::vector<double> times(double seconds, std::uint64_t seed, std::size_t rounds = 30) {
  const assay::Rng rng(seed, "rank-sum-test");
  std::vector<double> out(rounds);
  for (std::size_t i = 0; i < rounds; ++i) {
    const double u = rng.uniform(i);
    out[i] = seconds * (1 + 0.02 * u + (u > 0.95 ? 0.3 : 0));
  }
  return out;
}

}  // namespace

TEST_CASE("the rank sum test equals scipy's, and an enumeration where values tie") {
  Agreement exact("rank_sum, exact", "scipy `mannwhitneyu`"), tied("rank_sum, exact with ties", "all choices of places");
  Agreement normal("rank_sum, normal", "scipy `mannwhitneyu`, ties, continuity");
  const assay::Json cases = read_fixture("rank_sums.json");
  for (const auto& c : cases.as_array()) {
    const std::string method = c.at("method").as_string();
    const RankSum got = rank_sum(reals(c, "x"), reals(c, "y"));
    CHECK(got.exact == (method != "asymptotic"));
    Agreement& agrees = method == "exact" ? exact : method == "enumeration" ? tied : normal;
    agrees(got.p, real(c, "p"));
    agrees(got.p_greater, real(c, "greater"));
    agrees(got.u, real(c, "u"));
    CHECK(got.superiority == doctest::Approx(got.u / static_cast<double>(c.at("x").size() * c.at("y").size())));
  }
  const std::vector<double> same(40, 1.0), nan{1, std::nan("")};
  CHECK(rank_sum(same, same).p == 1);
  CHECK(message_of([&] { rank_sum(nan, same); }).find("value 1 is not a number") != std::string::npos);
  CHECK(message_of([&] { rank_sum({}, same); }).find("no values") != std::string::npos);
}

TEST_CASE("two timings differ when a rank test says so and the change exceeds the factor [rule 44]") {
  const auto base = times(1, 1), nearly = times(1.03, 2), slower = times(1.12, 3), faster = times(0.9, 4);
  CHECK(rank_sum(nearly, base).p < 0.001);     // the rank test alone would call 3 % a difference
  CHECK(timing_test(nearly, base).p > 0.5);    // and it is none that counts
  CHECK(timing_test(slower, base).p < 0.001);
  CHECK(timing_test(faster, base).p < 0.001);
  CHECK(timing_test(slower, base).ratio == doctest::Approx(1.12).epsilon(0.01));
  CHECK(timing_test(slower, base).p == timing_test(base, slower).p);
  CHECK(timing_test(slower, base, 1.2).p > 0.5);
  // A large change that three rounds cannot tell: 2 * 1/20.
  CHECK(timing_test(times(3, 5, 3), times(1, 6, 3)).p == doctest::Approx(0.1));
  const std::vector<double> zero{0.0, 1.0};
  CHECK(message_of([&] { timing_test(zero, base); }).find("not above 0") != std::string::npos);
  CHECK(message_of([&] { timing_test(base, base, 0.9); }).find("below 1") != std::string::npos);
}

TEST_CASE("rank ranges of timings hang on their rounds alone [rule 44]") {
  const auto input = [](double seconds, std::uint64_t seed) {
    RankInput out;
    out.value = seconds;
    out.per_seed = {seconds, seconds, seconds};
    out.rounds = times(seconds, seed);
    return out;
  };
  const auto ranges = rank_ranges({input(1, 1), input(1.03, 2), input(1.2, 3)}, false);
  CHECK((ranges[0].lo == 1 && ranges[0].hi == 2));
  CHECK((ranges[1].lo == 1 && ranges[1].hi == 2));
  CHECK((ranges[2].lo == 3 && ranges[2].hi == 3));
}
