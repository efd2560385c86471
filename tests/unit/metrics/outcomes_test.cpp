// Metrics that stored outcomes give, against scikit-learn, scipy and brute force (fixtures/make.py), and their edges.
#include <doctest/doctest.h>

#include <algorithm>
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

constexpr double exact = 1e-9;

bool near(double a, double b) { return std::abs(a - b) < exact; }

std::string message_of(const auto& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::vector<std::vector<double>> members_right() {
  std::vector<std::vector<double>> out;
  for (const auto& votes : reference::votes) {
    auto& right = out.emplace_back();
    for (std::size_t i = 0; i < votes.size(); ++i) right.push_back(votes[i] == reference::truth[i] ? 1 : 0);
  }
  return out;
}

}  // namespace

TEST_CASE("calibration errors and selective prediction equal brute force, ties included [rule 34]") {
  Agreement mass("ece_equal_mass", "bins by scipy rankdata"), sweep("ece_sweep", "bins by scipy rankdata, all numbers of bins"),
      area("aurc", "risk at every threshold, numpy"), excess("eaurc", "the best order of the errors, numpy"),
      coverage("coverage_at_risk_5", "every threshold, in fractions");
  for (const auto& c : reference::selective) {
    CAPTURE(c.name);
    mass(ece_equal_mass(c.confidence, c.correct), c.equal_mass15);
    mass(ece_equal_mass(c.confidence, c.correct, 4), c.equal_mass4);
    sweep(ece_sweep(c.confidence, c.correct), c.sweep);
    area(aurc(c.confidence, c.correct), c.aurc);
    excess(eaurc(c.confidence, c.correct), c.eaurc);
    coverage(coverage_at_risk(c.confidence, c.correct), c.coverage);
    for (const char* id : {"ece_equal_mass", "ece_sweep", "aurc", "eaurc", "coverage_at_risk_5", "ece"})
      CHECK(std::isfinite(evaluate(id, {c.confidence, c.correct})));
  }
}

TEST_CASE("no number of confidence depends on the order of the samples") {
  const auto& c = reference::selective[1];  // with ties
  std::vector<std::size_t> order(c.correct.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [](std::size_t a, std::size_t b) { return a * 37 % 71 < b * 37 % 71; });
  std::vector<double> confidence, correct;
  for (const std::size_t i : order) {
    confidence.push_back(c.confidence[i]);
    correct.push_back(c.correct[i]);
  }
  for (const char* id : {"ece", "ece_equal_mass", "ece_sweep", "aurc", "eaurc", "coverage_at_risk_5"}) {
    CAPTURE(id);
    CHECK(near(evaluate(id, {confidence, correct}), evaluate(id, {c.confidence, c.correct})));
  }
}

TEST_CASE("selective prediction by hand") {
  const std::vector<double> confidence{0.9, 0.8, 0.7, 0.6}, correct{1, 1, 0, 1};
  CHECK(near(aurc(confidence, correct), (0 + 0 + 1.0 / 3 + 1.0 / 4) / 4));
  CHECK(near(eaurc(confidence, correct), (1.0 / 3 + 1.0 / 4) / 4 - (1.0 / 4) / 4));
  CHECK(coverage_at_risk(confidence, correct) == 0.5);
  CHECK(coverage_at_risk(confidence, correct, 0.25) == 1);
  const std::vector<double> same{0.5, 0.5, 0.5, 0.5};  // accepted together: the risk of all of them
  CHECK(near(aurc(same, correct), 0.25));
  CHECK(coverage_at_risk(same, correct) == 0);
}

TEST_CASE("refusals name the metric") {
  const std::vector<double> half{0.5}, two{2}, one{1}, none;
  CHECK(message_of([&] { aurc(two, one); }) == "metric 'aurc': confidence[0] is 2.000000");
  CHECK(message_of([&] { ece_equal_mass(none, none); }) == "metric 'ece_equal_mass': no values in 'confidence'");
  CHECK(message_of([&] { ece_sweep(half, half); }).find("'ece_sweep'") != std::string::npos);
  CHECK(message_of([&] { coverage_at_risk(half, one, 2); }).find("outside [0, 1]") != std::string::npos);
  CHECK(message_of([&] { macro_f1(half, none); }).find("'macro_f1'") != std::string::npos);
  CHECK(message_of([&] { detection_error(none, half); }).find("one class is missing") != std::string::npos);
  const std::vector<std::vector<double>> alone{{1, 0}};
  CHECK(message_of([&] { double_fault(Members(alone.begin(), alone.end())); }) ==
        "metric 'double_fault': needs at least two members");
}

