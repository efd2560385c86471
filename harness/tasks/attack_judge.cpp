// Judge of the attack task: trusts nothing but the adversarial inputs. Rules 14, 15, 16 and 25.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/base/error.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/record/safetensors.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stages.hpp"
#include "harness/tasks/threat.hpp"

namespace assay::tasks {

namespace {

using engine::Tensor;

// Adversarial inputs by condition, put back into the order of the data.
std::map<std::string, Tensor> collect(const StageContext& context, const Samples& data) {
  std::map<std::int64_t, std::size_t> row;
  for (std::size_t i = 0; i < data.ids.size(); ++i) row[data.ids[i]] = i;
  const std::size_t size = static_cast<std::size_t>(data.x.count() / std::max<std::int64_t>(1, data.size()));
  std::map<std::string, std::vector<float>> values;
  std::map<std::string, std::vector<bool>> seen;
  for (const Event& event : read_shard(context.input("run")).events) {
    if (event.type() != "batch") continue;
    const std::string condition = event.json.get("condition", "");
    const Container batch = decode(event.blob, "adversarial batch");
    const auto ids = batch.at("id").as_i64();
    const auto x = batch.at("x").as_f32();
    if (x.size() != ids.size() * size)
      throw Error(Fault::constraint, fmt::format("rule 15: an adversarial batch has another shape than its inputs: {} values a sample, expected {}",
                                                 ids.empty() ? x.size() : x.size() / ids.size(), size));
    auto& all = values[condition];
    auto& have = seen[condition];
    all.resize(data.ids.size() * size);
    have.resize(data.ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto found = row.find(ids[i]);
      if (found == row.end()) throw Error(Fault::constraint, fmt::format("rule 15: an adversarial input has the id {}, which no sample has", ids[i]));
      std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(i * size), size, all.begin() + static_cast<std::ptrdiff_t>(found->second * size));
      have[found->second] = true;
    }
  }
  std::map<std::string, Tensor> result;
  for (auto& [condition, all] : values) {
    const auto missing = std::count(seen[condition].begin(), seen[condition].end(), false);
    if (missing > 0) throw Error(Fault::constraint, fmt::format("{}: {} of {} samples have no adversarial input", condition, missing, data.size()));
    result[condition] = Tensor::f32(data.x.shape(), all);
  }
  return result;
}

// Rule 15: nobody clips; an output that left the threat model makes the whole cell worthless.
ThreatReport require_threat(StageContext& context, const Samples& data, const Tensor& x, const Threat& threat,
                            const Rational& eps) {
  ThreatReport report = check_threat(data.x.f32s(), x.f32s(), data.size(), threat, eps.value());
  if (report.clean()) return report;
  std::string reason;
  if (report.non_finite > 0) {
    reason = fmt::format("{}: {} of {} outputs hold NaN or infinity", eps_condition(eps), report.non_finite, data.size());
  } else if (report.outside_ball > 0) {
    reason = fmt::format("{}: {} of {} outputs leave the {} ball, farthest at {:.6g}", eps_condition(eps),
                         report.outside_ball, data.size(), threat.norm_name, report.worst);
  } else {
    reason = fmt::format("{}: {} of {} outputs leave the input range [{}, {}]", eps_condition(eps), report.outside_range,
                         data.size(), threat.low, threat.high);
  }
  context.invalid(15, reason);
  throw Error(Fault::constraint, reason + " (rule 15)");
}

struct Outcome {
  std::vector<double> robust, success;
};

Outcome judge_condition(StageContext& context, const Samples& data, const std::vector<double>& correct,
                        const std::vector<float>& logits, const std::string& condition) {
  const metrics::ClassScores scores{logits, static_cast<std::size_t>(logits.size()) / data.ids.size(), metrics::Scale::logits};
  const std::vector<double> still = metrics::correct(scores, data.y);
  Outcome outcome;
  for (std::size_t i = 0; i < still.size(); ++i) {
    // Rule 14: a sample that was misclassified without any attack is not robust either.
    const bool robust = correct[i] == 1 && still[i] == 1;
    outcome.robust.push_back(robust ? 1 : 0);
    outcome.success.push_back(correct[i] == 1 && !robust ? 1 : 0);
  }
  const auto n = data.size();
  const metrics::Ratio rate = metrics::attack_success_rate(outcome.success, correct);
  context.column("robust", condition, data.ids, outcome.robust);
  context.column("success", condition, data.ids, outcome.success);
  context.column("eligible", condition, data.ids, correct);
  context.score("robust_accuracy", condition, metrics::robust_accuracy(outcome.robust), n);
  context.score("attack_success_rate", condition, rate.denominator > 0 ? rate.value() : 0, static_cast<std::int64_t>(rate.denominator),
                Json::object({{"numerator", rate.numerator}, {"denominator_count", rate.denominator},
                              {"denominator", "correctly classified"}, {"mode", "untargeted"}}));  // rule 25
  return outcome;
}

// Rule 16, first half: no room to move must mean no change at all.
void check_zero_radius(StageContext& context, const std::vector<double>& correct, const Outcome& outcome) {
  if (outcome.robust == correct) return;
  context.invalid(16, "eps = 0 does not reproduce clean accuracy exactly");
}

// Rule 16, second half: for an iterative method success must not fall, beyond a paired 1 % test, when eps grows.
void check_monotone(StageContext& context, const std::string& smaller, const Outcome& a, const std::string& larger,
                    const Outcome& b) {
  constexpr double kLevel = 0.01;
  std::int64_t lost = 0, won = 0;
  for (std::size_t i = 0; i < a.success.size(); ++i) {
    lost += a.success[i] > b.success[i];
    won += b.success[i] > a.success[i];
  }
  if (lost <= won || sign_test(lost, won) >= kLevel) return;
  context.suspect(16, fmt::format("success falls from {} to {}: {} samples lost, {} won", smaller, larger, lost, won));
}

}  // namespace

