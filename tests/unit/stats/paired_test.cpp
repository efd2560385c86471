// Paired tests and areas under the ROC curve against scipy, statsmodels, R and plain enumeration.
#include "results/stats/paired.hpp"

#include "agreement.hpp"
#include "results/stats/auroc.hpp"

using namespace assay::stats;
using namespace agreement;

namespace {

std::vector<double> zeros_like(const std::vector<double>& v) { return std::vector<double>(v.size()); }

DetectorScores detector(const std::vector<double>& in, const std::vector<double>& out) { return {in, out}; }

}  // namespace

TEST_CASE("McNemar: exact p, mid-p, odds ratio and its interval [rule 45]") {
  Agreement p("mcnemar p", "statsmodels mcnemar"), mid("mcnemar mid-p", "counting in fractions"),
      odds("mcnemar odds ratio and interval", "R binom.test");
  for (const auto& c : python().at("mcnemar").as_array()) {
    const McNemar got = mcnemar(c.at("a").as_int(), c.at("b").as_int());
    p(got.p, real(c, "p"));
    mid(got.mid_p, real(c, "mid_p"));
  }
  for (const auto& c : r().at("odds").as_array()) {
    const McNemar got = mcnemar(c.at("a").as_int(), c.at("b").as_int());
    odds(got.odds_interval.lo, real(c, "lo"));
    odds(got.odds_interval.hi, real(c, "hi"));
    CHECK(got.odds_interval.over == "discordant samples");
  }
  CHECK(mcnemar(3, 12).odds_ratio == 0.25);
  CHECK(std::isinf(mcnemar(3, 0).odds_ratio));
  const McNemar none = mcnemar(0, 0);
  CHECK(none.p == 1);
  CHECK(none.mid_p == 1);
  CHECK(none.odds_ratio == 1);
  CHECK(none.odds_interval.lo == 0);
  CHECK(std::isinf(none.odds_interval.hi));
  CHECK(message_of([] { mcnemar(1, 2, 1.0); }).find("outside (0, 1)") != std::string::npos);
}

TEST_CASE("the sign test equals statsmodels'") {
  Agreement p("sign_test", "statsmodels sign_test");
  for (const auto& c : python().at("sign").as_array()) p(sign_test(reals(c, "a"), reals(c, "b")).p, real(c, "p"));
  const std::vector<double> a{0.3, 0.2, 1}, b{0.2, 0.2, 1};
  CHECK(sign_test(a, b).equal == 2);
  CHECK(sign_test(a, b).p == 1);
}

TEST_CASE("the exact permutation test equals scipy's and R's") {
  Agreement scipy("permutation_test, exact", "scipy permutation_test"), r_exact("permutation_test, exact", "R exactRankTests");
  for (const auto& c : python().at("permutation").as_array()) {
    const auto got = permutation_test(reals(c, "a"), reals(c, "b"));
    CHECK(got.exact);
    scipy(got.p, real(c, "p"));
  }
  for (const auto& c : r().at("permutation").as_array()) {
    const auto d = reals(c, "d");
    r_exact(permutation_test(d, zeros_like(d)).p, real(c, "p"));
  }
}

TEST_CASE("on 0/1 outcomes the permutation test is McNemar's") {
  std::vector<double> a(60), b(60);
  for (std::size_t i = 0; i < 60; ++i) {
    a[i] = i < 14 || i > 40 ? 1 : 0;
    b[i] = i > 30 ? 1 : 0;
  }
  const McNemar reference = mcnemar(a, b);
  CHECK(reference.only_a + reference.only_b == 24);
  CHECK(permutation_test(a, b).p == doctest::Approx(reference.p).epsilon(1e-12));
}

TEST_CASE("the Monte Carlo permutation test agrees with the exact one within its noise, and is never 0") {
  const auto a = normals(3, 22, 0.5), b = normals(4, 22);
  PermutationOptions sampled;
  sampled.exact_up_to = 0;
  sampled.resamples = 4000;
  const double exact = permutation_test(a, b).p;
  const auto got = permutation_test(a, b, sampled);
  CHECK_FALSE(got.exact);
  CHECK(std::abs(got.p - exact) < 4 * std::sqrt(exact * (1 - exact) / 4000));
  CHECK(got.p == permutation_test(a, b, sampled).p);
  sampled.resamples = 99;
  CHECK(permutation_test(normals(5, 300, 3), normals(6, 300), sampled).p == 0.01);
  CHECK(permutation_test(a, a).p == 1);
  sampled.exact_up_to = 41;
  CHECK(message_of([&] { permutation_test(a, b, sampled); }) == "permutation test: exact_up_to 41 is outside [0, 40]");
}

