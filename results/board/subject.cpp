// Rule 14: boards that rank subjects by what is left of them under the worst of all attacks, sample by sample.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "harness/base/error.hpp"
#include "results/board/ranking.hpp"
#include "results/board/sentence.hpp"
#include "results/board/subject.hpp"

namespace assay::board {
namespace {

// The ids of the shorter list when the longer one holds all of them: a chain that stops early has judged a part of the suite's
// list (sequential stopping). Empty: two lists.
std::vector<std::int64_t> common(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  const auto& [shorter, longer] = a.size() < b.size() ? std::tie(a, b) : std::tie(b, a);
  const std::set<std::int64_t> known(longer.begin(), longer.end());
  return std::all_of(shorter.begin(), shorter.end(), [&](std::int64_t id) { return known.contains(id); }) ? shorter : std::vector<std::int64_t>();
}

using Flags = std::vector<double>;

Flags at_ids(const Flags& values, const std::vector<std::int64_t>& ids, const std::vector<std::int64_t>& wanted) {
  if (ids == wanted) return values;
  std::map<std::int64_t, double> value;
  for (std::size_t i = 0; i < ids.size(); ++i) value[ids[i]] = values[i];
  Flags out;
  for (const std::int64_t id : wanted) out.push_back(value.at(id));
  return out;
}

void restrict_to(WorstCase& worst, const std::vector<std::int64_t>& ids) {
  std::vector<BySeed*> all{&worst.robust, &worst.clean};
  for (auto& [attack, flags] : worst.attacks) all.push_back(&flags);
  for (BySeed* flags : all)
    for (auto& [seed, values] : *flags) values = at_ids(values, worst.ids, ids);
  worst.ids = ids;
}

void merge(BySeed& into, std::uint64_t seed, const std::vector<double>& values) {
  auto& least = into.try_emplace(seed, values.size(), 1.0).first->second;
  for (std::size_t i = 0; i < least.size(); ++i) least[i] = std::min(least[i], values[i]);
}

void merge(WorstCase& worst, std::uint64_t seed, const store::OutcomeColumn& column, const store::CellRecord& cell) {
  if (worst.ids.empty()) worst.ids = column.ids;
  if (worst.ids != column.ids) {
    const auto ids = common(worst.ids, column.ids);
    if (ids.empty())
      throw Error(Fault::constraint, "worst case: cell '" + cell.label + "' was judged on other samples than the attacks before it (rule 14)");
    restrict_to(worst, ids);
  }
  const Flags values = at_ids(column.values, column.ids, worst.ids);
  merge(worst.robust, seed, values);
  merge(worst.attacks[cell.method], seed, values);
}

std::map<std::string, std::vector<Group>> by_subject(const std::vector<store::CellRecord>& cells) {
  std::map<std::string, std::vector<Group>> out;
  for (Group& group : make_groups(cells)) out[group.subject].push_back(std::move(group));
  return out;
}

WorstCase worst_case(const store::Store& db, const std::vector<Group>& groups, const std::string& condition) {
  std::vector<const store::CellRecord*> cells;
  for (const Group& group : groups)
    for (const auto* cell : done_cells(group)) cells.push_back(cell);
  WorstCase worst;
  for (const auto* cell : cells) {
    const std::uint64_t seed = cell->seeds.get("subject");
    const auto robust = db.outcomes(cell->standing->id, "robust", condition);
    if (robust.empty()) continue;
    merge(worst, seed, robust[0], *cell);
    // A sample that is misclassified without attack is not robust, whatever an attack's column says.
    for (const auto& correct : db.outcomes(cell->standing->id, "correct", "clean")) {
      merge(worst, seed, correct, *cell);
      worst.clean[seed] = at_ids(correct.values, correct.ids, worst.ids);
    }
  }
  return worst;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Means over samples, a seed each, and the mean of these.
Value value_of(const BySeed& outcomes) {
  Value value;
  for (const auto& [seed, values] : outcomes) value.per_seed.push_back(mean(values));
  if (!value.per_seed.empty()) value.mean = mean(value.per_seed);
  return value;
}

// statistic[seed][b] on resamples that all subjects share.
std::vector<std::vector<double>> replicates(const BySeed& outcomes, const stats::BootstrapOptions& options) {
  std::vector<std::vector<double>> out(outcomes.size(), std::vector<double>(static_cast<std::size_t>(options.resamples)));
  std::vector<std::uint32_t> at(outcomes.empty() ? 0 : outcomes.begin()->second.size());
  for (std::size_t b = 0; b < static_cast<std::size_t>(options.resamples); ++b) {
    stats::resample_indices(options.seed, b, at);
    std::size_t s = 0;
    for (const auto& [seed, values] : outcomes) {
      double sum = 0;
      for (const std::uint32_t i : at) sum += values[i];
      out[s++][b] = sum / static_cast<double>(at.size());
    }
  }
  return out;
}

// With its interval over the samples.
Value with_interval(const BySeed& outcomes, const stats::BootstrapOptions& options) {
  Value value = value_of(outcomes);
  if (!value.mean) return value;
  value.interval = stats::percentile_interval(mean_replicates(replicates(outcomes, options)), options, "samples",
                                              static_cast<std::int64_t>(outcomes.begin()->second.size()));
  return value;
}

std::string unranked(const Row& row, const store::SuiteRecord& suite) {
  if (row.level != store::Level::valid) return store::level_name(row.level);
  if (!row.values[0].mean) return row.status;
  if (row.coverage.share() < suite.min_coverage) return "coverage " + row.coverage.str() + " is below the declared minimum";
  return row.single_run ? single_run : "";
}

// The row of a subject from its groups: attacks of this subject, all seeds.
Row subject_row(const std::vector<Group>& groups, const WorstCase& worst, const std::string& condition) {
  Group all = groups.front();
  all.cells.clear();
  all.baseline = false;
  all.descriptor = std::make_shared<const Descriptor>();
  for (const Group& group : groups) all.cells.insert(all.cells.end(), group.cells.begin(), group.cells.end());
  const Covered cover = covered(all.cells, condition);
  all.cells = cover.cells;
  Row row = start_row(all);
  row.notes.assign(cover.notes.begin(), cover.notes.end());
  row.submitted = false;
  row.method = "worst of " + std::to_string(worst.attacks.size()) + " attacks";
  row.plugin_version = row.plugin_digest = "";
  row.params = row.axes = Json(Json::Object{});
  row.single_run = worst.robust.size() < 3;
  if (row.single_run) row.notes.push_back(single_run_note(worst.robust.size()));
  // Inputs that a user brought are proofs as good as any other: the judge checked each of them.
  std::set<std::string> brought;
  for (const Group& group : groups)
    if (group.plugin_version == submitted_version) brought.insert(group.method);
  for (const std::string& name : brought) row.notes.push_back("the worst case includes inputs submitted as " + name);
  // An invalid attack says nothing of the subject; it is missing from the worst case, and coverage says so.
  if (row.level == store::Level::invalid) row.level = store::Level::valid;
  for (const auto* cell : all.cells)
    if (done(*cell)) row.level = std::max(row.level, cell->standing->level);
  return row;
}

// Rule 21: what attacks from other nets break beyond the suite's.
std::vector<std::string> outdone(const std::map<std::string, Transferred>& found) {
  std::vector<std::string> reasons;
  for (const auto& [method, transfer] : found) {
    if (!beyond_chance(transfer)) continue;
    reasons.push_back("SUSPECT (rule 21): " + method + ", transferred from other nets, breaks " +
                      std::to_string(transfer.broken) + " samples that every attack here left");
  }
  return reasons;
}

struct Judged {
  const std::vector<Group>& groups;
  const WorstCase worst;
  const std::vector<std::string> reasons;  // against the subject
};
Candidate candidate(const Judged& judged, const std::vector<std::string>& attacks, const store::SuiteRecord& suite,
                    const stats::BootstrapOptions& options) {
  const auto& [groups, worst, reasons] = judged;
  Candidate c;
  c.row = subject_row(groups, worst, suite.condition);
  c.row.values = {with_interval(worst.robust, options), with_interval(worst.clean, options)};
  for (const std::string& attack : attacks) {
    const auto found = worst.attacks.find(attack);
    c.row.values.push_back(found == worst.attacks.end() ? Value() : with_interval(found->second, options));
  }
  c.value = c.row.values[0].mean.value_or(std::nan(""));
  for (const std::string& reason : reasons) {
    c.row.level = std::max(c.row.level, store::Level::suspect);
    c.row.reasons.push_back(reason);
  }
  c.row.unranked_because = unranked(c.row, suite);
  c.row.ranked = c.row.unranked_because.empty();
  if (!c.row.values[0].mean) return c;
  c.replicates = mean_replicates(replicates(worst.robust, options));
  return c;
}

// Methods with outcomes, by name, less the trivial ones: each is a column beside the worst case of all.
std::vector<std::string> attacks_of(const std::vector<store::CellRecord>& cells, const std::map<std::string, WorstCase>& worst_of) {
  std::vector<std::string> out;
  const auto measured = [&](const std::string& method) {
    return std::any_of(worst_of.begin(), worst_of.end(), [&](const auto& one) { return one.second.attacks.count(method) > 0; });
  };
  for (const auto& cell : cells)
    if (!cell.baseline && std::find(out.begin(), out.end(), cell.method) == out.end() && measured(cell.method)) out.push_back(cell.method);
  return out;
}

void set_ranks(std::vector<Candidate>& candidates, double level) {
  std::vector<stats::RankInput> inputs;
  for (const Candidate& c : candidates)
    if (c.row.ranked)
      inputs.push_back({c.value, c.replicates, c.row.values[0].interval->n, c.row.values[0].per_seed, 0});
  const auto ranges = stats::rank_ranges(inputs, true, level);
  std::size_t at = 0;
  for (Candidate& c : candidates)
    if (c.row.ranked) c.row.rank = ranges[at++];
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    if (a.row.ranked != b.row.ranked) return a.row.ranked;
    return (std::isnan(a.value) ? -1 : a.value) > (std::isnan(b.value) ? -1 : b.value);
  });
}

// Rule 45: subjects are compared on the same samples, those that the one which stopped first was judged on.
void share_samples(std::map<std::string, WorstCase>& all) {
  std::vector<std::int64_t> ids;
  for (const auto& [subject, worst] : all) {
    if (worst.ids.empty()) continue;
    ids = ids.empty() ? worst.ids : common(ids, worst.ids);
    if (ids.empty()) return;
  }
  for (auto& [subject, worst] : all)
    if (!worst.ids.empty() && worst.ids != ids) restrict_to(worst, ids);
}

}  // namespace

