// Judge of the predict task: runs the returned predictor and its members on test inputs. Rules 33 and 34.
#include <fmt/format.h>

#include <set>

#include "harness/base/error.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

void put_prediction(StageContext& context, const std::vector<float>& logits, const Samples& samples) {
  const std::string at = "test";
  const metrics::ClassScores scores{logits, logits.size() / samples.ids.size(), metrics::Scale::logits};
  const auto n = samples.size();
  const std::vector<double> correct = metrics::correct(scores, samples.y);
  const std::vector<double> nll = metrics::nll_values(scores, samples.y);
  const std::vector<double> brier = metrics::brier_values(scores, samples.y);
  const std::vector<double> confidence = metrics::confidence(scores);
  context.column("correct", at, samples.ids, correct);
  context.column("nll", at, samples.ids, nll);
  context.column("brier", at, samples.ids, brier);
  context.column("confidence", at, samples.ids, confidence);
  context.score("accuracy", at, metrics::accuracy(correct), n);
  context.score("nll", at, metrics::mean(nll), n);  // rule 34: proper scores beside ECE
  context.score("brier", at, metrics::mean(brier), n);
  context.score("ece", at, metrics::ece(confidence, correct), n);
}

namespace {

// What the members do alone: the comparison that an ensemble has to win.
void judge_members(StageContext& context, const Samples& test) {
  std::set<std::string> digests;
  std::vector<std::vector<std::int64_t>> predictions;
  double accuracy = 0, nll = 0;
  const auto names = context.inputs_with("model:");
  for (const std::string& name : names) {
    Subject member(context.input(name), context.job());
    const std::vector<float> logits = member.logits(test.x, test.ids);
    const metrics::ClassScores scores{logits, static_cast<std::size_t>(member.classes()), metrics::Scale::logits};
    digests.insert(graph::weight_digest(member.graph()));
    predictions.push_back(metrics::predictions(scores));
    accuracy += metrics::accuracy(metrics::correct(scores, test.y));
    nll += metrics::nll(scores, test.y);
  }
  if (names.empty()) return;
  const auto k = static_cast<double>(names.size());
  context.score("member_accuracy", "test", accuracy / k, test.size(), Json::object({{"members", names.size()}}));
  context.score("member_nll", "test", nll / k, test.size(), Json::object({{"members", names.size()}}));
  if (names.size() < 2) return;
  context.score("disagreement", "test", metrics::mean_pairwise_disagreement(predictions), test.size());
  if (digests.size() != names.size()) {
    context.invalid(33, fmt::format("only {} of {} members differ by weight hash", digests.size(), names.size()));
  }
}

}  // namespace

void judge_predict(StageContext& context) {
  const Samples test = load_samples(context.input("test"));
  Subject predictor(context.input("model"), context.job());
  const std::vector<float> logits = predictor.logits(test.x, test.ids);
  put_prediction(context, logits, test);
  context.score("params", "test", static_cast<double>(graph::param_count(predictor.graph())), 1);
  context.score("macs", "test", graph::macs(predictor.graph()), 1);
  judge_members(context, test);
}

}  // namespace assay::tasks
