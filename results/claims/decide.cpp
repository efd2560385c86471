#include "results/claims/decide.hpp"

#include <algorithm>
#include <cmath>

#include "results/stats/paired.hpp"

namespace assay::claims {

using claim::Op;

namespace {

// How many tests stand beside a comparison, of those that could prove and of those that could contradict.
struct Tests {
  int yes = 1, no = 1;
};

bool sure(Op relation, const stats::Interval& i) {
  switch (relation) {
    case Op::less: return i.hi < 0;
    case Op::less_equal: return i.hi <= 0;
    case Op::greater: return i.lo > 0;
    case Op::greater_equal: return i.lo >= 0;
    case Op::equal: return i.lo == 0 && i.hi == 0;
    default: return i.lo > 0 || i.hi < 0;
  }
}

Op opposite(Op relation) {
  switch (relation) {
    case Op::less: return Op::greater_equal;
    case Op::less_equal: return Op::greater;
    case Op::greater: return Op::less_equal;
    case Op::greater_equal: return Op::less;
    case Op::equal: return Op::not_equal;
    default: return Op::equal;
  }
}

bool on_seeds_alone(const std::string& test) { return test == "student" || test == "permutation" || test == "wilcoxon"; }

stats::Interval interval_at(const Numbers& margin, const stats::Components& parts, const Layout& layout, double level) {
  if (parts.samples == 0 && parts.seeds == 0) return {parts.estimate, parts.estimate, level, "", 0, "exact"};
  // Corrected levels reach into tails that 2000 resamples do not have.
  if (parts.samples > 0 && parts.seed_variance == 0 && level < 0.98) return percentile(margin, layout, level);
  stats::Components used = parts;
  if (used.samples > 0 && used.seed_variance == 0) used.seeds = 0;
  return stats::component_test(used, level).interval;
}

std::string words(const stats::Components& parts, const std::string& test) {
  if (test == "permutation") return "permutation of signs over seeds";
  if (test == "wilcoxon") return "Wilcoxon's signed ranks over seeds";
  if (parts.samples == 0 && parts.seeds == 0) return "exact comparison";
  const std::string bootstrap = test == "paired-bootstrap" ? "paired bootstrap over samples" : "bootstrap over samples";
  if (parts.samples == 0) return "Student over seeds";
  return parts.seeds > 0 && parts.seed_variance > 0 ? bootstrap + ", Student over seeds" : bootstrap;
}

// Values of each seed that have the estimate as their mean: n t - (n - 1) t_without (Tukey 1958); the seed's own value
// where the number is a mean over seeds.
std::vector<double> pseudo_values(const Numbers& margin, const Layout& layout) {
  std::vector<double> out;
  const double n = static_cast<double>(margin.seed_count());
  for (const double without : without_seeds(margin, layout)) out.push_back(n * margin.at[0] - (n - 1) * without);
  return out;
}

double p_of(const Numbers& margin, const stats::Components& parts, const Layout& layout, const TestRule& rule) {
  if (parts.samples == 0 && parts.seeds == 0) return parts.estimate == 0 ? 1 : 0;
  if (rule.test != "permutation" && rule.test != "wilcoxon") return stats::component_test(parts, rule.level).p;
  const std::vector<double> values = pseudo_values(margin, layout), zeros(values.size(), 0.0);
  return rule.test == "permutation" ? stats::permutation_test(values, zeros).p : stats::wilcoxon(values, zeros).p;
}

Finding compare(const Statement& s, const Layout& layout, const TestRule& rule, const Tests& tests) {
  Finding out;
  Numbers margin = s.margin;
  if (rule.test == "exact") {
    margin.samples = false;
    margin.seeds.clear();
  }
  out.parts = components(margin, layout, !on_seeds_alone(rule.test));
  if (on_seeds_alone(rule.test) && out.parts.seeds == 0)
    throw Void("test '" + rule.test + "' is over seeds, and nothing here varies with the seed; expected another test");
  out.effect = out.parts.estimate;
  out.interval = interval_at(margin, out.parts, layout, rule.level);
  out.p = p_of(margin, out.parts, layout, rule);
  out.exact = out.parts.samples == 0 && out.parts.seeds == 0;
  out.test = words(out.parts, rule.test);
  const double alpha = 1 - rule.level;
  const auto decided = [&](Op relation, int beside) {
    if (rule.test == "permutation" || rule.test == "wilcoxon") return out.p <= alpha / beside && holds(relation, out.effect);
    return sure(relation, beside == 1 ? out.interval : interval_at(margin, out.parts, layout, 1 - alpha / beside));
  };
  out.answer = decided(s.relation, tests.yes) ? Answer::yes : decided(opposite(s.relation), tests.no) ? Answer::no : Answer::unclear;
  return out;
}

Answer opposite(Answer answer) {
  return answer == Answer::yes ? Answer::no : answer == Answer::no ? Answer::yes : Answer::unclear;
}

// Statements about each seed by itself that no resampling can shake: the range of n seeds is an interval of the median
// seed at level 1 - 2^(1 - n) (Thompson 1936).
void add_range(Finding& out, const std::vector<Finding>& parts) {
  const auto [least, most] =
      std::minmax_element(parts.begin(), parts.end(), [](const Finding& a, const Finding& b) { return a.effect < b.effect; });
  const auto n = static_cast<std::int64_t>(parts.size());
  out.interval = {least->effect, most->effect, 1 - std::pow(2.0, 1.0 - static_cast<double>(n)), "seeds", n, "range"};
  out.test = "each seed by itself, no resampling";
}

Finding decide(const Statement& s, const Layout& layout, const TestRule& rule, const Tests& tests);

Finding join(const Statement& s, const Layout& layout, const TestRule& rule, const Tests& tests) {
  const bool all = s.kind == Statement::Kind::all;
  const int n = static_cast<int>(s.parts.size());
  Tests inside = tests;
  (all ? inside.no : inside.yes) *= n;
  std::vector<Finding> parts;
  for (const Statement& part : s.parts) parts.push_back(decide(part, layout, rule, inside));
  // One of these is enough; only when every part is the other answer is the whole.
  const Answer enough = all ? Answer::no : Answer::yes, needed = opposite(enough);
  const auto is = [](Answer answer) { return [answer](const Finding& f) { return f.answer == answer; }; };
  const Answer whole = std::any_of(parts.begin(), parts.end(), is(enough)) ? enough
                       : std::all_of(parts.begin(), parts.end(), is(needed)) ? needed : Answer::unclear;
  // Shown: the surest of those that were enough, else the least sure.
  const Finding* shown = nullptr;
  int comparisons = 0;
  for (const Finding& part : parts) {
    comparisons += part.comparisons;
    if (part.answer != whole) continue;
    const auto doubt = [](const Finding& f) { return std::make_pair(f.p, -std::abs(f.effect)); };
    if (shown == nullptr || (whole == enough ? doubt(part) < doubt(*shown) : doubt(part) > doubt(*shown))) shown = &part;
  }
  Finding out = shown == nullptr ? parts.at(0) : *shown;
  out.comparisons = comparisons;
  const bool seeds = s.axis == "seed" && rule.test != "exact" && n > 1;
  if (seeds && std::all_of(parts.begin(), parts.end(), [](const Finding& f) { return f.exact; })) add_range(out, parts);
  return out;
}

Finding decide(const Statement& s, const Layout& layout, const TestRule& rule, const Tests& tests) {
  if (s.kind == Statement::Kind::compare) return compare(s, layout, rule, tests);
  if (s.kind != Statement::Kind::negation) return join(s, layout, rule, tests);
  Finding out = decide(s.parts[0], layout, rule, {tests.no, tests.yes});
  out.answer = opposite(out.answer);
  return out;
}

}  // namespace

Finding decide(const Statement& statement, const Layout& layout, const TestRule& rule) {
  return decide(statement, layout, rule, Tests{});
}

stats::Interval interval_of(const Numbers& numbers, const Layout& layout, double level) {
  return interval_at(numbers, components(numbers, layout), layout, level);
}

}  // namespace assay::claims
