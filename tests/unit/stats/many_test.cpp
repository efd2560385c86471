// Many methods over many data sets [rules 46, 47, 49]: omnibus, pairs, cliques and diagrams. The cases in which known
// tools draw wrong bars are written out.
#include "results/stats/many.hpp"

#include <set>

#include "agreement.hpp"

using namespace assay::stats;
using namespace agreement;

namespace {

using Sets = std::vector<std::vector<std::size_t>>;

Table table_of(const Rows& rows) {
  Table out;
  for (std::size_t m = 0; m < rows[0].size(); ++m) out.methods.push_back("m" + std::to_string(m));
  for (std::size_t d = 0; d < rows.size(); ++d) {
    out.data_sets.push_back("d" + std::to_string(d));
    out.values.emplace_back(rows[d].begin(), rows[d].end());
  }
  return out;
}

std::vector<std::vector<bool>> graph(std::size_t n, const std::vector<std::pair<std::size_t, std::size_t>>& alike) {
  std::vector<std::vector<bool>> out(n, std::vector<bool>(n, false));
  for (const auto& [a, b] : alike) out[a][b] = out[b][a] = true;
  return out;
}

// The pairs that share a bar must be those that were not rejected, no more and no fewer.
void check_bars(const ManyComparison& got) {
  std::set<std::pair<std::size_t, std::size_t>> joined;
  for (const Bar& bar : got.bars)
    for (const std::size_t a : bar.methods)
      for (const std::size_t b : bar.methods)
        if (a < b) joined.insert({a, b});
  for (const Pair& pair : got.pairs) CHECK((joined.count({pair.a, pair.b}) == 1) == !pair.rejected);
}

}  // namespace

TEST_CASE("Friedman and Iman-Davenport equal scipy's, R's, and an analysis of variance of ranks") {
  Agreement chi("friedman chi squared and p", "scipy; R friedman.test"),
      f("friedman F and p (Iman-Davenport)", "statsmodels AnovaRM on ranks"), ranks("average_ranks", "scipy rankdata");
  for (const auto& c : python().at("friedman").as_array()) {
    Rows rows;
    for (const auto& row : c.at("rows").as_array()) rows.push_back(reals(row));
    const Friedman got = friedman(rows);
    f(got.f, real(c, "f"));
    f(got.f_p, real(c, "f_p"));
    const auto mean = average_ranks(rows, false), expected = reals(c, "ranks");
    for (std::size_t m = 0; m < mean.size(); ++m) ranks(mean[m], expected[m]);
    if (c.at("chi2").is_null()) continue;  // scipy refuses two methods
    chi(got.chi_squared, real(c, "chi2"));
    chi(got.p, real(c, "p"));
  }
  for (const auto& c : r().at("friedman").as_array()) {
    Rows rows;
    for (const auto& row : c.at("rows").as_array()) rows.push_back(reals(row));
    chi(friedman(rows).chi_squared, real(c, "chi2"));
    chi(friedman(rows).p, real(c, "p"));
  }
}

TEST_CASE("Nemenyi: the studentized range equals scipy's and R's") {
  Agreement scipy("nemenyi", "scipy studentized_range"), r_range("nemenyi", "R ptukey (its own accuracy)", 1e-8);
  // Two methods at average ranks whose distance is q standard errors.
  const auto tail = [](double q, std::size_t k) {
    std::vector<double> ranks(k, 1.0);
    ranks[1] = 1 + q * std::sqrt(static_cast<double>(k * (k + 1)) / 12.0);
    return nemenyi(ranks, 1)[0];
  };
  for (const auto& c : python().at("range").as_array())
    scipy(tail(real(c, "q"), static_cast<std::size_t>(c.at("k").as_int())), real(c, "p"));
  for (const auto& c : r().at("range").as_array())
    r_range(tail(real(c, "q"), static_cast<std::size_t>(c.at("k").as_int())), real(c, "p"));
}

TEST_CASE("Holm equals R's p.adjust [rule 50]") {
  Agreement adjusted("holm", "R p.adjust");
  const auto got = holm(reals(r().at("holm"), "p")), expected = reals(r().at("holm"), "adjusted");
  for (std::size_t i = 0; i < got.size(); ++i) adjusted(got[i], expected[i]);
}

