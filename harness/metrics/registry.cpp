// The table of metrics. To add one: its function in a metrics file, one row here, one case in tests/unit/metrics.
#include "harness/metrics/registry.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "harness/base/error.hpp"
#include "harness/metrics/checks.hpp"
#include "harness/metrics/metrics.hpp"

namespace assay::metrics {
namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();
constexpr auto higher = Direction::higher, lower = Direction::lower;

std::vector<MetricInfo> attack_metrics() {
  return {
      {"robust_accuracy", "share of samples classified correctly without the attack and under it", higher, 0, 1, "",
       "denominator: all evaluated samples; a misclassified clean sample is not robust; an input that leaves the threat "
       "model makes the cell invalid",
       "Croce et al. 2021, arXiv:2010.09670", Pool::mean, {"robust"}, "", {"attack"}, true},
      {"attack_success_rate", "share of eligible samples for which the attack found a counted adversarial example", higher, 0,
       1, "", "numerator and denominator are stored; eligible: correctly classified without attack unless the score says 'all'",
       "Dong et al. 2018, arXiv:1710.06081", Pool::ratio, {"success", "eligible"}, "", {"attack"}},
      {"attack_success_rate_all", "share of all evaluated samples for which the attack found a counted adversarial example", higher,
       0, 1, "", "denominator: all evaluated samples, also those that are misclassified without the attack and never count", "",
       Pool::mean, {"success"}, "", {}},
      {"mean_distance", "mean norm of the perturbation in the threat model's norm", lower, 0, unbounded, "input units",
       "all evaluated samples, whether the attack succeeded or not", "", Pool::mean, {"distance"}, "", {"attack"}},
      {"median_perturbation", "median over samples of the least perturbation that the attack found", higher, 0, unbounded, "input units",
       "0 for a sample that is misclassified as it is, infinite for one that withstood, which half of them must not; the mean of the "
       "two in the middle of an even number",
       "Brendel et al. 2019, arXiv:1907.01003", Pool::statistic, {"distance", "success", "robust"}, "", {}, true},
  };
}

std::vector<MetricInfo> detection_metrics() {
  return {
      {"auroc", "probability that an out-of-distribution input scores higher than an in-distribution one", higher, 0, 1, "",
       "positive class: out-of-distribution; a tie counts half (Mann-Whitney)", "Hanley and McNeil 1982", Pool::rank, {"score"},
       "id", {"detect"}},
      {"fpr_at_95",
       "share of in-distribution inputs flagged at the threshold that flags 95 % of the out-of-distribution ones", lower, 0, 1,
       "", "positive class: out-of-distribution; first threshold reaching 95 %, no interpolation", "Yang et al. 2022, arXiv:2210.07242",
       Pool::rank, {"score"}, "id", {"detect"}},
      {"fpr_at_95_in",
       "share of out-of-distribution inputs accepted at the threshold that accepts 95 % of the in-distribution ones", lower, 0, 1,
       "", "positive class: in-distribution, ordered by the negated score; first threshold reaching 95 %, no interpolation",
       "Hendrycks and Gimpel 2017, arXiv:1610.02136", Pool::rank, {"score"}, "id", {"detect"}},
      {"detection_error", "least mean of the two error rates over all thresholds", lower, 0, 0.5, "",
       "both classes weigh the same; the threshold is chosen on the test inputs; ODIN's detection error is at 95 % true positives "
       "instead",
       "Lee et al. 2018, arXiv:1807.03888", Pool::rank, {"score"}, "id", {"detect"}},
      {"aupr_out", "average precision with out-of-distribution as the positive class", higher, 0, 1, "",
       "average precision over distinct thresholds, not the trapezoid; ties are one threshold", "Davis and Goadrich 2006",
       Pool::rank, {"score"}, "id", {"detect"}},
      {"aupr_in", "average precision with in-distribution as the positive class, ordered by the negated score", higher, 0, 1,
       "", "average precision over distinct thresholds, not the trapezoid; ties are one threshold", "Davis and Goadrich 2006",
       Pool::rank, {"score"}, "id", {"detect"}},
  };
}

std::vector<MetricInfo> prediction_metrics() {
  return {
      {"accuracy", "share of samples whose largest class score is the label's", higher, 0, 1, "",
       "the lowest class index wins a tie", "", Pool::mean, {"correct"}, "", {"attack", "detect", "predict", "compress", "reduce", "falsify"}, true},
      {"top3_accuracy", "share of samples whose label is among the three largest class scores", higher, 0, 1, "",
       "a tie at the border is resolved by the lower class index", "", Pool::statistic, {"label_rank"}, "", {}},
      {"top5_accuracy", "share of samples whose label is among the five largest class scores", higher, 0, 1, "",
       "a tie at the border is resolved by the lower class index", "Russakovsky et al. 2015, arXiv:1409.0575", Pool::statistic,
       {"label_rank"}, "", {"predict", "compress", "reduce"}},
      {"balanced_accuracy", "mean over classes of the share of the class's samples that is classified correctly", higher, 0, 1, "",
       "classes that occur among the labels; the lowest class index wins a tie", "Brodersen et al. 2010", Pool::statistic,
       {"predicted", "label"}, "", {"predict", "compress", "reduce"}},
      {"macro_f1", "mean over classes of the harmonic mean of precision and recall", higher, 0, 1, "",
       "each class in turn is the positive one; classes that occur among labels or predictions, 0 where nothing is right; the "
       "lowest class index wins a tie",
       "Van Rijsbergen 1979", Pool::statistic, {"predicted", "label"}, "", {"predict", "compress", "reduce"}},
      {"nll", "mean negative log-likelihood of the label", lower, 0, unbounded, "nats",
       "from probabilities: clipped to at least 1e-12; a proper score", "Gneiting and Raftery 2007", Pool::mean, {"nll"}, "", {"predict", "compress", "reduce"}},
      {"brier", "mean squared distance between the class probabilities and the one-hot label", lower, 0, 2, "",
       "sum over classes, range 0 to 2; a proper score", "Brier 1950", Pool::mean, {"brier"}, "", {"predict", "compress", "reduce"}},
      {"ece", "mean absolute gap between confidence and accuracy over confidence bins", lower, 0, 1, "",
       "15 bins of equal width over (0,1], right-closed; L1 norm weighted by bin count; not a proper score",
       "Guo et al. 2017, arXiv:1706.04599", Pool::statistic, {"confidence", "correct"}, "", {"predict", "compress", "reduce"}},
  };
}

std::vector<MetricInfo> confidence_metrics() {
  const std::vector<std::string> columns = {"confidence", "correct"};
  return {
      {"ece_equal_mass", "mean absolute gap between confidence and accuracy over bins of equally many samples", lower, 0, 1, "",
       "15 bins by order of confidence, equal confidences in one bin; L1 norm weighted by bin count; also called adaptive ECE; not "
       "a proper score",
       "Nguyen and O'Connor 2015, arXiv:1508.05154", Pool::statistic, columns, "", {"predict", "compress", "reduce"}},
      {"ece_sweep", "the same with as many bins as the accuracies of the bins allow without falling", lower, 0, 1, "",
       "bins of equal mass, 1, 2, ... up to the last before a bin's accuracy falls below that of the bin before; L1 norm; not a "
       "proper score",
       "Roelofs et al. 2022, arXiv:2012.08668", Pool::statistic, columns, "", {}},
      {"aurc", "area under the risk-coverage curve: mean error rate among the samples at least as confident as each", lower, 0, 1,
       "", "equal confidences are accepted together; no interpolation", "Geifman and El-Yaniv 2017, arXiv:1705.08500",
       Pool::statistic, columns, "", {"predict", "compress", "reduce"}},
      {"eaurc", "area under the risk-coverage curve beyond that of the best order of the same errors", lower, 0, 1, "",
       "exact for the number of samples, not the logarithmic approximation; equal confidences are accepted together",
       "Geifman et al. 2019, arXiv:1805.08206", Pool::statistic, columns, "", {}},
      {"coverage_at_risk_5", "largest share of samples accepted by confidence with at most 5 % errors among them", higher, 0, 1, "",
       "over the thresholds that occur, equal confidences together; 0 when none keeps the risk",
       "Geifman and El-Yaniv 2017, arXiv:1705.08500", Pool::statistic, columns, "", {}},
  };
}

std::vector<MetricInfo> ensemble_metrics() {
  const std::string pairs = "every unordered pair of members once";
  const std::string kuncheva = "Kuncheva and Whitaker 2003";
  return {
      {"disagreement", "share of samples on which two members predict different classes, mean over pairs", Direction::none, 0, 1,
       "", pairs, kuncheva, Pool::members, {"predicted"}, "", {"predict"}},
      {"q_statistic", "Yule's Q of two members' being right, mean over pairs: 1 when they fail on the same samples", Direction::none,
       -1, 1, "", pairs + "; not defined where a pair is never right, or never wrong, together and apart", kuncheva, Pool::members,
       {"predicted", "label"}, "", {"predict"}},
      {"double_fault", "share of samples that two members both get wrong, mean over pairs", Direction::none, 0, 1, "", pairs,
       "Giacinto and Roli 2001", Pool::members, {"predicted", "label"}, "", {"predict"}},
      {"error_correlation", "correlation of two members' being wrong, mean over pairs", Direction::none, -1, 1, "",
       pairs + "; not defined where a member is always right or always wrong", kuncheva, Pool::members, {"predicted", "label"}, "",
       {"predict"}},
      {"member_accuracy", "mean accuracy of an ensemble's members, each alone", higher, 0, 1, "",
       "the lowest class index wins a tie", "", Pool::members, {"predicted", "label"}, "", {"predict"}},
      {"member_nll", "mean negative log-likelihood of an ensemble's members, each alone", lower, 0, unbounded, "nats",
       "from probabilities: clipped to at least 1e-12", "", Pool::none, {}, "", {"predict"}},
  };
}

std::vector<MetricInfo> compression_metrics() {
  return {
      {"compression_ratio", "original parameters over kept parameters", higher, 0, unbounded, "x",
       "kept: non-zero or physically present weights, biases and normalisation included in both", "Blalock et al. 2020, arXiv:2003.03033",
       Pool::none, {}, "", {"compress"}},
      {"theoretical_speedup", "original multiply-adds over kept multiply-adds of one input", higher, 0, unbounded, "x",
       "kept: multiply-adds with a non-zero weight; says nothing of measured time", "Blalock et al. 2020, arXiv:2003.03033",
       Pool::none, {}, "", {"compress"}},
      {"measured_speedup", "time of one batch through the original over the time through the compressed model", higher, 0,
       unbounded, "x", "host-measured on the same cores; ranked only when it was measured alone", "", Pool::none, {}, "", {"compress"},
       false, {"round_seconds_original", "round_seconds"}},
      {"latency", "time of one batch through the model", lower, 0, unbounded, "s",
       "host-measured; ranked only when it was measured alone", "", Pool::none, {}, "", {"compress"}, false, {"round_seconds"}},
      {"size_on_disk", "bytes of the model's file as the host writes it", lower, 0, unbounded, "bytes",
       "dense safetensors in the precision of the weights, graph and names included: zeros take room as other numbers do", "",
       Pool::none, {}, "", {"predict", "compress"}},
      {"params", "parameters of the model that are not zero", lower, 0, unbounded, "", "", "", Pool::none, {}, "", {"predict", "compress"}},
      {"macs", "multiply-adds of one input with a weight that is not zero", lower, 0, unbounded, "", "", "", Pool::none, {}, "",
       {"predict", "compress"}},
      {"original_accuracy", "accuracy of the model before it was compressed, or trained on the full set", higher, 0, 1, "",
       "the lowest class index wins a tie", "", Pool::none, {}, "", {"compress", "reduce"}},
      {"compaction_error", "largest difference between the logits of the compacted and of the masked model", lower, 0, unbounded, "",
       "over the first 256 test inputs", "", Pool::none, {}, "", {"compress"}},
  };
}

std::vector<MetricInfo> reduction_metrics() {
  constexpr auto none = Direction::none;
  return {
      {"accuracy_lost", "accuracy of a net trained on the full set less that of one trained on the reduced set", higher, -1, 1, "",
       "same test inputs, seed and recipe; higher is the stronger poison", "", Pool::mean, {"lost"}, "", {"reduce"}},
      {"records_ratio", "records of the full set over records of the reduced set", none, 1, unbounded, "x", "", "", Pool::none, {}, "",
       {"reduce"}},
      {"records_kept", "records of the reduced set that are in the full set with the same values", none, 0, unbounded, "", "by sample id",
       "", Pool::none, {}, "", {"reduce"}},
      {"records_altered", "records of the reduced set that are in the full set with other values", none, 0, unbounded, "", "by sample id",
       "", Pool::none, {}, "", {"reduce"}},
      {"records_new", "records of the reduced set that are not in the full set", none, 0, unbounded, "", "by sample id", "", Pool::none,
       {}, "", {"reduce"}},
      {"smallest_class", "records of the class of which the reduced set has the fewest", none, 0, unbounded, "", "", "", Pool::none, {},
       "", {"reduce"}},
  };
}

std::vector<MetricInfo> falsification_metrics() {
  constexpr auto none = Direction::none;
  const std::string all = "denominator: all evaluated samples; each gets one of four verdicts: falsified, verified, partly safe, unknown";
  const std::string found = "over the inputs for which a counter-example was found";
  const std::string seen = "over the inputs whose grid the host could enumerate";
  return {
      {"decided_rate", "share of inputs whose region was falsified or verified", higher, 0, 1, "", all, "", Pool::mean, {"decided"}, "", {"falsify"}},
      {"falsified_rate", "share of inputs for which a counter-example in the region was found", none, 0, 1, "",
       all + "; each is run again by the judge, and one that is not in the region or has the input's class makes the cell invalid", "",
       Pool::mean, {"falsified"}, "", {"falsify"}},
      {"verified_rate", "share of inputs whose class is said to hold on every point of the grid, or of the box", none, 0, 1, "", all, "",
       Pool::mean, {"verified"}, "", {"falsify"}},
      {"partly_safe_rate", "share of inputs whose class is said to hold on a part of the grid only, such as its corners", none, 0, 1, "",
       all + "; no guarantee, whatever the method's name for it", "", Pool::mean, {"partly_safe"}, "", {"falsify"}},
      {"unknown_rate", "share of inputs of which the method says nothing", lower, 0, 1, "", all + "; a timeout is unknown", "", Pool::mean,
       {"unknown"}, "", {"falsify"}},
      {"agreement", "share of inputs whose verdict is that of the enumerated grid", higher, 0, 1, "",
       seen + "; unknown and partly safe agree with nothing", "", Pool::mean, {"agrees"}, "", {"falsify"}},
      {"violated_rate", "share of inputs whose grid has a point of another class", none, 0, 1, "", seen, "", Pool::mean, {"violated"}, "",
       {"falsify"}},
      {"false_safe_rate", "share of verified inputs whose grid has a point of another class", lower, 0, 1, "", seen, "", Pool::mean,
       {"false_safe"}, "", {"falsify"}},
      {"false_safe_fine_rate", "share of rightly verified inputs of which a grid with smaller steps has a point of another class", lower, 0, 1,
       "", seen + "; how many times smaller the steps are is the suite's", "", Pool::mean, {"false_safe_fine"}, "", {"falsify"}},
      {"witness_on_grid_rate", "share of counter-examples that are points of the grid", none, 0, 1, "", "the others are in the box", "",
       Pool::mean, {"on_grid"}, "", {"falsify"}},
      {"median_witness_l1", "median over inputs of the mean change of an element in the counter-example", lower, 0, unbounded, "input units",
       "infinite for an input without one, which half of them must not be", "", Pool::statistic, {"least_l1", "falsified", "standing"}, "",
       {"falsify"}},
      {"witness_l1", "mean change of an element in a counter-example", lower, 0, unbounded, "input units", found, "", Pool::mean, {"witness_l1"},
       "", {"falsify"}},
      {"witness_l2", "Euclidean length of the change in a counter-example", lower, 0, unbounded, "input units", found, "", Pool::mean,
       {"witness_l2"}, "", {"falsify"}},
      {"witness_l0", "elements that differ in a counter-example", lower, 0, unbounded, "", found, "", Pool::mean, {"witness_l0"}, "", {"falsify"}},
      {"witness_linf", "largest change of an element in a counter-example", lower, 0, unbounded, "input units", found, "", Pool::mean,
       {"witness_linf"}, "", {"falsify"}},
  };
}

}  // namespace