void judge_attack(StageContext& context) {
  const Samples data = load_samples(context.input("data"));
  const Threat threat = Threat::from_json(context.spec().at("threat"));
  Subject victim(context.input("model:" + context.spec().at("victim").as_string()), context.job());
  const std::vector<float> clean = victim.logits(data.x, data.ids);
  const metrics::ClassScores scores{clean, static_cast<std::size_t>(victim.classes()), metrics::Scale::logits};
  const std::vector<double> correct = metrics::correct(scores, data.y);
  context.column("correct", "clean", data.ids, correct);
  context.score("accuracy", "clean", metrics::accuracy(correct), data.size());

  auto adversarial = collect(context, data);
  const bool submitted = context.spec().has("method") && context.spec().at("method").get("submitted", false);
  const bool iterative = context.spec().has("method") && context.spec().at("method").get("iterative", false);
  Outcome previous;
  std::string previous_condition;
  for (const Rational& eps : threat.eps) {
    const std::string condition = eps_condition(eps);
    auto x = adversarial.find(condition);
    // Where nothing may change there is nothing to submit.
    if (x == adversarial.end() && eps.num == 0 && submitted) x = adversarial.emplace(condition, data.x).first;
    if (x == adversarial.end()) throw Error(Fault::constraint, condition + ": the method left no outputs");
    const ThreatReport report = require_threat(context, data, x->second, threat, eps);
    Outcome outcome = judge_condition(context, data, correct, victim.logits(x->second, data.ids), condition);
    context.column("distance", condition, data.ids, report.distance);
    if (eps.num == 0) check_zero_radius(context, correct, outcome);
    if (iterative && !previous_condition.empty()) check_monotone(context, previous_condition, previous, condition, outcome);
    previous = std::move(outcome);
    previous_condition = condition;
    context.progress(static_cast<double>(&eps - threat.eps.data() + 1) / static_cast<double>(threat.eps.size()), "judging");
  }
}

}  // namespace assay::tasks