TEST_CASE("class metrics equal scikit-learn's where a class is never the label") {
  const auto& votes = reference::votes[0];
  CHECK(near(balanced_accuracy(votes, reference::truth), reference::balanced));
  CHECK(near(macro_f1(votes, reference::truth), reference::f1));
  Agreement("balanced_accuracy", "scikit-learn recall_score, macro")(evaluate("balanced_accuracy", {votes, reference::truth}),
                                                                     reference::balanced);
  Agreement("macro_f1", "scikit-learn f1_score, macro")(evaluate("macro_f1", {votes, reference::truth}), reference::f1);
  const ClassScores scores{reference::logits, reference::classes, Scale::logits};
  const auto ranks = label_ranks(scores, reference::labels);
  Agreement("top3_accuracy", "scikit-learn top_k_accuracy_score")(evaluate("top3_accuracy", {ranks}), reference::top3);
  Agreement("top5_accuracy", "scikit-learn top_k_accuracy_score")(evaluate("top5_accuracy", {ranks}), reference::top5);
  CHECK(top_k_accuracy(ranks, 1) == accuracy(correct(scores, reference::labels)));
}

TEST_CASE("diversity of members equals scipy's odds ratio and correlation") {
  const auto right = members_right();
  const Members members(right.begin(), right.end());
  CHECK(near(q_statistic(members), reference::q_statistic));
  CHECK(near(double_fault(members), reference::double_fault));
  CHECK(near(error_correlation(members), reference::error_correlation));
  std::vector<std::span<const double>> columns(reference::votes.begin(), reference::votes.end());
  Agreement("disagreement", "numpy")(evaluate("disagreement", columns), reference::members_disagree);
  columns.emplace_back(reference::truth);
  Agreement("q_statistic", "scipy odds_ratio")(evaluate("q_statistic", columns), reference::q_statistic);
  Agreement("double_fault", "numpy")(evaluate("double_fault", columns), reference::double_fault);
  Agreement("error_correlation", "scipy pearsonr")(evaluate("error_correlation", columns), reference::error_correlation);
  Agreement("member_accuracy", "scikit-learn accuracy_score")(evaluate("member_accuracy", columns), reference::members_right);
  CHECK(message_of([&] { evaluate("q_statistic", {columns[0], columns[3]}); }).find("number of columns") != std::string::npos);
}

TEST_CASE("accuracy that a reduced set costs is the difference of two accuracies") {
  const auto right = members_right();
  std::vector<double> lost;
  for (std::size_t i = 0; i < right[0].size(); ++i) lost.push_back(right[0][i] - right[1][i]);
  Agreement("accuracy_lost", "scikit-learn accuracy_score")(evaluate("accuracy_lost", {lost}), reference::accuracy_lost);
}

TEST_CASE("diversity that is not defined is not a number, and is not made up") {
  const std::vector<std::vector<double>> right{{1, 1, 1, 1}, {1, 0, 1, 0}};
  const Members members(right.begin(), right.end());
  CHECK(std::isnan(error_correlation(members)));
  CHECK(std::isnan(q_statistic(members)));
  CHECK(double_fault(members) == 0);
}

TEST_CASE("both conventions of FPR@95, and the least error, equal scikit-learn and brute force [rule 30]") {
  Agreement fpr("fpr_at_95_in", "scikit-learn roc_curve"), error("detection_error", "all thresholds, numpy");
  for (const auto& c : reference::detection) {
    CAPTURE(c.name);
    fpr(fpr_at_95_in(c.in, c.out), c.fpr_at_95_in);
    error(detection_error(c.in, c.out), c.error);
    CHECK(near(evaluate("fpr_at_95_in", {c.in, c.out}), c.fpr_at_95_in));
    CHECK(near(evaluate("detection_error", {c.in, c.out}), c.error));
  }
}

TEST_CASE("OpenOOD's AUPR is scikit-learn's area under the curve, and no average precision") {
  Agreement area("aupr_out_trapezoid, aupr_in_trapezoid (OpenOOD's)", "scikit-learn precision_recall_curve, auc");
  for (const auto& c : reference::detection) {
    CAPTURE(c.name);
    area(aupr_out_trapezoid(c.in, c.out), c.trapezoid_out);
    area(aupr_in_trapezoid(c.in, c.out), c.trapezoid_in);
  }
}