TEST_CASE("Wilcoxon's signed ranks equal scipy's, R's, and an enumeration of all signs") {
  Agreement exact("wilcoxon, exact", "scipy wilcoxon; all signs"), normal("wilcoxon, normal", "scipy wilcoxon"),
      coin("wilcoxon, exact with ties and zeros", "R coin (Pratt) and exactRankTests");
  for (const auto& c : python().at("wilcoxon").as_array()) {
    const auto d = reals(c, "d");
    const auto got =
        wilcoxon(d, zeros_like(d), {c.at("zeros").as_string() == "pratt" ? Zeros::pratt : Zeros::wilcoxon});
    CHECK(got.exact == c.at("exact").as_bool());
    (got.exact ? exact : normal)(got.p, real(c, "p"));
  }
  for (const auto& c : r().at("wilcoxon").as_array()) {
    const auto d = reals(c, "d");
    coin(wilcoxon(d, zeros_like(d), {Zeros::wilcoxon}).p, real(c, "wilcoxon"));
    coin(wilcoxon(d, zeros_like(d), {Zeros::pratt}).p, real(c, "pratt"));
  }
}

TEST_CASE(
    "Wilcoxon: differences that are equal but for rounding tie; no difference is p = 1; the effect has the sign") {
  // 0.3 - 0.2 < 0.2 - 0.1 in double; as ties both differences have rank 1.5, and so has each sign.
  const std::vector<double> a{0.3, 0.1, 0.9}, b{0.2, 0.2, 0.4};
  CHECK(wilcoxon(a, b).w_plus == 4.5);
  CHECK(wilcoxon(a, b).w_minus == 1.5);
  CHECK(wilcoxon(a, b).effect == 0.5);
  CHECK(wilcoxon(a, a).p == 1);
  CHECK(wilcoxon(a, a).zeros == 3);
  CHECK(wilcoxon(b, a).effect == -0.5);
  const std::vector<double> infinite{1, 2, INFINITY};
  CHECK(message_of([&] { wilcoxon(infinite, infinite); }) == "wilcoxon: the difference of pair 2 is not finite");
}

TEST_CASE("DeLong equals its definition over all pairs, and pROC's") {
  Agreement definition("delong, delong_paired", "sums over all pairs"), proc("delong, delong_paired", "R pROC");
  for (const auto& c : python().at("delong").as_array()) {
    const auto ia = reals(c, "in_a"), oa = reals(c, "out_a"), ib = reals(c, "in_b"), ob = reals(c, "out_b");
    const auto got = delong_paired(detector(ia, oa), detector(ib, ob));
    definition(got.auroc_a, real(c, "auroc_a"));
    definition(got.auroc_b, real(c, "auroc_b"));
    definition(got.standard_error, real(c, "se"));
    definition(got.p, real(c, "p"));
    definition(delong(ia, oa).standard_error, real(c, "se_a"));
  }
  for (const auto& c : r().at("delong").as_array()) {
    const auto ia = reals(c, "in_a"), oa = reals(c, "out_a"), ib = reals(c, "in_b"), ob = reals(c, "out_b");
    const auto got = delong_paired(detector(ia, oa), detector(ib, ob));
    proc(got.auroc_a, real(c, "auroc_a"));
    proc(got.z, real(c, "z"));
    proc(got.p, real(c, "p"));
    proc(delong(ia, oa).interval.lo, real(c, "lo"));
    proc(delong(ia, oa).interval.hi, real(c, "hi"));
  }
}

TEST_CASE("DeLong at the edges: perfect detectors, equal rankings, infinite scores, bad input") {
  const std::vector<double> in{0, 1, 2}, out{3, 4, 5}, one{1}, scaled_in{0, 10, 20}, scaled_out{30, 40, 50};
  CHECK(delong(in, out).auroc == 1);
  CHECK(delong(in, out).logit_interval.lo == 1);
  const auto same = delong_paired(detector(in, out), detector(scaled_in, scaled_out));
  CHECK(same.degenerate);
  CHECK(same.p == 1);
  CHECK(delong_paired(detector(in, out), detector(out, in)).p == 0);
  const std::vector<double> with_infinity{0, 1, INFINITY};
  CHECK(delong(in, with_infinity).auroc == doctest::Approx((0.5 + 1.5 + 3) / 9));
  const auto logit = delong(normals(1, 50), normals(2, 50, 3)).logit_interval;
  CHECK(logit.hi < 1);
  CHECK(logit.over == "samples");
  CHECK(message_of([&] { delong(one, out); }) == "delong: needs at least 2 values, got 1");
  CHECK(message_of([&] { delong_paired(detector(in, out), detector(one, out)); }).find("the same samples") !=
        std::string::npos);
}
