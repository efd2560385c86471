#include "harness/tasks/attack_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/tasks/ascent.hpp"
#include "harness/tasks/attack_longer.hpp"

namespace assay::tasks {

namespace {

using engine::Tensor;

constexpr double kLevel = 0.01;  // of the paired tests

std::vector<float> again(AttackJudge& judge, std::uint64_t seed, std::int64_t count) {
  const std::vector<std::int64_t>& ids = judge.data().ids;
  const std::vector<std::uint64_t> keys(ids.begin(), ids.begin() + count);
  graph::ForwardOptions options;
  options.seed = seed;
  options.sample_ids = keys;
  return judge.victim().executor().logits(rows(judge.data().x, 0, count), options).to_f32();
}

bool repeats(AttackJudge& judge, const Job& job) {
  constexpr std::int64_t kRows = 64;
  const std::int64_t count = std::min(kRows, judge.data().size());
  const auto classes = judge.victim().classes();
  const auto first = judge.logits().begin();
  const std::vector<float> before(first, first + static_cast<std::ptrdiff_t>(count * classes));
  const std::uint64_t seed = job.seeds.get("evaluation");
  return again(judge, seed, count) == before && again(judge, seed + 1, count) == before;
}

bool probabilities(const std::vector<float>& logits, std::size_t classes) {
  for (std::size_t row = 0; row < logits.size(); row += classes) {
    double sum = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      const float value = logits[row + k];
      if (!(value >= 0 && value <= 1)) return false;
      sum += static_cast<double>(value);
    }
    if (std::abs(sum - 1) > 1e-3) return false;
  }
  return true;
}

void examine_gradients(AttackJudge& judge, std::vector<Finding>& findings) {
  const Samples& data = judge.data();
  const std::vector<std::uint64_t> keys(data.ids.begin(), data.ids.end());
  graph::ForwardOptions options;
  options.sample_ids = keys;
  const graph::LossGrad margin =
      judge.victim().executor().loss_and_input_grad("cw-margin", data.x, Tensor::i64({data.size()}, data.y), options);
  const std::vector<float> grad = margin.grad.to_f32();
  const std::size_t size = grad.size() / data.ids.size();
  std::int64_t zero = 0, odd = 0;
  for (std::size_t i = 0; i < data.ids.size(); ++i) {
    const auto begin = grad.begin() + static_cast<std::ptrdiff_t>(i * size),
               end = begin + static_cast<std::ptrdiff_t>(size);
    zero += std::all_of(begin, end, [](float g) { return g == 0; }) ? 1 : 0;
    odd += std::all_of(begin, end, [](float g) { return std::isfinite(g); }) ? 0 : 1;
  }
  if (odd > 0)
    findings.push_back(
        {"SUSPECT", 19, fmt::format("{} of {} samples have a gradient that is not finite", odd, data.size())});
  if (static_cast<double>(zero) > 0.01 * static_cast<double>(data.size()))
    findings.push_back(
        {"SUSPECT", 19,
         fmt::format("{} of {} samples have no gradient of the logit margin: it is masked", zero, data.size())});
}

}  // namespace

std::vector<Finding> examine_victim(AttackJudge& judge, const Job& job, bool gradients) {
  std::vector<Finding> findings;
  if (!repeats(judge, job))
    findings.push_back(
        {"INVALID", 20, "the victim's logits differ between repeated passes: attack it with draws averaged"});
  if (probabilities(judge.logits(), static_cast<std::size_t>(judge.victim().classes())))
    findings.push_back(
        {"INVALID", 20, "the victim gives probabilities, not logits: losses on them have no gradient left"});
  if (gradients) examine_gradients(judge, findings);
  return findings;
}

