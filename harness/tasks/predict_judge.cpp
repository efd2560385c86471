// Judge of the predict task: runs the returned predictor and its members on test inputs. Rules 33 and 34.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <utility>

#include "harness/base/error.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/metrics/registry.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stages.hpp"
#include "harness/tasks/submitted.hpp"

namespace assay::tasks {

void put_prediction(StageContext& context, const std::vector<float>& outputs, const Samples& samples, bool logits) {
  const std::string at = "test";
  const metrics::ClassScores scores{outputs, outputs.size() / samples.ids.size(),
                                    logits ? metrics::Scale::logits : metrics::Scale::probabilities};
  const auto n = samples.size();
  const std::vector<double> correct = metrics::correct(scores, samples.y);
  const std::vector<double> nll = metrics::nll_values(scores, samples.y);
  const std::vector<double> brier = metrics::brier_values(scores, samples.y);
  const std::vector<double> confidence = metrics::confidence(scores);
  const std::vector<std::int64_t> classes = metrics::predictions(scores);
  const std::vector<double> predicted(classes.begin(), classes.end()), label(samples.y.begin(), samples.y.end());
  const std::vector<double> ranks = metrics::label_ranks(scores, samples.y);
  context.column("predicted", at, samples.ids, predicted);
  context.column("label", at, samples.ids, label);
  context.column("label_rank", at, samples.ids, ranks);
  context.column("correct", at, samples.ids, correct);
  context.column("nll", at, samples.ids, nll);
  context.column("brier", at, samples.ids, brier);
  context.column("confidence", at, samples.ids, confidence);
  context.score("accuracy", at, metrics::accuracy(correct), n);
  context.score("nll", at, metrics::mean(nll), n);  // rule 34: proper scores beside ECE
  context.score("brier", at, metrics::mean(brier), n);
  context.score("ece", at, metrics::ece(confidence, correct), n);
  context.score("ece_equal_mass", at, metrics::ece_equal_mass(confidence, correct), n);
  context.score("aurc", at, metrics::aurc(confidence, correct), n);
  context.score("balanced_accuracy", at, metrics::balanced_accuracy(predicted, label), n);
  context.score("macro_f1", at, metrics::macro_f1(predicted, label), n);
  if (scores.classes > 5) context.score("top5_accuracy", at, metrics::top_k_accuracy(ranks, 5), n);  // else 1 for everyone
}

namespace {

// How alike the members' errors are. What is not defined (a member without errors) is not recorded.
void judge_diversity(StageContext& context, const std::vector<std::vector<double>>& correct, std::int64_t n) {
  const metrics::Members members(correct.begin(), correct.end());
  const std::pair<const char*, double> found[] = {{"q_statistic", metrics::q_statistic(members)},
                                                  {"double_fault", metrics::double_fault(members)},
                                                  {"error_correlation", metrics::error_correlation(members)}};
  for (const auto& [name, value] : found)
    if (std::isfinite(value)) context.score(name, "test", value, n);
}

// What the members do alone: the comparison that an ensemble has to win.
void judge_members(StageContext& context, const Samples& test) {
  std::set<std::string> digests;
  std::vector<std::vector<std::int64_t>> predictions;
  std::vector<std::vector<double>> correct;
  double accuracy = 0, nll = 0;
  const auto names = context.inputs_with("model:");
  for (const std::string& name : names) {
    Subject member(context.input(name), context.job());
    const std::vector<float> logits = member.logits(test.x, test.ids);
    const metrics::ClassScores scores{logits, static_cast<std::size_t>(member.classes()), metrics::Scale::logits};
    digests.insert(graph::weight_digest(member.graph()));
    predictions.push_back(metrics::predictions(scores));
    const auto& predicted = predictions.back();
    context.column("predicted", "test", test.ids, {predicted.begin(), predicted.end()}, metrics::member_prefix + name.substr(6));
    correct.push_back(metrics::correct(scores, test.y));
    accuracy += metrics::accuracy(correct.back());
    nll += metrics::nll(scores, test.y);
  }
  if (names.empty()) return;
  const auto k = static_cast<double>(names.size());
  context.score("member_accuracy", "test", accuracy / k, test.size(), Json::object({{"members", names.size()}}));
  context.score("member_nll", "test", nll / k, test.size(), Json::object({{"members", names.size()}}));
  if (names.size() < 2) return;
  context.score("disagreement", "test", metrics::mean_pairwise_disagreement(predictions), test.size());
  judge_diversity(context, correct, test.size());
  if (digests.size() != names.size()) {
    context.invalid(33, fmt::format("only {} of {} members differ by weight hash", digests.size(), names.size()));
  }
}

}  // namespace

void judge_predict(StageContext& context) {
  const Samples test = load_samples(context.input("test"));
  if (context.has_input("model_outputs")) return put_submitted(context, context.input("model_outputs"), test);
  Subject predictor(context.input("model"), context.job());
  const std::vector<float> logits = predictor.logits(test.x, test.ids);
  put_prediction(context, logits, test);
  context.score("params", "test", static_cast<double>(graph::param_count(predictor.graph())), 1);
  context.score("macs", "test", graph::macs(predictor.graph()), 1);
  context.score("size_on_disk", "test", static_cast<double>(std::filesystem::file_size(context.input("model"))), 1);
  judge_members(context, test);
}

}  // namespace assay::tasks
