// Which test for which table, and its numbers.
#include "results/board/compare.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/base/error.hpp"

namespace assay::board {
namespace {

constexpr std::int64_t few = 10;  // below, Student's interval: a bootstrap of so few is too narrow

struct Columns {
  std::vector<std::vector<double>> of;  // one per method of the table
  bool binary = true;                   // every value is 0 or 1
};

Columns columns_of(const stats::Rows& rows) {
  Columns out;
  out.of.resize(rows[0].size());
  for (const auto& row : rows)
    for (std::size_t m = 0; m < row.size(); ++m) {
      out.of[m].push_back(row[m]);
      out.binary = out.binary && (row[m] == 0 || row[m] == 1);
    }
  return out;
}

stats::Interval interval_of(const std::vector<double>& values, Unit unit, const CompareOptions& options) {
  const double level = 1 - options.alpha;
  if (static_cast<std::int64_t>(values.size()) < few) return stats::student(values, unit_name(unit), level);
  stats::BootstrapOptions bootstrap;
  bootstrap.level = level;
  bootstrap.seed = options.seed;
  bootstrap.kind = stats::Resampling::bca;
  return stats::bootstrap_mean(values, unit_name(unit), bootstrap);
}

std::string test_name(Unit unit, bool binary) {
  if (unit == Unit::data_sets) return "Wilcoxon's signed-rank test";
  return unit == Unit::samples && binary ? "McNemar's exact test" : "the paired permutation test";
}

// p and effect size of one pair.
void test_pair(PairLine& line, const std::vector<double>& a, const std::vector<double>& b, const Comparison& report,
               const CompareOptions& options) {
  if (report.unit == Unit::data_sets) {
    const auto test = stats::wilcoxon(a, b);
    line.p = test.p;
    line.effect_name = "rank biserial";
    line.effect = test.effect;
    return;
  }
  if (report.test == test_name(Unit::samples, true)) {
    const auto test = stats::mcnemar(a, b);
    line.p = test.p;
    line.effect_name = "odds ratio";
    line.effect = test.odds_ratio;
    return;
  }
  stats::PermutationOptions permutation;
  permutation.seed = options.seed;
  line.p = stats::permutation_test(a, b, permutation).p;
  line.effect_name = "standardized difference";
  line.effect = stats::mean_difference(a, b, unit_name(report.unit)).standardized;
}

// Share of samples on which the two differ.
double discordant_share(const std::vector<double>& a, const std::vector<double>& b) {
  double count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return count / static_cast<double>(a.size());
}

// What could have been found, and what `border` takes: by the exact McNemar test or by a paired t test, at alpha /
// pairs.
void add_power(PairLine& line, const std::vector<double>& a, const std::vector<double>& b,
               const stats::PowerOptions& power, double border) {
  const auto n = static_cast<std::int64_t>(a.size());
  if (line.effect_name == "odds ratio") {
    const double share = discordant_share(a, b);
    if (share > 0) line.detectable = stats::mcnemar_detectable(share, n, power);
    if (border > 0 && border < share)
      line.needed = stats::mcnemar_needed({(share + border) / 2, (share - border) / 2}, power);
    return;
  }
  const double sd = stats::mean_difference(a, b, "").sd;
  if (sd > 0) line.detectable = stats::paired_detectable(sd, n, power);
  if (sd > 0 && border > 0) line.needed = stats::paired_needed(border, sd, power);
}

void judge_size(PairLine& line, const std::vector<double>& a, const std::vector<double>& b,
                const CompareOptions& options, const Comparison& report) {
  const std::size_t k = report.methods.size(), pairs = k * (k - 1) / 2;
  const stats::PowerOptions power{options.alpha / static_cast<double>(pairs), options.power};
  const double border = options.rope ? std::min(std::abs(options.rope->lo), std::abs(options.rope->hi)) : 0;
  add_power(line, a, b, power, border);
  if (!options.rope) return;
  stats::EquivalenceOptions equivalence;
  equivalence.rope = *options.rope;
  equivalence.alpha = power.alpha;
  equivalence.over = unit_name(report.unit);
  line.practical = stats::equivalence_test(a, b, equivalence);
}

void add_methods(Comparison& out, const stats::Table& table, const Columns& columns,
                 const std::vector<std::size_t>& order, const std::vector<double>& ranks,
                 const CompareOptions& options) {
  for (const std::size_t m : order) {
    const auto& values = columns.of[m];
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    out.methods.push_back({table.methods[m], mean, interval_of(values, out.unit, options), ranks[m]});
  }
}

// Rule 44. Timings are above 0.
bool too_near(double a, double b, double least_factor) { return std::max(a, b) <= least_factor * std::min(a, b); }

void add_pairs(Comparison& out, const Columns& columns, const std::vector<std::size_t>& order,
               const CompareOptions& options, double least_factor) {
  const std::size_t k = order.size();
  std::vector<double> p;
  std::vector<bool> near;
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = i + 1; j < k; ++j) {
      const auto &a = columns.of[order[i]], &b = columns.of[order[j]];
      PairLine line;
      line.a = out.methods[i].method;
      line.b = out.methods[j].method;
      line.difference = out.methods[i].mean - out.methods[j].mean;
      std::vector<double> gaps(a.size());
      for (std::size_t d = 0; d < a.size(); ++d) gaps[d] = a[d] - b[d];
      line.interval = interval_of(gaps, out.unit, options);
      test_pair(line, a, b, out, options);
      judge_size(line, a, b, options, out);
      p.push_back(line.p);
      near.push_back(least_factor > 1 && too_near(out.methods[i].mean, out.methods[j].mean, least_factor));
      out.pairs.push_back(std::move(line));
    }
  const auto adjusted = stats::holm(p);
  const bool open = !out.many || out.many->omnibus != stats::Omnibus::not_rejected;
  for (std::size_t i = 0; i < out.pairs.size(); ++i) {
    PairLine& line = out.pairs[i];
    line.adjusted = adjusted[i];
    if (!open || near[i] || adjusted[i] > options.alpha) continue;
    // The direction is what the test saw: signed ranks, discordant samples, or the mean.
    const double neutral = line.effect_name == "odds ratio" ? 1 : 0;
    const bool higher = line.effect == neutral ? line.difference > 0 : line.effect > neutral;
    line.outcome = higher == out.higher_is_better ? Outcome::better : Outcome::worse;
  }
}

void add_alike(Comparison& out) {
  const std::size_t k = out.methods.size();
  std::vector<std::vector<bool>> alike(k, std::vector<bool>(k, true));
  std::size_t at = 0;
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = i + 1; j < k; ++j)
      alike[i][j] = alike[j][i] = out.pairs[at++].outcome == Outcome::no_difference_found;
  for (const auto& clique : stats::maximal_cliques(alike)) {
    if (clique.size() < 2) continue;
    out.alike.emplace_back();
    for (const std::size_t m : clique) out.alike.back().push_back(out.methods[m].method);
  }
}

}  // namespace