TEST_CASE("cliques: non-contiguous, overlapping, none, all") {
  CHECK(maximal_cliques(graph(3, {{0, 2}})) == Sets{{0, 2}, {1}});
  CHECK(maximal_cliques(graph(4, {{0, 1}, {0, 2}, {1, 2}, {1, 3}, {2, 3}})) == Sets{{0, 1, 2}, {1, 2, 3}});
  CHECK(maximal_cliques(graph(3, {})) == Sets{{0}, {1}, {2}});
  CHECK(maximal_cliques(graph(3, {{0, 1}, {0, 2}, {1, 2}})) == Sets{{0, 1, 2}});
  // A ring of four: intervals of ranks could not say this.
  CHECK(maximal_cliques(graph(4, {{0, 1}, {1, 2}, {2, 3}, {0, 3}})) == Sets{{0, 1}, {0, 3}, {1, 2}, {2, 3}});
  CHECK(maximal_cliques({}).empty());
  CHECK(message_of([] { maximal_cliques({{true, true}, {false, true}}); }) == "cliques: the matrix is not symmetric");
}

TEST_CASE("cliques of random graphs are exactly the maximal sets, by trying all subsets") {
  Agreement sets("maximal_cliques", "all subsets of 40 random graphs");
  for (std::uint64_t round = 0; round < 40; ++round) {
    const assay::Rng rng(5, "graphs", round);
    const std::size_t n = 2 + rng.below(1000, 7);
    std::vector<std::pair<std::size_t, std::size_t>> edges;
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = a + 1; b < n; ++b)
        if (rng.uniform(a * 16 + b) < 0.6) edges.emplace_back(a, b);
    const auto alike = graph(n, edges);
    const auto complete = [&](unsigned set) {
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = a + 1; b < n; ++b)
          if ((set >> a & set >> b & 1U) != 0 && !alike[a][b]) return false;
      return true;
    };
    Sets expected;
    for (unsigned set = 1; set < 1U << n; ++set) {
      bool maximal = complete(set);
      for (std::size_t v = 0; v < n && maximal; ++v) maximal = (set >> v & 1U) != 0 || !complete(set | 1U << v);
      if (!maximal) continue;
      expected.emplace_back();
      for (std::size_t v = 0; v < n; ++v)
        if ((set >> v & 1U) != 0) expected.back().push_back(v);
    }
    std::sort(expected.begin(), expected.end());
    sets(maximal_cliques(alike) == expected ? 0 : 1, 0);
  }
}

TEST_CASE("bars: a set that skips a method says so, and overlapping bars lie in rows of their own") {
  const std::vector<double> ranks{1.0, 2.0, 3.0, 4.0};
  auto bars = diagram_bars({{0, 2}, {1}, {3}}, ranks);
  REQUIRE(bars.size() == 1);
  CHECK(bars[0].skipped == std::vector<std::size_t>{1});
  CHECK(bars[0].from == 1);
  CHECK(bars[0].to == 3);
  bars = diagram_bars({{0, 1, 2}, {1, 2, 3}}, ranks);
  REQUIRE(bars.size() == 2);
  CHECK(bars[0].row == 0);
  CHECK(bars[1].row == 1);
  CHECK(bars[0].skipped.empty());
  bars = diagram_bars({{0, 1}, {2, 3}}, ranks);
  CHECK(bars[1].row == 0);
  // Equal average ranks: the neighbour that is not of the set lies on the bar all the same.
  CHECK(diagram_bars({{0, 1}}, {1.5, 2.5, 2.5})[0].skipped == std::vector<std::size_t>{2});
}

TEST_CASE("a non-contiguous clique from data: the steady middle is told apart, the erratic best is not [rule 46]") {
  // m0 has the best average rank but loses badly where it loses; m1 beats m2 a little everywhere.
  Rows rows;
  for (int d = 0; d < 12; ++d) {
    const double base = 0.5 + 0.01 * d, swing = d < 8 ? 0.02 + 0.001 * d : -0.3 - 0.01 * d;
    rows.push_back({base + swing, base + 0.001 * (d % 3), base - 0.01 - 0.001 * d});
  }
  const ManyComparison got = compare_many(table_of(rows));
  CHECK(got.order == std::vector<std::size_t>{0, 1, 2});
  CHECK(got.omnibus == Omnibus::rejected);
  CHECK_FALSE(got.pairs[0].rejected);  // m0, m1
  CHECK_FALSE(got.pairs[1].rejected);  // m0, m2
  CHECK(got.pairs[2].rejected);        // m1, m2
  CHECK(got.cliques == Sets{{0, 1}, {0, 2}});
  REQUIRE(got.bars.size() == 2);
  CHECK(got.bars[1].skipped == std::vector<std::size_t>{1});
  CHECK(got.bars[0].row != got.bars[1].row);
  check_bars(got);
}