std::vector<Finding> compare_radii(const AttackJudge& judge, const std::vector<AttackOutcome>& outcomes,
                                   bool iterative) {
  std::vector<Finding> findings;
  const std::vector<Rational>& eps = judge.threat().eps;
  for (std::size_t k = 0; k < outcomes.size(); ++k) {
    if (eps[k].num == 0 && outcomes[k].robust != judge.correct())
      findings.push_back({"INVALID", 16, "eps = 0 does not reproduce clean accuracy exactly"});
    if (!iterative || k == 0) continue;
    std::int64_t lost = 0, won = 0;
    for (std::size_t i = 0; i < outcomes[k].success.size(); ++i) {
      lost += outcomes[k - 1].success[i] > outcomes[k].success[i] ? 1 : 0;
      won += outcomes[k].success[i] > outcomes[k - 1].success[i] ? 1 : 0;
    }
    if (lost <= won || sign_test(lost, won) >= kLevel) continue;
    findings.push_back({"SUSPECT", 16,
                        fmt::format("success falls from {} to {}: {} samples lost, {} won", eps_condition(eps[k - 1]),
                                    eps_condition(eps[k]), lost, won)});
  }
  return findings;
}

std::vector<Finding> examine_ascent(const Threat& threat, const std::vector<AttackOutcome>& outcomes) {
  std::vector<Finding> findings;
  for (std::size_t k = 0; k < outcomes.size(); ++k) {
    if (threat.eps[k].num == 0 || outcomes[k].late_gain.empty()) continue;
    const std::string reason = still_climbing(outcomes[k].robust, outcomes[k].late_gain);
    if (!reason.empty()) findings.push_back({"SUSPECT", 22, eps_condition(threat.eps[k]) + ": " + reason});
  }
  return findings;
}

std::vector<Finding> recheck_longer(AttackJudge& judge, const std::vector<AttackOutcome>& outcomes,
                                    std::int64_t samples) {
  std::vector<Finding> findings;
  const Threat& threat = judge.threat();
  if (samples <= 0 || threat.targeted || (threat.norm != metrics::Norm::linf && threat.norm != metrics::Norm::l2))
    return findings;
  for (std::size_t k = 0; k < outcomes.size(); ++k) {
    const AttackOutcome& outcome = outcomes[k];
    const auto longest = std::max_element(outcome.passes.begin(), outcome.passes.end());
    const double passes = longest == outcome.passes.end() ? 0 : *longest;
    if (threat.eps[k].num == 0 || (passes == 0 && !judge.before())) continue;
    const auto rows = subsample(judge.data().ids, outcome.robust, samples);
    if (rows.empty()) continue;
    // A chain's links before the last have passes of their own.
    const auto steps = judge.before() ? kLongest : std::min(kLongest, static_cast<std::int64_t>(10 * passes));
    const auto standing = std::count(outcome.robust.begin(), outcome.robust.end(), 1.0);
    const std::string reason = broke_more({judge.data().size(), standing, static_cast<std::int64_t>(rows.size()),
                                           attack_longer(judge, threat.eps[k], rows, steps), steps});
    if (!reason.empty()) findings.push_back({"SUSPECT", 21, eps_condition(threat.eps[k]) + ": " + reason});
  }
  return findings;
}

std::vector<Finding> compare_links(const std::vector<ChainLink>& links, const Threat& threat, std::int64_t samples) {
  std::vector<Finding> findings;
  const auto white = [](const ChainLink& link) { return link.gradients; };
  for (const Rational& eps : threat.eps) {
    const std::string condition = eps_condition(eps);
    for (std::size_t k = 1; k < links.size(); ++k) {
      if (white(links[k]) || std::none_of(links.begin(), links.begin() + static_cast<std::ptrdiff_t>(k), white))
        continue;
      const std::int64_t more = links[k - 1].standing.at(condition) - links[k].standing.at(condition);
      if (static_cast<double>(more) <= 0.002 * static_cast<double>(samples) || sign_test(more, 0) >= kLevel) continue;
      findings.push_back(
          {"SUSPECT", 18,
           fmt::format("{}: {} breaks {} samples that the white-box attacks before it left: gradients are masked",
                       condition, links[k].method, more)});
    }
    const auto strongest =
        std::find_if(links.rbegin(), links.rend(), [](const ChainLink& l) { return l.gradients && l.iterative; });
    if (threat.norm != metrics::Norm::linf || eps.value() < 0.5 || strongest == links.rend()) continue;
    const std::int64_t left = strongest->standing.at(condition);
    if (static_cast<double>(left) > 0.01 * static_cast<double>(samples))
      findings.push_back(
          {"SUSPECT", 17,
           fmt::format("{}: iterative white-box attacks leave {} of {} samples", condition, left, samples)});
  }
  return findings;
}

}  // namespace assay::tasks
