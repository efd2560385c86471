#include "results/board/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "harness/metrics/registry.hpp"
#include "results/board/timings.hpp"

namespace assay::board {
namespace {

const Value* ranked_value(const Candidate& c, const RankRules& rules) {
  if (rules.metric == nullptr || c.row.values.empty()) return nullptr;
  const Value& value = c.row.values[0];  // make_metrics puts the ranked column first
  return value.mean ? &value : nullptr;
}

bool has_score(const Group& group, const std::string& quantity, const std::string& condition) {
  for (const auto* cell : done_cells(group)) {
    const auto& scores = cell->standing->scores;
    const bool found = std::any_of(scores.begin(), scores.end(), [&](const auto& s) {
      return s.quantity == quantity && (condition.empty() || s.condition == condition);
    });
    if (!found) return false;
  }
  return true;
}

// Rules 31 and 35: a number that must not stand alone.
std::string missing_companion(const Candidate& c, const store::SuiteRecord& suite) {
  if (c.row.coverage.done == 0) return "";
  if (suite.task == "detect" && !has_score(*c.group, "accuracy", "id"))
    return "in-distribution accuracy of the same model is missing (rule 31)";
  if (suite.task == "compress" &&
      !(has_score(*c.group, "compression_ratio", "") && has_score(*c.group, "theoretical_speedup", "")))
    return "compression ratio and theoretical speed-up must both be reported (rule 35)";
  return "";
}

double worst_value(const std::vector<Candidate>& candidates, const RankRules& rules) {
  const auto* info = metrics::find(rules.metric->quantity);
  if (info != nullptr) {
    const double bound = rules.lower_is_better ? info->max : info->min;
    if (std::isfinite(bound)) return bound;
  }
  bool any = false;
  double worst = 0;
  for (const Candidate& c : candidates)
    if (const Value* value = ranked_value(c, rules))
      for (const double v : value->per_seed) {
        worst = !any ? v : rules.lower_is_better ? std::max(worst, v) : std::min(worst, v);
        any = true;
      }
  return worst;
}

std::optional<double> baseline_value(const std::vector<Candidate>& candidates, const Candidate& of, const RankRules& rules) {
  for (const Candidate& c : candidates)
    if (c.row.baseline && c.row.subject == of.row.subject && c.row.level == store::Level::valid)
      if (const Value* value = ranked_value(c, rules)) return value->mean;
  return std::nullopt;
}

// Rule 3: what a failed cell counts for. nullopt: it does not enter.
std::optional<double> imputed(const std::vector<Candidate>& candidates, const Candidate& c, const RankRules& rules) {
  if (rules.suite.on_failure == "worst") return worst_value(candidates, rules);
  if (rules.suite.on_failure == "baseline") return baseline_value(candidates, c, rules);
  return std::nullopt;
}

std::string coverage_problem(const Candidate& c, const RankRules& rules) {
  if (c.row.coverage.share() >= rules.suite.min_coverage) return "";
  return "coverage " + c.row.coverage.str() + " is below the declared minimum";
}

// The reason why a candidate is not ranked, or "". `filled`: failed cells enter by the suite's rule.
std::string problem(const Candidate& c, const RankRules& rules, const store::Store& db, bool filled) {
  const Row& row = c.row;
  if (rules.suite.rank == "none") return "this suite does not rank";
  if (!at_rank_point(row.axes, rules.suite.rank_axes)) return "ranked elsewhere on the axes";
  if (row.baseline) return "baseline";  // rule 4
  if (row.level != store::Level::valid) return store::level_name(row.level);
  if (row.submitted) return submitted_note;
  if (rules.metric == nullptr || (ranked_value(c, rules) == nullptr && !filled))
    return row.coverage.done == 0 ? row.status : "the ranked metric was not measured";
  if (rules.metric->grade == "reported") return "the ranked metric is reported by the plugin";
  if (rules.metric->grade == "host-measured" && row.cost.clock_shared) return "measured under shared load (rule 41)";
  if (!filled)
    if (auto text = coverage_problem(c, rules); !text.empty()) return text;  // rule 2
  if (auto text = missing_companion(c, rules.suite); !text.empty()) return text;
  if (row.coverage.planned < 3 || (row.single_run && !filled)) return single_run;
  return rules.require_certificate ? certificate_problem(db, c.group->plugin_id, c.group->plugin_digest) : "";
}

}  // namespace

std::string certificate_problem(const store::Store& db, const std::string& plugin_id, const std::string& digest) {
  bool any = false;
  for (const auto& certificate : db.certificates(digest)) {
    if (certificate.plugin != plugin_id) continue;
    any = true;
    if (!certificate.passed) return "certificate failed: " + certificate.check + (certificate.detail.empty() ? "" : " (" + certificate.detail + ")");
  }
  return any ? "" : "no certificate";
}

bool lower_is_better(const std::string& quantity, const std::string& task, const std::string& rank) {
  const auto* info = metrics::find(quantity);
  if (info == nullptr) return false;
  const bool lower = info->direction == metrics::Direction::lower;
  return task == "attack" && rank != "subject" && info->of_subject ? !lower : lower;
}

void decide(std::vector<Candidate>& candidates, const RankRules& rules, const store::Store& db) {
  for (Candidate& c : candidates) {
    const std::int64_t missing = c.row.coverage.planned - c.row.coverage.done;
    std::optional<double> fill;
    if (rules.metric != nullptr && missing > 0) fill = imputed(candidates, c, rules);
    c.row.unranked_because = problem(c, rules, db, fill.has_value());
    c.row.ranked = c.row.unranked_because.empty();
    const Value* value = ranked_value(c, rules);
    double sum = 0;
    std::int64_t n = 0;
    if (value != nullptr)
      for (const double v : value->per_seed) {
        sum += v;
        ++n;
      }
    if (c.row.ranked && fill) {
      sum += *fill * static_cast<double>(missing);
      n += missing;
      c.row.notes.emplace_back("ranked with " + std::to_string(missing) + " failed cell" + (missing == 1 ? "" : "s") + " counted as " +
                            (rules.suite.on_failure == "worst" ? "the worst value" : "the baseline"));
    }
    c.value = n == 0 ? std::nan("") : sum / static_cast<double>(n);
  }
}

void order(std::vector<Candidate>& candidates, const RankRules& rules) {
  const auto place = [&](const Candidate& c) {
    const bool here = at_rank_point(c.row.axes, rules.suite.rank_axes);
    const bool none = std::isnan(c.value);
    const int kind = c.row.ranked ? 0 : c.row.baseline ? 1 : !here ? 3 : 2;
    return std::make_tuple(c.row.subject, kind, none, none ? 0.0 : rules.lower_is_better ? c.value : -c.value);
  };
  std::stable_sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
    const auto x = place(a), y = place(b);
    if (std::get<1>(x) == 3 && std::get<1>(y) == 3 && std::get<0>(x) == std::get<0>(y) && !(a.row.axes == b.row.axes))
      return natural_less(a.row.axes.dump(), b.row.axes.dump());  // points of a curve in their order
    if (x != y) return x < y;
    return a.row.method < b.row.method;
  });
}

