// Metrics against scikit-learn and scipy (fixtures/make.py), ties, edge cases and refusals.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "fixtures/reference.hpp"
#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/metrics/registry.hpp"
#include "tests/unit/agreement.hpp"

using namespace assay;
using namespace assay::metrics;
using agreement::Agreement;

namespace {

std::string message_of(const auto& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

const ClassScores reference_scores{reference::logits, reference::classes, Scale::logits};

}  // namespace

TEST_CASE("detection metrics equal scikit-learn's, ties included [rule 30]") {
  Agreement area("auroc", "scikit-learn roc_auc_score, scipy mannwhitneyu"), fpr("fpr_at_95", "scikit-learn roc_curve"),
      out("aupr_out", "scikit-learn average_precision_score"), in("aupr_in", "scikit-learn average_precision_score");
  for (const auto& c : reference::detection) {
    CAPTURE(c.name);
    area(auroc(c.in, c.out), c.auroc);
    fpr(fpr_at_95(c.in, c.out), c.fpr_at_95);
    out(aupr_out(c.in, c.out), c.aupr_out);
    in(aupr_in(c.in, c.out), c.aupr_in);
  }
}

TEST_CASE("two implementations of AUROC agree to 1e-9 on random scores with and without ties [rule 30]") {
  for (std::uint64_t round = 0; round < 200; ++round) {
    const Rng rng(round, "auroc-test");
    std::vector<double> in(1 + rng.below(0, 80)), out(1 + rng.below(1, 80));
    const double grid = round % 3 == 0 ? 1 : round % 3 == 1 ? 4 : 0;  // 0: no rounding
    const auto draw = [&](std::uint64_t i, double shift) {
      const double v = rng.normal(i) + shift;
      return grid == 0 ? v : std::round(v * grid) / grid;
    };
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = draw(1000 + i, 0);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = draw(2000 + i, 0.5);
    CHECK(std::abs(auroc(in, out) - auroc_trapezoid(in, out)) < 1e-9);
    const std::vector<std::uint32_t> ones_in(in.size(), 1), ones_out(out.size(), 1);
    CHECK(std::abs(WeightedAuroc(in, out)(ones_in, ones_out) - auroc(in, out)) < 1e-12);
  }
}

TEST_CASE("weighted AUROC equals AUROC of the repeated scores") {
  const std::vector<double> in{0.1, 0.4, 0.4, 2}, out{0.4, 3, -1};
  const std::vector<std::uint32_t> in_counts{2, 0, 1, 1}, out_counts{0, 2, 1};
  const std::vector<double> in_repeated{0.1, 0.1, 0.4, 2}, out_repeated{3, 3, -1};
  CHECK(WeightedAuroc(in, out)(in_counts, out_counts) == doctest::Approx(auroc(in_repeated, out_repeated)).epsilon(1e-14));
  // Without ties another loop runs.
  const std::vector<double> apart_in{0.1, 0.5, 2, 7}, apart_out{0.3, 3, -1}, in_twice{0.1, 0.1, 2, 7}, out_twice{3, 3, -1};
  CHECK(WeightedAuroc(apart_in, apart_out)(in_counts, out_counts) == doctest::Approx(auroc(in_twice, out_twice)).epsilon(1e-14));
}

TEST_CASE("AUROC: signed zeros tie, infinities order, many magnitudes sort") {
  CHECK(auroc(std::vector<double>{-0.0}, std::vector<double>{0.0}) == 0.5);
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(auroc(std::vector<double>{-inf, -1e300, -1e-300}, std::vector<double>{1e-300, 1e300, inf}) == 1);
  CHECK(auroc(std::vector<double>{inf}, std::vector<double>{-inf}) == 0);
}

TEST_CASE("fpr@95 takes the first threshold that reaches 95 %, without interpolation [rule 30]") {
  std::vector<double> out(20), in{3.5, 0.5, 0.2};
  std::iota(out.begin(), out.end(), 0.0);  // 19 of 20 are >= 1: the threshold is 1
  CHECK(fpr_at_95(in, out) == doctest::Approx(1.0 / 3));
  CHECK(fpr_at_tpr(in, out, 1.0) == 1.0);
}

TEST_CASE("a missing class, an empty input and a NaN are named errors") {
  const std::vector<double> some{1, 2}, none, bad{1, std::nan("")};
  CHECK(message_of([&] { auroc(none, some); }) == "metric 'auroc': one class is missing: no in-distribution scores");
  CHECK(message_of([&] { auroc(some, none); }) == "metric 'auroc': one class is missing: no out-of-distribution scores");
  CHECK(message_of([&] { aupr_in(some, bad); }) == "metric 'aupr_in': out[1] is not a number");
  CHECK(message_of([&] { fpr_at_95(bad, some); }) == "metric 'fpr_at_95': in[1] is not a number");
  CHECK(message_of([&] { mean(none); }) == "metric 'mean': no values in 'values'");
  CHECK(message_of([&] { accuracy(std::vector<double>{0, 0.5}); }).find("expected 0 or 1") != std::string::npos);
}

TEST_CASE("classification metrics equal scikit-learn's") {
  Agreement("accuracy", "scikit-learn accuracy_score")(accuracy(correct(reference_scores, reference::labels)), reference::accuracy);
  Agreement("top-2 accuracy", "scikit-learn top_k_accuracy_score")(mean(top_k_correct(reference_scores, reference::labels, 2)),
                                                                   reference::top2);
  Agreement("nll", "scikit-learn log_loss")(nll(reference_scores, reference::labels), reference::nll);
  Agreement("brier", "numpy on scipy softmax")(brier(reference_scores, reference::labels), reference::brier);
  const auto conf = confidence(reference_scores);
  const auto hits = correct(reference_scores, reference::labels);
  Agreement calibration("ece", "numpy digitize");
  calibration(ece(conf, hits), reference::ece15);
  calibration(ece(conf, hits, 5), reference::ece5);
}

TEST_CASE("probabilities as input give the same numbers as logits") {
  const auto p = probabilities(reference_scores);
  const std::vector<float> narrow(p.begin(), p.end());
  const ClassScores scores{narrow, reference::classes, Scale::probabilities};
  CHECK(nll(scores, reference::labels) == doctest::Approx(reference::nll).epsilon(1e-5));
  CHECK(brier(scores, reference::labels) == doctest::Approx(reference::brier).epsilon(1e-5));
  const std::vector<float> zero{1, 0};
  const std::vector<std::int64_t> label{1};
  CHECK(nll({zero, 2, Scale::probabilities}, label) == doctest::Approx(-std::log(1e-12)));
  const std::vector<float> no_sum{0.5f, 0.2f};
  CHECK(message_of([&] { probabilities({no_sum, 2, Scale::probabilities}); }).find("sum to") != std::string::npos);
}

TEST_CASE("the lowest index wins ties; labels and NaN are checked") {
  const std::vector<float> tie{1, 3, 3, 0};
  CHECK(predictions({tie, 4}) == std::vector<std::int64_t>{1});
  CHECK(top_k_correct({tie, 4}, std::vector<std::int64_t>{2}, 1)[0] == 0);
  CHECK(top_k_correct({tie, 4}, std::vector<std::int64_t>{2}, 2)[0] == 1);
  CHECK(message_of([&] { correct({tie, 4}, std::vector<std::int64_t>{4}); }).find("label 4 of row 0") != std::string::npos);
  const std::vector<float> bad{0, std::nanf("")};
  CHECK(message_of([&] { predictions({bad, 2}); }).find("row 0") != std::string::npos);
}

TEST_CASE("calibration error: bins are right-closed and named by their number [rule 34]") {
  // 0.5 belongs to the first of two bins: one bin holds both samples, mean confidence 0.5, accuracy 0.5
  CHECK(ece(std::vector<double>{0.5, 0.5}, std::vector<double>{1, 0}, 2) == doctest::Approx(0.0));
  CHECK(ece(std::vector<double>{0.5, 0.75}, std::vector<double>{1, 0}, 2) == doctest::Approx(0.25 + 0.375));
  CHECK(ece(std::vector<double>{0, 1}, std::vector<double>{0, 1}) == 0);
}

TEST_CASE("attack success is numerator over eligible samples [rule 25]") {
  const std::vector<double> success{1, 1, 0, 1}, eligible{1, 0, 1, 1}, none{0, 0, 0, 0};
  const Ratio r = attack_success_rate(success, eligible);
  CHECK(r.numerator == 2);
  CHECK(r.denominator == 3);
  CHECK(message_of([&] { attack_success_rate(success, none); }).find("denominator is 0") != std::string::npos);
}

TEST_CASE("distances equal numpy's norms") {
  Agreement norms("distances (linf, l2, l1, l0)", "numpy norm");
  const auto check = [&](Norm norm, const std::vector<double>& expected) {
    const auto got = distances(reference::x, reference::z, 8, norm);
    for (std::size_t i = 0; i < expected.size(); ++i) norms(got[i], expected[i]);
  };
  check(Norm::linf, reference::linf);
  check(Norm::l2, reference::l2);
  check(Norm::l1, reference::l1);
  check(Norm::l0, reference::l0);
  CHECK(message_of([] { parse_norm("l3"); }).find("unknown norm 'l3'") == 0);
}

TEST_CASE("disagreement and ratios [rule 35]") {
  const std::vector<std::vector<std::int64_t>> members{{1, 2, 3, 4}, {1, 2, 3, 0}, {1, 2, 0, 0}};
  CHECK(disagreement(members[0], members[1]) == 0.25);
  CHECK(mean_pairwise_disagreement(members) == doctest::Approx((0.25 + 0.5 + 0.25) / 3));
  CHECK(compression_ratio(100, 25) == 4);
  CHECK(theoretical_speedup(90, 30) == 3);
  CHECK(message_of([] { compression_ratio(100, 0); }) == "metric 'compression_ratio': kept is 0.000000");
}

TEST_CASE("the registry says what every number means and evaluates it from columns") {
  for (const MetricInfo& metric : registry()) {
    CAPTURE(metric.id);
    CHECK(!metric.definition.empty());
    CHECK((metric.pool == Pool::none) == metric.columns.empty());
    CHECK((metric.pool == Pool::rank) == !metric.reference.empty());
    CHECK(&info(metric.id) == &metric);
  }
  const auto& c = reference::detection[1];
  CHECK(evaluate("auroc", {c.in, c.out}) == auroc(c.in, c.out));
  CHECK(evaluate("fpr_at_95", {c.in, c.out}) == fpr_at_95(c.in, c.out));
  CHECK(evaluate("aupr_in", {c.in, c.out}) == aupr_in(c.in, c.out));
  CHECK(evaluate("aupr_out", {c.in, c.out}) == aupr_out(c.in, c.out));
  CHECK(metrics_of("detect") == std::vector<std::string>{"auroc", "fpr_at_95", "fpr_at_95_in", "detection_error", "aupr_out",
                                                         "aupr_in", "accuracy"});
  CHECK(metrics_of("nothing").empty());
  CHECK(info("auroc").rule.find("positive class: out-of-distribution") != std::string::npos);
  CHECK(message_of([] { info("aurok"); }).find("did you mean 'auroc'") != std::string::npos);
  CHECK(message_of([] { evaluate("compression_ratio", {}); }).find("per-sample") != std::string::npos);
}
