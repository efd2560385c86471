// Tables of methods x data sets: missing entries, the order of tests of rule 46, the diagram of rule 47.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "results/stats/checks.hpp"
#include "results/stats/many.hpp"

namespace assay::stats {
namespace {

constexpr std::size_t least_data_sets = 5;  // rule 47

void check_table(const Table& table) {
  if (table.methods.size() < 2) detail::refuse("table", "needs at least two methods");
  if (table.data_sets.empty()) detail::refuse("table", "no data sets");
  if (table.values.size() != table.data_sets.size())
    detail::refuse("table", std::to_string(table.values.size()) + " rows for " +
                                std::to_string(table.data_sets.size()) + " data sets");
  for (std::size_t d = 0; d < table.values.size(); ++d) {
    const auto& row = table.values[d];
    if (row.size() != table.methods.size())
      detail::refuse("table", "data set '" + table.data_sets[d] + "' has " + std::to_string(row.size()) +
                                  " entries for " + std::to_string(table.methods.size()) + " methods");
    for (std::size_t m = 0; m < row.size(); ++m)
      if (row[m] && !std::isfinite(*row[m]))
        detail::refuse("table", "'" + table.methods[m] + "' on '" + table.data_sets[d] + "' is not a finite number");
  }
}

std::vector<double> column(const Rows& rows, std::size_t m) {
  std::vector<double> out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back(row[m]);
  return out;
}

std::vector<Pair> all_pairs(const ManyComparison& found, const ManyOptions& options) {
  const Rows& rows = found.data.rows;
  std::vector<Pair> pairs;
  std::vector<double> p;
  for (std::size_t a = 0; a < rows[0].size(); ++a)
    for (std::size_t b = a + 1; b < rows[0].size(); ++b) {
      const auto x = column(rows, a), y = column(rows, b);
      const Wilcoxon test = wilcoxon(x, y, {options.zeros});
      Pair pair;
      pair.a = a;
      pair.b = b;
      pair.p = test.p;
      pair.effect = test.effect;
      pair.mean_difference = detail::mean_of(x) - detail::mean_of(y);
      pairs.push_back(pair);
      p.push_back(test.p);
    }
  const bool by_ranks = options.post_hoc == PostHoc::nemenyi;
  const auto adjusted = by_ranks ? nemenyi(found.ranks, rows.size()) : holm(p);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (by_ranks) pairs[i].p = adjusted[i];
    pairs[i].adjusted = adjusted[i];
    pairs[i].rejected = found.omnibus != Omnibus::not_rejected && adjusted[i] <= options.alpha;
  }
  return pairs;
}

// Cliques with members and sets in the order of average ranks: the graph is numbered by place.
std::vector<std::vector<std::size_t>> cliques_by_rank(const ManyComparison& found) {
  const std::size_t k = found.order.size();
  std::vector<std::size_t> place(k);
  for (std::size_t i = 0; i < k; ++i) place[found.order[i]] = i;
  std::vector<std::vector<bool>> alike(k, std::vector<bool>(k, true));
  for (const Pair& pair : found.pairs)
    if (pair.rejected) alike[place[pair.a]][place[pair.b]] = alike[place[pair.b]][place[pair.a]] = false;
  auto cliques = maximal_cliques(alike);
  for (auto& clique : cliques)
    for (std::size_t& m : clique) m = found.order[m];
  return cliques;
}

void decide_drawing(ManyComparison& found) {
  const std::size_t n = found.data.rows.size();
  found.drawable = n >= least_data_sets;
  if (found.drawable)
    found.bars = diagram_bars(found.cliques, found.ranks);
  else
    found.why_not = "too few data sets: " + std::to_string(n) + " of at least " + std::to_string(least_data_sets);
}

}  // namespace

Table average_seeds(const std::vector<Measurement>& measurements, bool higher_is_better) {
  if (measurements.empty()) detail::refuse("table", "no measurements");
  Table out;
  out.higher_is_better = higher_is_better;
  const auto place = [](std::vector<std::string>& names, const std::string& name) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
    names.push_back(name);
    return names.size() - 1;
  };
  std::map<std::pair<std::size_t, std::size_t>, std::pair<double, double>> sums;  // (data set, method) -> sum, count
  for (const Measurement& each : measurements) {
    if (!std::isfinite(each.value))
      detail::refuse("table", "'" + each.method + "' on '" + each.data_set + "' is not a finite number");
    auto& [sum, count] = sums[{place(out.data_sets, each.data_set), place(out.methods, each.method)}];
    sum += each.value;
    ++count;
  }
  out.values.assign(out.data_sets.size(), std::vector<std::optional<double>>(out.methods.size()));
  for (const auto& [at, total] : sums) out.values[at.first][at.second] = total.first / total.second;
  return out;
}

Completed complete(const Table& table, Missing policy) {
  check_table(table);
  Completed out;
  for (std::size_t d = 0; d < table.values.size(); ++d) {
    const auto& row = table.values[d];
    std::vector<double> known;
    for (const auto& v : row)
      if (v) known.push_back(*v);
    const std::size_t missing = row.size() - known.size();
    if (missing > 0 && policy == Missing::refuse) {
      const auto at = static_cast<std::size_t>(std::find(row.begin(), row.end(), std::nullopt) - row.begin());
      detail::refuse("table", "'" + table.methods[at] + "' has no result on '" + table.data_sets[d] +
                                  "'; say whether such data sets are left out or such entries count as the worst");
    }
    if (missing > 0 && (policy == Missing::drop_data_set || known.empty())) {
      out.dropped.push_back(table.data_sets[d]);
      continue;
    }
    const double worst = table.higher_is_better ? *std::min_element(known.begin(), known.end())
                                                : *std::max_element(known.begin(), known.end());
    out.data_sets.push_back(table.data_sets[d]);
    out.imputed += static_cast<std::int64_t>(missing);
    out.rows.emplace_back();
    for (const auto& v : row) out.rows.back().push_back(v.value_or(worst));
  }
  if (out.rows.empty()) detail::refuse("table", "no data set is left that has every method");
  return out;
}

ManyComparison compare_many(const Table& table, const ManyOptions& options) {
  detail::need_share("comparison", "alpha", options.alpha);
  ManyComparison out;
  out.data = complete(table, options.missing);
  const Rows& rows = out.data.rows;
  const std::size_t methods = table.methods.size();
  out.ranks = average_ranks(rows, table.higher_is_better);
  out.order.resize(methods);
  std::iota(out.order.begin(), out.order.end(), std::size_t{0});
  std::stable_sort(out.order.begin(), out.order.end(),
                   [&](std::size_t a, std::size_t b) { return out.ranks[a] < out.ranks[b]; });
  if (methods > 2 && rows.size() < 2)
    detail::refuse("comparison", "needs at least two data sets for more than two methods");
  if (methods > 2) {
    out.friedman = friedman(rows);
    out.omnibus = out.friedman.f_p <= options.alpha ? Omnibus::rejected : Omnibus::not_rejected;
  }
  out.pairs = all_pairs(out, options);
  out.cliques = cliques_by_rank(out);
  decide_drawing(out);
  const double pairs = static_cast<double>(out.pairs.size());
  // 2^(1-N) * pairs <= alpha
  out.data_sets_needed = static_cast<std::size_t>(std::ceil(1 + std::log2(pairs / options.alpha) - 1e-12));
  out.cannot_reject = options.post_hoc == PostHoc::wilcoxon_holm && rows.size() < out.data_sets_needed;
  return out;
}

}  // namespace assay::stats