TEST_CASE("two overlapping cliques from data") {
  // m1 lies between m0 and m2 and is told apart from neither; m0 and m2 are.
  Rows rows;
  for (int d = 0; d < 16; ++d) {
    const double e = d % 2 == 0 ? 0.03 + 0.001 * d : -0.03 - 0.001 * d;
    rows.push_back({0.80 + 0.001 * d, 0.79 + e, 0.78});
  }
  const ManyComparison got = compare_many(table_of(rows));
  CHECK(got.omnibus == Omnibus::rejected);
  CHECK(got.cliques.size() == 2);
  CHECK(got.pairs[1].rejected);
  CHECK(got.bars.size() == 2);
  check_bars(got);
}

TEST_CASE("every pair significant: no bar; no pair significant: one bar over all") {
  Rows rows;
  for (int d = 0; d < 10; ++d) rows.push_back({0.9 + 0.001 * d, 0.8 + 0.003 * d, 0.6 + 0.007 * d});
  const ManyComparison apart = compare_many(table_of(rows));
  CHECK(apart.cliques == Sets{{0}, {1}, {2}});
  CHECK(apart.bars.empty());
  CHECK(apart.drawable);
  CHECK(std::isinf(apart.friedman.f));
  CHECK(apart.friedman.f_p == doctest::Approx(std::pow(6.0, -9)));
  // The omnibus rejects, by one method that is clearly last on ranks, and yet five data sets cannot reject any pair.
  rows.resize(5);
  const ManyComparison few = compare_many(table_of(rows));
  CHECK(few.omnibus == Omnibus::rejected);
  CHECK(few.cannot_reject);
  CHECK(few.data_sets_needed == 7);  // 3 * 2^-6 = 0.047
  CHECK(few.cliques == Sets{{0, 1, 2}});
  CHECK(few.bars.size() == 1);
  check_bars(few);
}

TEST_CASE("an omnibus that does not reject joins all, whatever the pairs' own p [rule 46]") {
  // m0 beats m1 by a little everywhere; the pair and four others take turns in the order.
  Rows rows;
  for (int d = 0; d < 6; ++d) {
    const auto turn = [&](int j) { return 0.1 * ((j + d) % 5); };
    rows.push_back({turn(0) + 0.01 + 0.001 * d, turn(0), turn(1), turn(2), turn(3), turn(4)});
  }
  const ManyComparison got = compare_many(table_of(rows));
  CHECK(got.omnibus == Omnibus::not_rejected);
  CHECK(got.pairs[0].p == 2.0 / 64);
  CHECK(got.cliques.size() == 1);
  CHECK(got.cliques[0].size() == 6);
  for (const Pair& pair : got.pairs) CHECK_FALSE(pair.rejected);
  check_bars(got);
}

TEST_CASE("all tied, and identical columns") {
  const ManyComparison tied = compare_many(table_of(Rows(6, {0.5, 0.5, 0.5})));
  CHECK(tied.friedman.f_p == 1);
  CHECK(tied.ranks == std::vector<double>{2, 2, 2});
  CHECK(tied.cliques == Sets{{0, 1, 2}});
  CHECK(tied.bars.size() == 1);
  Rows rows;
  for (int d = 0; d < 12; ++d) rows.push_back({0.7 + 0.01 * d, 0.5 + 0.011 * d, 0.7 + 0.01 * d});
  const ManyComparison twins = compare_many(table_of(rows));
  CHECK(twins.ranks[0] == twins.ranks[2]);
  CHECK(twins.pairs[1].p == 1);
  CHECK(twins.cliques == Sets{{0, 2}, {1}});
  REQUIRE(twins.bars.size() == 1);
  CHECK(twins.bars[0].skipped.empty());
  check_bars(twins);
}

TEST_CASE("no diagram below five data sets [rule 47]; two methods need no omnibus") {
  const ManyComparison few = compare_many(table_of({{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}}));
  CHECK_FALSE(few.drawable);
  CHECK(few.why_not == "too few data sets: 4 of at least 5");
  CHECK(few.bars.empty());
  Rows rows;
  for (int d = 0; d < 7; ++d) rows.push_back({1.0 + d, 1.5 + d * 1.1});
  const ManyComparison two = compare_many(table_of(rows));
  CHECK(two.omnibus == Omnibus::not_needed);
  CHECK(two.pairs.size() == 1);
  CHECK(two.pairs[0].rejected);
  CHECK(two.pairs[0].p == doctest::Approx(2.0 / 128));
  CHECK(two.order == std::vector<std::size_t>{1, 0});
  CHECK(two.bars.empty());
}

