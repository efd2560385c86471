// Many methods: corrections, rank ranges, and the comparison over many data sets of rule 46 (Demsar 2006): omnibus
// first, then all pairs with Holm, then a critical-difference diagram whose bars join exactly the pairs that were not
// rejected. Pure and deterministic. [any-thread] Throws Error(bad_input) on empty input, ragged rows or NaN.
#pragma once

#include <optional>

#include "results/stats/components.hpp"
#include "results/stats/paired.hpp"

namespace assay::stats {

// --- corrections and ranks of one data set ---

// Holm's step-down adjustment (1979); adjusted[i] belongs to p[i] (rule 50: give it all tests of a page at once).
std::vector<double> holm(std::span<const double> p);

// Rank ranges: method i's best and worst rank that the data allow. i is told apart from j when Holm's adjusted p of the
// pair, over all pairs, is at most 1 - level. lo = 1 + number of methods that are surely better, hi = N - number that
// are surely worse.
struct RankRange {
  int lo = 1, hi = 1;
};
struct RankInput {
  double value = 0;                // the point estimate, which gives the direction of a difference
  std::vector<double> replicates;  // of the estimate with the seeds as they are; number b of all methods is from one resample
  std::int64_t samples = 0;        // how many are resampled
  std::vector<double> per_seed;    // the seeds' own values, in the same order for all methods; one or none: no seeds
  int panel = 0;                   // only methods of one panel are compared; Holm runs over the pairs of all panels
  std::vector<double> rounds = {};  // of a timing, > 0: then compared by them alone
};
// x - y: paired by sample, and by seed where both have as many (else the seeds' variances add). A bootstrap of three seeds
// would call 28 % of equal methods different (components.hpp). Throws Error(bad_input) on unequal numbers of replicates.
Components difference(const RankInput& x, const RankInput& y);
// Two-sided, of "x and y are alike": rule 44's test where both have rounds (rank_sum.hpp), else of their difference; 1
// where one of them has neither rounds nor replicates.
double pair_p(const RankInput& x, const RankInput& y);
// Methods that have neither are not told apart from any.
std::vector<RankRange> rank_ranges(const std::vector<RankInput>& methods, bool higher_is_better, double level = 0.95);

// --- methods x data sets ---

// rows[d][m]: method m on data set d, complete.
using Rows = std::vector<std::vector<double>>;

// Mean over data sets of each method's rank, 1 = best; equal values share the mean of their ranks.
std::vector<double> average_ranks(const Rows& rows, bool higher_is_better);

// Friedman's test (1937) with the correction for ties (Conover 1999, section 5.8), and Iman and
// Davenport's F (1980; Demsar 2006, section 3.2.2), F = (N - 1) chi^2 / (N (k - 1) - chi^2), which is the less
// conservative and decides here. At least two data sets and two methods. When every method ties on every data set, both
// p are 1. When all data sets rank all methods alike, F is infinite and its p is (1/k!)^(N-1), the exact one (Conover
// 1999, p. 371).
struct Friedman {
  double chi_squared = 0, p = 1;
  double f = 0, f_p = 1;
  int df1 = 0, df2 = 0;  // k - 1 (also of chi squared) and (k - 1)(N - 1)
};
Friedman friedman(const Rows& rows);

// Methods x data sets as they come. values[d][m]; nullopt where method m has no result on data set d.
struct Table {
  std::vector<std::string> methods, data_sets;
  std::vector<std::vector<std::optional<double>>> values;
  bool higher_is_better = true;
};
// Rule 49: seeds are not data sets. Replicates of a method on a data set are averaged before anything is ranked. Names
// keep the order of their first entry.
struct Measurement {
  std::string method, data_set;
  double value = 0;
};
Table average_seeds(const std::vector<Measurement>& measurements, bool higher_is_better);

// What a missing entry means (rule 3: declared, never silent).
enum class Missing {
  refuse,         // an error that names it
  drop_data_set,  // the data set is left out for all methods, and named
  worst,          // it counts as the worst value that any method has there; a data set without any value is left out
};
struct Completed {
  Rows rows;
  std::vector<std::string> data_sets;  // of rows
  std::vector<std::string> dropped;    // data sets
  std::int64_t imputed = 0;            // entries
};
Completed complete(const Table& table, Missing policy);

// wilcoxon_holm: signed ranks of each pair alone, so that no method's rank depends on which others are shown (Benavoli,
// Corani & Mangili 2016), Holm over all pairs. nemenyi: differences of average ranks against the studentized range
// (1963).
enum class PostHoc { wilcoxon_holm, nemenyi };
struct ManyOptions {
  double alpha = 0.05;
  Missing missing = Missing::refuse;
  PostHoc post_hoc = PostHoc::wilcoxon_holm;
  Zeros zeros = Zeros::pratt;
};

struct Pair {
  std::size_t a = 0, b = 0;    // indices of methods, a < b
  double p = 1;                // of the post hoc test by itself
  double adjusted = 1;         // Holm's, or Nemenyi's p, which is adjusted already
  double mean_difference = 0;  // a - b, on the values
  double effect = 0;           // rank biserial of the signed ranks, > 0 when a has the higher values
  bool rejected = false;       // adjusted <= alpha, and the omnibus (if one was needed) rejected
};

// A bar of the diagram: a maximal set of methods of which no pair was rejected, two or more. Where `skipped` is not
// empty the bar may not be drawn through: it passes methods of other sets, so mark its members and leave gaps at the
// skipped.
struct Bar {
  std::vector<std::size_t> methods;  // best average rank first
  std::vector<std::size_t> skipped;  // methods whose average rank lies on the bar and that are not of the set
  double from = 0, to = 0;           // average ranks of its ends
  int row = 0;                       // bars of one row do not overlap, ends included
};

enum class Omnibus { not_needed, rejected, not_rejected };  // not needed: two methods, the pair's test says it all
struct ManyComparison {
  Completed data;
  std::vector<double> ranks;       // average rank per method
  std::vector<std::size_t> order;  // methods, best average rank first; ties by their place in the table
  Friedman friedman;               // of at least three methods
  Omnibus omnibus = Omnibus::not_needed;
  std::vector<Pair> pairs;                        // all of them, (0,1), (0,2), ..., (1,2), ...
  std::vector<std::vector<std::size_t>> cliques;  // maximal sets without a rejected pair, members and sets by `order`
  bool drawable = false;                          // rule 47
  std::string why_not;                            // "too few data sets: 4 of at least 5"
  std::vector<Bar> bars;                          // empty unless drawable
  // Least p that signed ranks over so many data sets can give, 2^(1-N), times the number of pairs, exceeds alpha:
  // whatever the values, Holm cannot reject all pairs' hypotheses, and its first step cannot reject one.
  bool cannot_reject = false;
  std::size_t data_sets_needed = 0;  // for the first step to be able to
};
ManyComparison compare_many(const Table& table, const ManyOptions& options = {});

// Two-sided Nemenyi p values of all pairs, in the order of ManyComparison::pairs.
std::vector<double> nemenyi(const std::vector<double>& average_ranks, std::size_t data_sets);

// --- graphs of non-rejections ---

// alike[i][j]: the pair was not rejected; symmetric, the diagonal is ignored. Every maximal set of pairwise alike items
// (Bron & Kerbosch 1973, pivots of Tomita et al. 2006); items ascending,
// sets in lexicographic order. Throws Error(unsupported) beyond 100,000 sets.
std::vector<std::vector<std::size_t>> maximal_cliques(const std::vector<std::vector<bool>>& alike);
// Bars of those sets that have at least two members.
std::vector<Bar> diagram_bars(const std::vector<std::vector<std::size_t>>& cliques, const std::vector<double>& ranks);

}  // namespace assay::stats
