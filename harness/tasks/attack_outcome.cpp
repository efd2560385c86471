#include "harness/tasks/attack_outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/base/error.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/record/safetensors.hpp"

namespace assay::tasks {

namespace {

using engine::Tensor;

std::string victim_input(const StageContext& context) { return "model:" + context.spec().at("victim").as_string(); }

std::vector<double> correct_of(const std::vector<float>& logits, const std::vector<std::int64_t>& labels) {
  return metrics::correct({logits, logits.size() / labels.size(), metrics::Scale::logits}, labels);
}

// Samples at these places of a whole array.
std::vector<float> picked(std::span<const float> values, std::size_t size, const std::vector<std::int64_t>& rows) {
  std::vector<float> out;
  out.reserve(rows.size() * size);
  for (const std::int64_t row : rows) {
    const auto begin = values.begin() + row * static_cast<std::int64_t>(size);
    out.insert(out.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
  }
  return out;
}

// What the run saw of a batch; submitted ones have nothing.
std::vector<double> seen(const Container& batch, const char* what, std::size_t samples) {
  const auto found = batch.arrays.find(what);
  if (found == batch.arrays.end()) return {};
  const auto values = found->second.as_f64();
  if (values.size() != samples) throw Error(Fault::constraint, "an adversarial batch has other samples than its passes");
  return {values.begin(), values.end()};
}

std::string breach_of(const ThreatReport& report, const Threat& threat, const Rational& eps, std::size_t n) {
  if (report.non_finite > 0)
    return fmt::format("{}: {} of {} outputs hold NaN or infinity", eps_condition(eps), report.non_finite, n);
  if (report.outside_ball > 0)
    return fmt::format("{}: {} of {} outputs leave the {} ball, farthest at {:.6g}", eps_condition(eps),
                       report.outside_ball, n, threat.norm_name, report.worst);
  return fmt::format("{}: {} of {} outputs leave the input range [{}, {}]", eps_condition(eps), report.outside_range, n,
                     threat.low, threat.high);
}

}  // namespace

AttackJudge::AttackJudge(const StageContext& context)
    : data_(load_samples(context.input("data"))),
      threat_(Threat::from_json(context.spec().at("threat"))),
      victim_(context.input(victim_input(context)), context.job()) {
  if (data_.size() == 0) throw Error(Fault::bad_input, "there is no sample to judge");
  if (context.has_input(kChainInput)) before_ = ChainState::load(context.input(kChainInput));
  if (before_ && before_->ids != data_.ids) throw Error(Fault::constraint, "the chain was begun on other samples");
  looks_ = Looks::from_json(context.spec());
  if (before_ && looks_) take_looks(context.job().stage == "judge");
  clean_ = victim_.logits(data_.x, data_.ids);
  correct_ = correct_of(clean_, data_.y);
  if (context.has_input("run")) collect(context.input("run"));
  if (context.spec().has("method") && context.spec().at("method").get("submitted", false)) fill_zero_radius();
}

void AttackJudge::take_looks(bool last_link) {
  reached_ = reached(*before_, *looks_, looks_->look);
  if (!last_link || !reached_.stopped) return;
  const std::vector<std::int64_t> rows = counted_rows(*before_, *looks_);
  data_ = at_rows(data_, rows);
  before_ = before_->at_rows(rows);
}

// Where nothing may change there is nothing to submit.
void AttackJudge::fill_zero_radius() {
  for (const Rational& eps : threat_.eps)
    if (eps.num == 0) outputs_.try_emplace(eps_condition(eps), Outputs{data_.x.to_f32(), std::vector<bool>(data_.ids.size(), true), {}, {}});
}

// The batches of the run, put back into the order of the data.
void AttackJudge::collect(const std::filesystem::path& shard) {
  std::map<std::int64_t, std::size_t> row;
  for (std::size_t i = 0; i < data_.ids.size(); ++i) row[data_.ids[i]] = i;
  const auto size = static_cast<std::size_t>(data_.x.count() / data_.size());
  for (const Event& event : read_shard(shard).events) {
    if (event.type() != "batch") continue;
    const Container batch = decode(event.blob, "adversarial batch");
    const auto ids = batch.at("id").as_i64();
    const auto x = batch.at("x").as_f32();
    if (x.size() != ids.size() * size)
      throw Error(Fault::constraint,
                  fmt::format("rule 15: an adversarial batch has another shape than its inputs: {} values a sample, expected {}",
                              ids.empty() ? x.size() : x.size() / ids.size(), size));
    Outputs& all = outputs_[event.json.get("condition", "")];
    all.x.resize(data_.ids.size() * size);
    all.have.resize(data_.ids.size());
    all.late_gain.resize(data_.ids.size(), -1);
    all.passes.resize(data_.ids.size(), 0);
    const std::vector<double> late = seen(batch, "late_gain", ids.size()), passes = seen(batch, "passes", ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto found = row.find(ids[i]);
      if (found == row.end())
        throw Error(Fault::constraint, fmt::format("rule 15: an adversarial input has the id {}, which no sample has", ids[i]));
      const auto from = x.begin() + static_cast<std::ptrdiff_t>(i * size);
      std::copy_n(from, size, all.x.begin() + static_cast<std::ptrdiff_t>(found->second * size));
      all.have[found->second] = true;
      if (!late.empty()) all.late_gain[found->second] = late[i];
      if (!passes.empty()) all.passes[found->second] = passes[i];
    }
  }
}

std::vector<std::int64_t> AttackJudge::attacked(const std::string& condition) const {
  if (before_ && looks_ && reached_.stopped) return {};
  if (before_) return attacked_rows(*before_, looks_, condition);
  std::vector<std::int64_t> rows(data_.ids.size());
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  return rows;
}

// The outputs at these rows, of which none may be missing.
const std::vector<float>& AttackJudge::outputs_at(const std::string& condition,
                                                  const std::vector<std::int64_t>& rows) const {
  const auto found = outputs_.find(condition);
  if (found == outputs_.end()) throw Error(Fault::constraint, condition + ": the method left no outputs");
  const auto missing = std::count_if(
      rows.begin(), rows.end(), [&](std::int64_t row) { return !found->second.have[static_cast<std::size_t>(row)]; });
  if (missing == 0) return found->second.x;
  throw Error(Fault::constraint,
              fmt::format("{}: {} of {} samples have no adversarial input", condition, missing, rows.size()));
}

void AttackJudge::judge_rows(const std::vector<std::int64_t>& rows, const Rational& eps, const Breach& breach,
                             AttackOutcome& outcome) {
  const auto size = static_cast<std::size_t>(data_.x.count() / data_.size());
  const std::vector<float> x = picked(outputs_at(eps_condition(eps), rows), size, rows);
  const std::vector<float> clean = picked(data_.x.f32s(), size, rows);
  const ThreatReport report = check_threat(clean, x, static_cast<std::int64_t>(rows.size()), threat_, eps.value());
  if (!report.clean()) {
    const std::string reason = breach_of(report, threat_, eps, rows.size());
    if (breach) breach(reason);
    throw Error(Fault::constraint, reason + " (rule 15)");
  }
  engine::Shape shape = data_.x.shape();
  shape[0] = static_cast<std::int64_t>(rows.size());
  std::vector<std::int64_t> ids, labels;
  for (const std::int64_t row : rows) {
    ids.push_back(data_.ids[static_cast<std::size_t>(row)]);
    labels.push_back(data_.y[static_cast<std::size_t>(row)]);
  }
  const std::vector<float> logits = victim_.logits(Tensor::f32(shape, x), ids);
  const std::vector<double> still = correct_of(logits, labels);
  const std::size_t classes = logits.size() / rows.size();
  const std::vector<std::int64_t> predicted = metrics::predictions({logits, classes, metrics::Scale::logits});
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const auto i = static_cast<std::size_t>(rows[k]);
    outcome.robust[i] = correct_[i] == 1 && still[k] == 1 ? 1 : 0;
    outcome.distance[i] = report.distance[k];
    outcome.margin[i] = margin_of(std::span(logits).subspan(k * classes, classes), labels[k]);
    outcome.predicted[i] = predicted[k];
  }
}

std::span<const float> AttackJudge::perturbed(const std::string& condition, std::size_t row) const {
  const auto size = static_cast<std::size_t>(data_.x.count() / data_.size());
  return std::span(outputs_.at(condition).x).subspan(row * size, size);
}

AttackOutcome AttackJudge::outcome(const Rational& eps, const Breach& breach) {
  const std::string condition = eps_condition(eps);
  AttackOutcome outcome;
  if (before_) outcome.robust = before_->conditions.at(condition).robust;  // of samples that this link does not attack
  outcome.robust.resize(data_.ids.size(), 0);
  outcome.distance.assign(data_.ids.size(), 0);
  outcome.margin.assign(data_.ids.size(), std::nan(""));
  outcome.predicted.assign(data_.ids.size(), -1);
  if (before_) outcome.distance = before_->conditions.at(condition).distance;
  const std::vector<std::int64_t> rows = attacked(condition);
  if (!rows.empty()) judge_rows(rows, eps, breach, outcome);
  for (std::size_t i = 0; i < outcome.robust.size(); ++i) {
    outcome.success.push_back(correct_[i] == 1 && outcome.robust[i] == 0 ? 1 : 0);
  }
  // Of a chain's last link that had nothing left to attack there is none.
  if (const auto found = outputs_.find(condition); found != outputs_.end()) {
    outcome.late_gain = found->second.late_gain;
    outcome.passes = found->second.passes;
  }
  return outcome;
}

}  // namespace assay::tasks