TEST_CASE("missing entries follow the declared policy [rule 3]") {
  Table table = table_of({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {1, 3, 2}, {2, 1, 3}, {4, 4, 4}});
  table.values[1][2] = std::nullopt;
  table.values[5] = {std::nullopt, std::nullopt, std::nullopt};
  CHECK(message_of([&] { complete(table, Missing::refuse); }).find("'m2' has no result on 'd1'") != std::string::npos);
  const Completed dropped = complete(table, Missing::drop_data_set);
  CHECK(dropped.dropped == std::vector<std::string>{"d1", "d5"});
  CHECK(dropped.rows.size() == 4);
  const Completed worst = complete(table, Missing::worst);
  CHECK(worst.rows[1][2] == 4);
  CHECK(worst.imputed == 1);
  CHECK(worst.dropped == std::vector<std::string>{"d5"});
  table.higher_is_better = false;
  CHECK(complete(table, Missing::worst).rows[1][2] == 5);
  table.values.assign(6, table.values[5]);
  CHECK(message_of([&] { complete(table, Missing::worst); }) == "table: no data set is left that has every method");
  table.values[0][0] = std::nan("");
  CHECK(message_of([&] { complete(table, Missing::worst); }) == "table: 'm0' on 'd0' is not a finite number");
}

TEST_CASE("missing entries and the diagram: refused, drawn over what is left, or not drawn [rules 3, 47]") {
  Rows rows;
  for (int d = 0; d < 11; ++d) rows.push_back({0.9 + 0.001 * d, 0.8 + 0.003 * d, 0.6 + 0.007 * d});
  Table table = table_of(rows);
  table.values[3][1] = std::nullopt;  // one data set lacks a method, another lacks another
  table.values[7][0] = std::nullopt;
  CHECK(message_of([&] { compare_many(table); }).find("'m1' has no result on 'd3'") != std::string::npos);
  ManyOptions options;
  options.missing = Missing::drop_data_set;
  const ManyComparison dropped = compare_many(table, options);
  CHECK(dropped.data.dropped == std::vector<std::string>{"d3", "d7"});
  Rows nine = rows;
  nine.erase(nine.begin() + 7);
  nine.erase(nine.begin() + 3);
  const ManyComparison without = compare_many(table_of(nine));
  CHECK(dropped.ranks == without.ranks);
  for (std::size_t i = 0; i < without.pairs.size(); ++i) CHECK(dropped.pairs[i].p == without.pairs[i].p);
  CHECK(dropped.cliques == without.cliques);
  check_bars(dropped);
  options.missing = Missing::worst;  // the method that lacks a result is last there
  const ManyComparison worst = compare_many(table, options);
  CHECK(worst.data.imputed == 2);
  CHECK(worst.ranks[0] == doctest::Approx((10 * 1 + 3 - 0.5) / 11));  // on d7 it shares the last place with m2
  for (std::size_t d = 0; d < 7; ++d) table.values[d][2] = std::nullopt;
  options.missing = Missing::drop_data_set;
  const ManyComparison few = compare_many(table, options);
  CHECK_FALSE(few.drawable);
  CHECK(few.why_not == "too few data sets: 3 of at least 5");
}

TEST_CASE("seeds are averaged within data sets, they are not data sets [rule 49]") {
  const Table got = average_seeds({{"a", "x", 1}, {"a", "x", 3}, {"b", "x", 5}, {"a", "y", 7}}, true);
  CHECK(got.methods == std::vector<std::string>{"a", "b"});
  CHECK(got.data_sets.size() == 2);
  CHECK(*got.values[0][0] == 2);
  CHECK(*got.values[0][1] == 5);
  CHECK_FALSE(got.values[1][1].has_value());
}

TEST_CASE("Nemenyi on request, and lower is better") {
  Rows rows;
  for (int d = 0; d < 10; ++d) rows.push_back({0.9 + 0.001 * d, 0.8 + 0.003 * d, 0.6 + 0.007 * d});
  Table table = table_of(rows);
  table.higher_is_better = false;
  ManyOptions options;
  options.post_hoc = PostHoc::nemenyi;
  const ManyComparison got = compare_many(table, options);
  CHECK(got.order == std::vector<std::size_t>{2, 1, 0});
  // Average ranks 3, 2, 1: one apart is 2.24 < 2.34 in critical differences of k = 3, N = 10 (Demsar's table: 1.05).
  CHECK_FALSE(got.pairs[0].rejected);
  CHECK(got.pairs[1].rejected);
  CHECK(got.cliques == Sets{{2, 1}, {1, 0}});
  check_bars(got);
}