std::map<std::string, WorstCase> worst_cases(const store::Store& db, const std::string& protocol, const std::string& condition) {
  std::map<std::string, WorstCase> out;
  const auto cells = db.cells(protocol);
  for (const auto& [subject, groups] : by_subject(cells)) out[subject] = worst_case(db, groups, condition);
  share_samples(out);
  return out;
}

stats::RankInput rank_input(const WorstCase& worst, const stats::BootstrapOptions& options) {
  const Value value = value_of(worst.robust);
  return {value.mean.value_or(std::nan("")), mean_replicates(replicates(worst.robust, options)), static_cast<std::int64_t>(worst.ids.size()),
          value.per_seed, 0};
}

Board make_subject_board(const store::Store& db, const Query& query) {
  Board board;
  board.rank = "subject";
  board.suite = db.protocol(query.protocol);
  if (!query.condition.empty()) board.suite.condition = query.condition;
  if (!query.by.empty() && query.by != "robust_accuracy")
    throw Error(Fault::bad_input, "a board of subjects ranks by robust_accuracy, not by '" + query.by + "' (rule 14)");
  board.suite.rank_by = "robust_accuracy";
  board.metrics = {{"robust_accuracy", board.suite.condition, "", "judged", true}, {"accuracy", "clean", "", "judged", false}};

  const auto cells = db.cells(board.suite.protocol_hash);
  const auto subjects = by_subject(cells);
  stats::BootstrapOptions options;
  options.level = query.level;
  options.resamples = query.resamples;

  auto worst_of = worst_cases(db, board.suite.protocol_hash, board.suite.condition);
  const std::vector<std::string> attacks = attacks_of(cells, worst_of);
  for (const std::string& attack : attacks) board.metrics.push_back({"robust_accuracy", board.suite.condition, attack, "judged", false});

  std::vector<Candidate> candidates;
  const auto transfers = transfer_cells(db);
  for (const auto& [subject, groups] : subjects) {
    WorstCase& worst = worst_of.at(subject);
    auto reasons = outdone(transferred(db, transfers, groups, worst, board.suite.condition));
    candidates.push_back(candidate({groups, std::move(worst), std::move(reasons)}, attacks, board.suite, options));
  }

  set_ranks(candidates, query.level);
  for (Candidate& c : candidates) board.rows.push_back(std::move(c.row));
  board.claimed = db.claimed(board.suite.series);
  describe(board, false, options);
  return board;
}

}  // namespace assay::board