namespace {

// What a candidate is compared by, from the replicates of its cells' mean; failed cells imputed by the suite's rule.
stats::RankInput rank_input(const Candidate& c, std::vector<double> mean, const std::optional<double>& fill, int resamples) {
  stats::RankInput out;
  out.value = c.value;
  out.replicates = std::move(mean);
  out.per_seed = c.row.values[0].per_seed;
  if (!fill) return out;
  const auto planned = static_cast<std::size_t>(c.row.coverage.planned);
  if (c.row.coverage.done == 0) out.replicates.assign(static_cast<std::size_t>(resamples), *fill);
  const double share = static_cast<double>(c.row.coverage.done) / static_cast<double>(planned);
  for (double& one : out.replicates) one = share * one + (1 - share) * *fill;
  out.per_seed.resize(planned, *fill);
  return out;
}

}  // namespace

void rank(std::vector<Candidate>& candidates, const RankRules& rules, Replicator& replicator) {
  std::vector<Candidate*> ranked;
  std::vector<CellList> cells;
  for (Candidate& c : candidates) {
    if (!c.row.ranked) continue;
    ranked.push_back(&c);
    cells.push_back(done_cells(*c.group));
  }
  if (ranked.empty()) return;
  GroupReplicates found = replicator.groups(*rules.metric, cells);
  std::map<std::string, int> panels;
  std::vector<stats::RankInput> inputs;
  bool complete = true;
  const bool timed = is_timing(*rules.metric);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    const Candidate& c = *ranked[i];
    const auto fill = c.row.coverage.done < c.row.coverage.planned ? imputed(candidates, c, rules) : std::nullopt;
    inputs.push_back(rank_input(c, std::move(found.mean[i]), fill, replicator.options().resamples));
    inputs.back().samples = found.units;
    inputs.back().panel = panels.try_emplace(c.row.subject, static_cast<int>(panels.size())).first->second;
    if (timed) inputs.back().rounds = replicator.rounds(*rules.metric, cells[i]);
    complete = complete && !(timed ? inputs.back().rounds : inputs.back().replicates).empty();
  }
  // Without per-unit outcomes of every method nothing can be told apart by a paired test.
  if (!complete)
    for (auto& input : inputs) input.replicates.clear(), input.rounds.clear();
  const auto ranges = stats::rank_ranges(inputs, !rules.lower_is_better, rules.level);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    ranked[i]->row.rank = ranges[i];
    if (!complete) ranked[i]->row.notes.emplace_back(timed ? "no rounds to compare by (rule 44)" : "no per-sample outcomes to compare by");
    if (found.mismatch) ranked[i]->row.notes.emplace_back("methods were judged on different samples");
  }
}

}  // namespace assay::board