const std::vector<MetricInfo>& registry() {
  static const std::vector<MetricInfo> all = [] {
    std::vector<MetricInfo> rows;
    for (auto part : {attack_metrics(), detection_metrics(), prediction_metrics(), confidence_metrics(), ensemble_metrics(),
                      compression_metrics(), reduction_metrics(), falsification_metrics()})
      rows.insert(rows.end(), part.begin(), part.end());
    return rows;
  }();
  return all;
}

const MetricInfo* find(const std::string& id) {
  for (const MetricInfo& metric : registry())
    if (metric.id == id) return &metric;
  return nullptr;
}

const MetricInfo& info(const std::string& id) {
  if (const MetricInfo* metric = find(id)) return *metric;
  std::vector<std::string> names;
  for (const MetricInfo& metric : registry()) names.push_back(metric.id);
  throw Error(Fault::bad_input, "unknown metric '" + id + "'" + suggestion(id, names));
}

std::vector<std::string> metrics_of(const std::string& task) {
  std::vector<std::string> out;
  for (const MetricInfo& metric : registry())
    if (std::find(metric.tasks.begin(), metric.tasks.end(), task) != metric.tasks.end()) out.push_back(metric.id);
  return out;
}

namespace {

using Columns = std::vector<std::span<const double>>;
using Statistic = double (*)(const Columns&);

// All columns but the last are predictions of members, the last is the label.
std::vector<std::vector<double>> correct_of(const Columns& columns) {
  std::vector<std::vector<double>> out;
  const auto& labels = columns.back();
  for (std::size_t m = 0; m + 1 < columns.size(); ++m) {
    detail::need_same("members", columns[m].size(), labels.size(), "predictions and labels differ in number");
    auto& correct = out.emplace_back(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) correct[i] = columns[m][i] == labels[i] ? 1 : 0;
  }
  return out;
}

template <double (*f)(const Members&)>
double of_members(const Columns& columns) {
  const auto correct = correct_of(columns);
  return f(Members(correct.begin(), correct.end()));
}

double disagreement_of(const Columns& columns) {
  std::vector<std::vector<std::int64_t>> predictions;
  for (const auto& column : columns) {
    auto& out = predictions.emplace_back();
    std::transform(column.begin(), column.end(), std::back_inserter(out), [](double v) { return static_cast<std::int64_t>(v); });
  }
  return mean_pairwise_disagreement(predictions);
}

double member_accuracy(const Members& correct) {
  double sum = 0;
  for (const auto& member : correct) sum += accuracy(member);
  return sum / static_cast<double>(correct.size());
}

const std::map<std::string, Statistic>& statistics() {
  static const std::map<std::string, Statistic> table = {
      {"median_perturbation", [](const Columns& c) { return median_perturbation(c[0], c[1], c[2]); }},
      {"median_witness_l1", [](const Columns& c) { return median_perturbation(c[0], c[1], c[2]); }},
      {"auroc", [](const Columns& c) { return auroc(c[0], c[1]); }},
      {"fpr_at_95", [](const Columns& c) { return fpr_at_95(c[0], c[1]); }},
      {"fpr_at_95_in", [](const Columns& c) { return fpr_at_95_in(c[0], c[1]); }},
      {"detection_error", [](const Columns& c) { return detection_error(c[0], c[1]); }},
      {"aupr_out", [](const Columns& c) { return aupr_out(c[0], c[1]); }},
      {"aupr_in", [](const Columns& c) { return aupr_in(c[0], c[1]); }},
      {"top3_accuracy", [](const Columns& c) { return top_k_accuracy(c[0], 3); }},
      {"top5_accuracy", [](const Columns& c) { return top_k_accuracy(c[0], 5); }},
      {"balanced_accuracy", [](const Columns& c) { return balanced_accuracy(c[0], c[1]); }},
      {"macro_f1", [](const Columns& c) { return macro_f1(c[0], c[1]); }},
      {"ece", [](const Columns& c) { return ece(c[0], c[1]); }},
      {"ece_equal_mass", [](const Columns& c) { return ece_equal_mass(c[0], c[1]); }},
      {"ece_sweep", [](const Columns& c) { return ece_sweep(c[0], c[1]); }},
      {"aurc", [](const Columns& c) { return aurc(c[0], c[1]); }},
      {"eaurc", [](const Columns& c) { return eaurc(c[0], c[1]); }},
      {"coverage_at_risk_5", [](const Columns& c) { return coverage_at_risk(c[0], c[1], 0.05); }},
      {"disagreement", disagreement_of},
      {"q_statistic", of_members<q_statistic>},
      {"double_fault", of_members<double_fault>},
      {"error_correlation", of_members<error_correlation>},
      {"member_accuracy", of_members<member_accuracy>},
  };
  return table;
}

std::size_t least_columns(const MetricInfo& metric) {
  if (metric.pool == Pool::rank) return 2;
  return metric.pool == Pool::members ? metric.columns.size() + 1 : metric.columns.size();
}

}  // namespace

double evaluate(const std::string& id, const std::vector<std::span<const double>>& columns) {
  const MetricInfo& metric = info(id);
  if (metric.pool == Pool::none) detail::refuse(id, "cannot be computed from per-sample outcomes");
  const std::size_t least = least_columns(metric);
  if (metric.pool != Pool::members || columns.size() < least)
    detail::need_same(id.c_str(), columns.size(), least, "number of columns");
  if (metric.pool == Pool::mean) return mean(columns[0]);
  if (metric.pool == Pool::ratio) return attack_success_rate(columns[0], columns[1]).value();
  return statistics().at(id)(columns);
}

}  // namespace assay::metrics