TEST_CASE("what is left under an attack equals numpy's masked means [rule 25]") {
  const auto& a = reference::attacked;
  const auto check = [](const char* id, const std::vector<std::span<const double>>& columns, double expected) {
    Agreement(id, "numpy masked means")(evaluate(id, columns), expected);
  };
  check("robust_accuracy", {a.robust}, a.robust_accuracy);
  check("attack_success_rate", {a.success, a.eligible}, a.rate);
  check("attack_success_rate_all", {a.success}, a.rate_all);
  check("mean_distance", {a.distance}, a.mean_distance);
  check("median_perturbation", {a.distance, a.success, a.robust}, a.median);
  Agreement curve("perturbation_curve", "numpy, all pairs");
  const auto shares = perturbation_curve(minimal_perturbations(a.distance, a.success, a.robust), a.radii);
  for (std::size_t i = 0; i < shares.size(); ++i) curve(shares[i], a.curve[i]);
  for (const auto& c : reference::ratios) {
    Agreement("compression_ratio", "Python fractions")(compression_ratio(c.before, c.after), c.ratio);
    Agreement("theoretical_speedup", "Python fractions")(theoretical_speedup(c.before, c.after), c.ratio);
  }
}

TEST_CASE("shares and distances of a search for counter-examples equal numpy's means and median") {
  const auto& a = reference::attacked;
  for (const char* id : {"decided_rate", "falsified_rate", "verified_rate", "partly_safe_rate", "unknown_rate", "agreement", "violated_rate",
                         "false_safe_rate", "false_safe_fine_rate", "witness_on_grid_rate"})
    Agreement(id, "numpy mean")(evaluate(id, {a.success}), a.rate_all);
  for (const char* id : {"witness_l1", "witness_l2", "witness_l0", "witness_linf"})
    Agreement(id, "numpy mean")(evaluate(id, {a.distance}), a.mean_distance);
  Agreement("median_witness_l1", "numpy median")(evaluate("median_witness_l1", {a.distance, a.success, a.robust}), a.median);
}

TEST_CASE("the least perturbation: nothing for what is wrong already, infinite for what withstood") {
  const std::vector<double> distance{0.3, 0.1, 0.2, 0.5}, success{1, 0, 1, 0}, robust{0, 0, 0, 1};
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(minimal_perturbations(distance, success, robust) == std::vector<double>{0.3, 0, 0.2, inf});
  CHECK(median_perturbation(distance, success, robust) == 0.25);
  CHECK(perturbation_curve(minimal_perturbations(distance, success, robust), std::vector<double>{0, 0.2, 1}) == std::vector<double>{0.75, 0.5, 0.25});
  CHECK(median_perturbation(distance, std::vector<double>{0, 0, 0, 0}, std::vector<double>{1, 1, 0, 0}) == inf);
  CHECK(message_of([&] { minimal_perturbations(distance, success, std::vector<double>{1}); }).find("differ in number") != std::string::npos);
}

TEST_CASE("attack success of all samples counts those that were wrong already in the denominator [rule 25]") {
  const std::vector<double> success{1, 0, 0, 0}, eligible{1, 1, 0, 0};
  CHECK(evaluate("attack_success_rate", {success, eligible}) == 0.5);
  CHECK(evaluate("attack_success_rate_all", {success}) == 0.25);
}

TEST_CASE("every metric of stored columns can be evaluated and says its range") {
  const Rng rng(1, "columns");
  std::vector<double> flags(40), shares(40);
  for (std::size_t i = 0; i < flags.size(); ++i) {
    flags[i] = static_cast<double>(rng.below(i, 2));
    shares[i] = rng.uniform(100 + i);
  }
  for (const MetricInfo& metric : registry()) {
    if (metric.pool == Pool::none) continue;
    agreement::tell("metric", metric.id);  // which must have a row of the table
    CAPTURE(metric.id);
    std::vector<std::span<const double>> columns;
    if (metric.pool == Pool::rank) columns = {shares, flags};
    if (metric.pool == Pool::members) columns = {flags, shares};
    for (const std::string& name : metric.columns) {
      if (metric.pool == Pool::rank) break;
      if (metric.pool == Pool::members && name == metric.columns[0]) continue;
      columns.emplace_back(name == "confidence" || name == "score" || name == "distance" || name == "nll" ? shares : flags);
    }
    const double value = evaluate(metric.id, columns);
    if (std::isfinite(value)) {
      CHECK(value >= metric.min);
      CHECK(value <= metric.max);
    }
  }
}
