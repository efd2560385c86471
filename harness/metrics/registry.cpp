// The table of metrics. To add one: its function in a metrics file, one row here, one case in tests/unit/metrics.
#include "harness/metrics/registry.hpp"

#include <algorithm>

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
      {"mean_distance", "mean norm of the perturbation in the threat model's norm", lower, 0, unbounded, "input units",
       "all evaluated samples, whether the attack succeeded or not", "", Pool::mean, {"distance"}, "", {"attack"}},
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
       "the lowest class index wins a tie", "", Pool::mean, {"correct"}, "", {"attack", "detect", "predict", "compress"}, true},
      {"top5_accuracy", "share of samples whose label is among the five largest class scores", higher, 0, 1, "",
       "a tie at the border is resolved by the lower class index", "", Pool::mean, {"top5_correct"}, "", {}},
      {"nll", "mean negative log-likelihood of the label", lower, 0, unbounded, "nats",
       "from probabilities: clipped to at least 1e-12; a proper score", "Gneiting and Raftery 2007", Pool::mean, {"nll"}, "", {"predict", "compress"}},
      {"brier", "mean squared distance between the class probabilities and the one-hot label", lower, 0, 2, "",
       "sum over classes, range 0 to 2; a proper score", "Brier 1950", Pool::mean, {"brier"}, "", {"predict", "compress"}},
      {"ece", "mean absolute gap between confidence and accuracy over confidence bins", lower, 0, 1, "",
       "15 bins of equal width over (0,1], right-closed; L1 norm weighted by bin count; not a proper score",
       "Guo et al. 2017, arXiv:1706.04599", Pool::calibration, {"confidence", "correct"}, "", {"predict", "compress"}},
      {"disagreement", "share of samples on which two members predict different classes, mean over pairs", Direction::none, 0, 1,
       "", "every unordered pair of members once", "Kuncheva and Whitaker 2003", Pool::none, {}, "", {"predict"}},
      {"member_accuracy", "mean accuracy of an ensemble's members, each alone", higher, 0, 1, "",
       "the lowest class index wins a tie", "", Pool::none, {}, "", {"predict"}},
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
       unbounded, "x", "host-measured on the same cores; ranked only when it was measured alone", "", Pool::none, {}, "", {"compress"}},
      {"latency", "time of one batch through the model", lower, 0, unbounded, "s",
       "host-measured; ranked only when it was measured alone", "", Pool::none, {}, "", {"compress"}},
      {"params", "parameters of the model that are not zero", lower, 0, unbounded, "", "", "", Pool::none, {}, "", {"predict", "compress"}},
      {"macs", "multiply-adds of one input with a weight that is not zero", lower, 0, unbounded, "", "", "", Pool::none, {}, "",
       {"predict", "compress"}},
      {"original_accuracy", "accuracy of the model before it was compressed", higher, 0, 1, "",
       "the lowest class index wins a tie", "", Pool::none, {}, "", {"compress"}},
      {"compaction_error", "largest difference between the logits of the compacted and of the masked model", lower, 0, unbounded, "",
       "over the first 256 test inputs", "", Pool::none, {}, "", {"compress"}},
  };
}

}  // namespace

const std::vector<MetricInfo>& registry() {
  static const std::vector<MetricInfo> all = [] {
    std::vector<MetricInfo> rows;
    for (auto part : {attack_metrics(), detection_metrics(), prediction_metrics(), compression_metrics()})
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

double evaluate(const std::string& id, const std::vector<std::span<const double>>& columns) {
  const MetricInfo& metric = info(id);
  const std::size_t expected = metric.pool == Pool::none ? 0 : metric.pool == Pool::mean ? 1 : 2;
  if (expected == 0) detail::refuse(id, "cannot be computed from per-sample outcomes");
  detail::need_same(id.c_str(), columns.size(), expected, "number of columns");
  switch (metric.pool) {
    case Pool::mean: return mean(columns[0]);
    case Pool::ratio: return attack_success_rate(columns[0], columns[1]).value();
    case Pool::calibration: return ece(columns[0], columns[1]);
    default: break;
  }
  if (id == "auroc") return auroc(columns[0], columns[1]);
  if (id == "fpr_at_95") return fpr_at_95(columns[0], columns[1]);
  if (id == "aupr_out") return aupr_out(columns[0], columns[1]);
  return aupr_in(columns[0], columns[1]);
}

}  // namespace assay::metrics
