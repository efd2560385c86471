// Comparison of methods over data sets, seeds or samples, from a wide table: which tests were made, why these, and what
// they say, in plain sentences, as markdown, LaTeX (booktabs) and JSON. Works on anyone's table. Pure and
// deterministic but for wide_of, which reads a database; nothing here prints. [any-thread; wide_of: the store's] Throws Error(bad_input) naming row and column.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results/board/board.hpp"

namespace assay::board {

// What a row of the table is: it decides the tests (rules 45, 46, 49).
enum class Unit { data_sets, seeds, samples };
const char* unit_name(Unit unit);  // "data sets" ...

struct WideTable {
  stats::Table table;  // a row a data set, a seed or a sample
  Unit unit = Unit::data_sets;
  double replicates = 1;  // mean number of seeds that were averaged into an entry
  double least_factor = 1;  // means nearer than this are no difference: of timings (rule 44)
};

// CSV with a head. First column: names of the rows; its head tells what they are ("seed", "sample", otherwise data
// sets). A second column headed "seed" makes the rows replicates: they are averaged within their data set (rule 49),
// or, where there is only one data set, become the unit. The other columns are methods. Empty, "-", "NA" and "nan": no
// result. Fields may be quoted; "" is a quote inside of quotes.
WideTable parse_wide(const std::string& text, const std::string& origin, bool higher_is_better);

// Which of a board's rows are compared, and on what.
struct RowChoice {
  std::vector<std::string> methods;  // at least two: a method, or a row's name where parameters tell rows apart
  std::string subject;               // "": the only one
  std::optional<Unit> unit;          // samples or seeds; nullopt: samples where the metric is a mean over samples, else seeds
};
// Rows at the board's rank point, by its ranked metric; every planned cell must be done and none INVALID. `samples`: a row
// a test sample, its value the mean over seeds; every cell must have been judged on the same samples (rule 45). `seeds`: a
// row a seed. On a board of subjects `methods` are subjects, compared by their worst cases. Throws Error(bad_input) with the
// nearest name.
WideTable wide_of(const store::Store& db, const Board& board, const RowChoice& choice);

struct CompareOptions {
  double alpha = 0.05;
  double power = 0.8;  // of the detectable difference
  stats::Missing missing = stats::Missing::refuse;
  std::optional<stats::Rope> rope;  // differences that do not matter, in the values' unit; contains 0
  std::uint64_t seed = 0;           // of resampling
  std::string quantity = "value";   // what the table holds, for captions
};

struct MethodLine {
  std::string method;
  double mean = 0;
  stats::Interval interval;  // of the mean, level 1 - alpha
  double rank = 0;           // average over the rows
};

enum class Outcome { better, worse, no_difference_found };  // of a against b
struct PairLine {
  std::string a, b;            // the better average rank first
  double difference = 0;       // mean of a - b
  stats::Interval interval;    // of the difference, level 1 - alpha, not corrected for the other pairs
  double p = 1, adjusted = 1;  // adjusted: Holm over all pairs (rule 50)
  std::string effect_name;     // "rank biserial" | "odds ratio" | "standardized difference"
  double effect = 0;
  Outcome outcome = Outcome::no_difference_found;
  std::optional<stats::Equivalence> practical;  // where a region was given, at alpha / pairs (rule 50)
  std::optional<double> detectable;             // least difference found with the stated power, at alpha / pairs
  std::optional<std::int64_t> needed;           // rows that finding a difference at the region's border so takes
};

struct Comparison {
  Unit unit = Unit::data_sets;
  std::string quantity;
  bool higher_is_better = true;
  double alpha = 0.05;
  std::int64_t rows = 0;                        // compared, after missing entries were dealt with
  std::string test;                             // of a pair: "Wilcoxon's signed-rank test" ...
  std::vector<MethodLine> methods;              // best average rank first
  std::vector<PairLine> pairs;                  // in the order of methods
  std::vector<std::vector<std::string>> alike;  // maximal sets of two or more of which no pair was told apart
  std::optional<stats::ManyComparison> many;    // over data sets only; its indices are those of the table
  std::vector<std::string> sentences;           // the report
};
Comparison compare(const WideTable& wide, const CompareOptions& options = {});

enum class CompareFormat { text, markdown, latex, json };
CompareFormat parse_compare_format(const std::string& name);  // throws Error(bad_input) with the nearest name
std::string format(const Comparison& comparison, CompareFormat kind);

// The sentences of a comparison whose numbers are filled in; compare() calls it.
std::vector<std::string> compare_sentences(const Comparison& comparison, const WideTable& wide,
                                           const CompareOptions& options);

}  // namespace assay::board