const char* unit_name(Unit unit) {
  switch (unit) {
    case Unit::seeds:
      return "seeds";
    case Unit::samples:
      return "samples";
    case Unit::data_sets:
      break;
  }
  return "data sets";
}

Comparison compare(const WideTable& wide, const CompareOptions& options) {
  if (!(options.alpha > 0 && options.alpha < 0.5))
    bad_input("compare: alpha " + std::to_string(options.alpha) + " is outside (0, 0.5)");
  if (options.rope && !(options.rope->lo <= 0 && options.rope->hi >= 0))
    bad_input("compare: the region of practical equivalence must contain 0");
  Comparison out;
  out.unit = wide.unit;
  out.quantity = options.quantity;
  out.higher_is_better = wide.table.higher_is_better;
  out.alpha = options.alpha;
  stats::Completed data = stats::complete(wide.table, options.missing);
  if (data.rows.size() < 2) bad_input("compare: needs at least two " + std::string(unit_name(wide.unit)));
  out.rows = static_cast<std::int64_t>(data.rows.size());
  const Columns columns = columns_of(data.rows);
  out.test = test_name(wide.unit, columns.binary);
  const auto ranks = stats::average_ranks(data.rows, out.higher_is_better);
  std::vector<std::size_t> order(ranks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return ranks[a] < ranks[b]; });
  if (wide.unit == Unit::data_sets) {
    stats::ManyOptions many;
    many.alpha = options.alpha;
    many.missing = options.missing;
    out.many = stats::compare_many(wide.table, many);
  }
  add_methods(out, wide.table, columns, order, ranks, options);
  add_pairs(out, columns, order, options, wide.least_factor);
  add_alike(out);
  out.sentences = compare_sentences(out, wide, options);
  return out;
}

}  // namespace assay::board
