// Judge of the attack task, and of the links of a chain (stage "survivors"). Rules 14 to 22 and 25.
#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/metrics/binomial.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/tasks/attack_checks.hpp"
#include "harness/tasks/examples.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

namespace {

std::int64_t count_of(const std::vector<double>& flags) {
  double total = 0;
  for (const double flag : flags) total += flag;
  return static_cast<std::int64_t>(total);
}

// Robust samples of the part that this link was to attack.
std::int64_t standing_of(const AttackJudge& judge, const AttackOutcome& outcome) {
  if (!judge.looks()) return count_of(outcome.robust);
  if (judge.before_look().stopped) return 0;
  const std::vector<std::int64_t> parts = parts_of(judge.data().ids, judge.looks()->of);
  std::int64_t standing = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) standing += parts[i] == judge.looks()->look && outcome.robust[i] == 1 ? 1 : 0;
  return standing;
}

// This link and those before it, with what each left standing: in a chain that stops early summed over its looks.
std::vector<ChainLink> links_with(const StageContext& context, const AttackJudge& judge, const std::vector<AttackOutcome>& outcomes) {
  std::vector<ChainLink> links = judge.before()->links;
  const Json& spec = context.spec().at("link");
  const auto place = static_cast<std::size_t>(spec.get("place", static_cast<std::int64_t>(links.size())));
  if (place == links.size()) links.push_back(link_of(spec));
  for (std::size_t k = 0; k < outcomes.size(); ++k)
    links.at(place).standing[eps_condition(judge.threat().eps[k])] += standing_of(judge, outcomes[k]);
  return links;
}

// Where the looks ended, and the interval that holds whatever they found.
Json stop_of(const AttackJudge& judge, const std::vector<double>& robust) {
  const Looks& looks = *judge.looks();
  const std::int64_t n = judge.data().size();
  const double tail = kLooksMiss / static_cast<double>(looks.of) / 2;
  return Json::object({{"look", judge.before_look().stopped ? judge.before_look().look + 1 : looks.of},
                       {"looks", looks.of},
                       {"half_width", looks.half_width.str()},
                       {"lo", metrics::binomial_lower(count_of(robust), n, tail)},
                       {"hi", metrics::binomial_upper(count_of(robust), n, tail)}});
}

void put_outcome(StageContext& context, const AttackJudge& judge, const AttackOutcome& outcome, const std::string& condition) {
  const Samples& data = judge.data();
  const metrics::Ratio rate = metrics::attack_success_rate(outcome.success, judge.correct());
  context.column("robust", condition, data.ids, outcome.robust);
  context.column("success", condition, data.ids, outcome.success);
  context.column("eligible", condition, data.ids, judge.correct());
  context.score("robust_accuracy", condition, metrics::robust_accuracy(outcome.robust), data.size(),
                judge.looks() ? Json::object({{"stopped", stop_of(judge, outcome.robust)}}) : Json::object({}));
  context.score("attack_success_rate", condition, rate.denominator > 0 ? rate.value() : 0, static_cast<std::int64_t>(rate.denominator),
                Json::object({{"numerator", rate.numerator}, {"denominator_count", rate.denominator},
                              {"denominator", "correctly classified"}, {"mode", "untargeted"}}));  // rule 25
  context.column("distance", condition, data.ids, outcome.distance);
}

// How many samples each link left, as a curve.
void put_links(StageContext& context, const std::vector<ChainLink>& links, std::int64_t samples) {
  for (std::size_t k = 0; k < links.size(); ++k) {
    for (const auto& [condition, standing] : links[k].standing) {
      context.shard().append(Json::object({{"type", "trace"},
                                           {"name", "robust accuracy after each link, " + condition},
                                           {"step", static_cast<std::int64_t>(k + 1)},
                                           {"value", static_cast<double>(standing) / static_cast<double>(samples)},
                                           {"grade", "host-measured"}}));
    }
  }
}

void put_findings(StageContext& context, const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    if (finding.level == "INVALID") context.invalid(finding.rule, finding.reason);
    if (finding.level == "SUSPECT") context.suspect(finding.rule, finding.reason);
  }
}

}  // namespace

void judge_attack(StageContext& context) {
  AttackJudge judge(context);
  const Samples& data = judge.data();
  context.column("correct", "clean", data.ids, judge.correct());
  context.score("accuracy", "clean", metrics::accuracy(judge.correct()), data.size());
  const bool white_box = context.spec().get("access", "white-box") == "white-box";
  put_findings(context, examine_victim(judge, context.job(), white_box));

  std::vector<AttackOutcome> outcomes;
  const std::vector<Rational>& radii = judge.threat().eps;
  for (const Rational& eps : radii) {
    outcomes.push_back(judge.outcome(eps, [&](const std::string& reason) { context.invalid(15, reason); }));
    put_outcome(context, judge, outcomes.back(), eps_condition(eps));
    context.progress(static_cast<double>(outcomes.size()) / static_cast<double>(radii.size()), "judging");
  }
  const bool iterative = context.spec().has("method") && context.spec().at("method").get("iterative", false);
  put_findings(context, compare_radii(judge, outcomes, iterative));
  if (iterative) put_findings(context, examine_ascent(judge.threat(), outcomes));
  put_findings(context, recheck_longer(judge, outcomes, context.spec().get("longer", 0)));
  keep_examples(context, judge, outcomes);
  if (!judge.before()) return;
  const std::vector<ChainLink> links = links_with(context, judge, outcomes);
  put_links(context, links, data.size());
  put_findings(context, compare_links(links, judge.threat(), data.size()));
}

// Between two links of a chain, and before the first: what is still robust, for the next one and for the last one's judge.
void survivors(StageContext& context) {
  AttackJudge judge(context);
  ChainState state = judge.before().value_or(ChainState{});
  state.ids = judge.data().ids;
  const bool first = !judge.before();
  std::vector<AttackOutcome> outcomes;
  for (const Rational& eps : judge.threat().eps) {
    ChainState::Condition& at = state.conditions[eps_condition(eps)];
    if (first) {
      at = {judge.correct(), std::vector<double>(state.ids.size(), 0.0)};
      continue;
    }
    outcomes.push_back(judge.outcome(eps));
    at = {outcomes.back().robust, outcomes.back().distance};
  }
  if (!first) {
    state.links = links_with(context, judge, outcomes);
    state.spent += spent_in(context.input("run"));
  }
  state.save(context.out() / kChainFile);
  context.announce(kChainFile);
}

}  // namespace assay::tasks
