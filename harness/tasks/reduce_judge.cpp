// Judge of the reduce task: a net that the host trained on the reduced set against one trained on the full set, same seed
// and recipe (rule 39), and what the reduced set is made of.
#include "harness/base/error.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/tasks/adopt.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

namespace {

std::vector<double> correct_of(const Subject& subject, const std::vector<float>& logits, const Samples& samples) {
  return metrics::correct({logits, static_cast<std::size_t>(subject.classes()), metrics::Scale::logits}, samples.y);
}

// On the same test inputs, so that each of them is a pair.
void put_loss(StageContext& context, Subject& original, Subject& reduced, const Samples& test) {
  const std::vector<double> before = correct_of(original, original.logits(test.x, test.ids), test);
  const std::vector<float> logits = reduced.logits(test.x, test.ids);
  const std::vector<double> after = correct_of(reduced, logits, test);
  std::vector<double> lost(before.size());
  for (std::size_t i = 0; i < lost.size(); ++i) lost[i] = before[i] - after[i];
  put_prediction(context, logits, test);
  context.column("lost", "test", test.ids, lost);
  context.score("original_accuracy", "test", metrics::accuracy(before), test.size());
  context.score("accuracy_lost", "test", metrics::mean(lost), test.size());
}

void put_composition(StageContext& context, const data::RecordSet& reduced, const data::RecordSet& train) {
  const Composition made = composition(reduced, train);
  const std::int64_t n = reduced.size();
  context.score("records_ratio", "reduced", static_cast<double>(train.size()) / static_cast<double>(n), n);
  context.score("records_kept", "reduced", static_cast<double>(made.kept), n);
  context.score("records_altered", "reduced", static_cast<double>(made.altered), n);
  context.score("records_new", "reduced", static_cast<double>(made.added), n);
  context.score("smallest_class", "reduced", static_cast<double>(made.smallest), n);
}

}  // namespace

void judge_reduce(StageContext& context) {
  const Samples test = load_samples(context.input("test"));
  const auto models = context.inputs_with("model:");
  if (models.size() != 1) throw Error(Fault::bad_input, "the judge of reduce needs exactly one model:<id> input");
  Subject original(context.input(models[0]), context.job());
  Subject reduced(context.input("model"), context.job());
  put_loss(context, original, reduced, test);
  // A poison must be learned: a net that fits nothing would look as bad on the test set.
  const Samples own = load_samples(context.input("reduced"));
  const std::vector<double> fitted = correct_of(reduced, reduced.logits(own.x, own.ids), own);
  context.column("correct", "reduced", own.ids, fitted);
  context.score("accuracy", "reduced", metrics::accuracy(fitted), own.size());
  put_composition(context, data::RecordSet::load(context.input("reduced")), data::RecordSet::load(context.input("train")));
}

}  // namespace assay::tasks
