// Judge of the detect task: joins scores to the truth that the method never saw. Rules 28, 30 and 31.
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "harness/base/error.hpp"
#include "harness/data/records.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/record/safetensors.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

namespace {

std::map<std::int64_t, double> collect_scores(const StageContext& context) {
  std::map<std::int64_t, double> scores;
  for (const Event& event : read_shard(context.input("run")).events) {
    if (event.type() != "batch") continue;
    const Container batch = decode(event.blob, "score batch");
    const auto ids = batch.at("id").as_i64();
    const auto values = batch.at("score").as_f64();
    if (ids.size() != values.size()) throw Error(Fault::constraint, "a score batch has not one score a row");
    for (std::size_t i = 0; i < ids.size(); ++i) scores[ids[i]] = values[i];
  }
  return scores;
}

struct Group {
  std::vector<std::int64_t> ids;    // original sample ids
  std::vector<double> scores;
};

// Of each input "id", or "near:<set>" and "far:<set>": never pooled (rule 28).
std::vector<std::string> conditions_of(const data::RecordSet& truth) {
  const data::Field& origin = truth.find("origin");
  const data::Field& group = truth.find("group");
  const auto origins = origin.values.as_i64(), groups = group.values.as_i64();
  std::vector<std::string> out;
  for (std::size_t i = 0; i < truth.ids.size(); ++i) {
    const std::string& kind = group.type.names[static_cast<std::size_t>(groups[i])];
    out.push_back(kind == "id" ? kind : kind + ":" + origin.type.names[static_cast<std::size_t>(origins[i])]);
  }
  return out;
}

std::map<std::string, Group> split_by_origin(StageContext& context, const data::RecordSet& truth) {
  const auto scores = collect_scores(context);
  const auto sample = truth.find("sample").values.as_i64();
  const auto conditions = conditions_of(truth);
  std::map<std::string, Group> result;
  std::int64_t missing = 0, broken = 0, known = 0;
  for (std::size_t i = 0; i < truth.ids.size(); ++i) {
    const auto found = scores.find(truth.ids[i]);
    if (found == scores.end()) {
      ++missing;
      continue;
    }
    ++known;
    broken += !std::isfinite(found->second);
    Group& target = result[conditions[i]];
    target.ids.push_back(sample[i]);
    target.scores.push_back(found->second);
  }
  if (missing > 0) throw Error(Fault::constraint, fmt::format("{} of {} inputs got no score", missing, truth.size()));
  if (const auto strange = static_cast<std::int64_t>(scores.size()) - known; strange > 0)
    throw Error(Fault::constraint, fmt::format("{} scores have an id that no input has", strange));
  if (broken > 0) {
    const std::string reason = fmt::format("{} of {} scores are NaN or infinite", broken, truth.size());
    context.invalid(0, reason);
    throw Error(Fault::constraint, reason);
  }
  return result;
}

// Rule 31: what the same model does on the same in-distribution inputs stands beside every detection number. Its classes are
// kept for all inputs: score files of other tools have them.
void judge_accuracy(StageContext& context, const data::RecordSet& truth) {
  const Samples stream = load_samples(context.input("stream"));
  std::map<std::int64_t, std::size_t> row;
  for (std::size_t i = 0; i < stream.ids.size(); ++i) row[stream.ids[i]] = i;
  const auto models = context.inputs_with("model:");
  if (models.size() != 1) throw Error(Fault::bad_input, "the judge of detect needs exactly one model:<id> input");
  Subject subject(context.input(models[0]), context.job());
  const std::vector<float> logits = subject.logits(stream.x, stream.ids);
  const metrics::ClassScores scores{logits, static_cast<std::size_t>(subject.classes()), metrics::Scale::logits};
  const auto predictions = metrics::predictions(scores);
  const auto sample = truth.find("sample").values.as_i64();
  const auto labels = truth.labels();
  const auto conditions = conditions_of(truth);
  std::vector<std::int64_t> ids;
  std::vector<double> correct, label;
  std::map<std::string, Group> predicted;
  for (std::size_t i = 0; i < truth.ids.size(); ++i) {
    const std::int64_t prediction = predictions[row.at(truth.ids[i])];
    predicted[conditions[i]].ids.push_back(sample[i]);
    predicted[conditions[i]].scores.push_back(static_cast<double>(prediction));
    if (labels[i] < 0) continue;  // out of distribution: no class
    ids.push_back(sample[i]);
    label.push_back(static_cast<double>(labels[i]));
    correct.push_back(prediction == labels[i] ? 1 : 0);
  }
  const auto n = static_cast<std::int64_t>(ids.size());
  context.score("accuracy", "id", metrics::accuracy(correct), n);
  for (auto& [condition, classes] : predicted) context.column("predicted", condition, std::move(classes.ids), std::move(classes.scores));
  context.column("label", "id", ids, std::move(label));
  context.column("correct", "id", std::move(ids), std::move(correct));
}

}  // namespace

void judge_detect(StageContext& context) {
  const data::RecordSet truth = data::RecordSet::load(context.input("truth"));
  const auto groups = split_by_origin(context, truth);
  const auto in = groups.find("id");
  if (in == groups.end()) throw Error(Fault::bad_input, "the stream holds no in-distribution input");
  for (const auto& [condition, group] : groups) {
    context.column("score", condition, group.ids, group.scores);
    if (condition == "id") continue;
    const auto& a = in->second.scores;
    const auto& b = group.scores;
    const auto n = static_cast<std::int64_t>(a.size() + b.size());
    context.score("auroc", condition, metrics::auroc(a, b), n);  // rule 30: tie-corrected; definitions in harness/metrics
    context.score("fpr_at_95", condition, metrics::fpr_at_95(a, b), n);
    context.score("fpr_at_95_in", condition, metrics::fpr_at_95_in(a, b), n);
    context.score("detection_error", condition, metrics::detection_error(a, b), n);
    context.score("aupr_in", condition, metrics::aupr_in(a, b), n);
    context.score("aupr_out", condition, metrics::aupr_out(a, b), n);
  }
  judge_accuracy(context, truth);
}

}  // namespace assay::tasks
