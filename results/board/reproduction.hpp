// Two runs of one cell, number by number: what `assay reproduce` and `assay run --repeat-check` say of them (rule 7).
// Judged outcomes, scores, verdicts and the bytes of models are compared; times, memory and pass counts are not.
// Deterministic. [one thread: the stores']
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results/store/store.hpp"

namespace assay::board {

// identical: the same bits, within a numerics class. equivalent: another class, and nothing that its rounding does not
// explain. different: anything else.
enum class Sameness { identical, equivalent, different };
const char* sameness_name(Sameness sameness);

// Beyond which another numerics class is no explanation. Flips of 0/1 outcomes: exact McNemar test, Holm-corrected over
// the cell's columns (rule 50), at this level. Real outcomes: a mean that moved by so many standard deviations between
// units (at least a hundredth of the mean). Numbers without units behind them (parameters, MACs): by that share.
inline constexpr double flip_level = 0.01, moved_deviations = 0.01, moved_share = 0.01;

// A column of per-unit outcomes, or a score, that does not have the same bits in both.
struct Deviation {
  std::string quantity, condition, configuration, unit;  // unit "": a score
  std::int64_t n = 0, differing = 0;  // units, and those with other bits
  bool flips = false;                 // 0/1 outcomes; then:
  std::int64_t lost = 0, gained = 0;  //   1 before and 0 now, 0 before and 1 now
  std::optional<double> p;            //   two-sided McNemar; Holm-corrected when the class is another
  double largest = 0;                 // largest |now - before|; infinite where only one of the two is finite
  double moved = 0;                   // mean of now - before in such deviations of before; flips: plain mean
  double before = 0, now = 0;         // scores; columns: their means
  std::string trouble;                // what cannot be compared: "was recorded, is missing", "other units"
  bool explained = false;             // by another numerics class
  std::string place() const;          // "robust @ eps=1/10"
  std::string says() const;
  Json to_json() const;
};

struct Reproduction {
  Sameness sameness = Sameness::identical;
  bool same_class = true;             // of numerics
  bool exact = true;                  // same bits are asked for: the same class, and no method bounded by the clock
  std::string numerics_before, numerics_now;
  std::int64_t columns = 0, units = 0, scores = 0;  // compared; units of the longest column
  std::vector<Deviation> deviations;
  std::vector<std::string> reasons;   // status, verdicts, artifacts
  void object(const std::string& reason);  // one more reason why they are different
  std::string says() const;           // a sentence
  Json to_json() const;
};

struct Rerun {
  const store::Store& db;
  const store::AttemptRecord& attempt;
};
// `clock_bounded`: the cell's outcomes may depend on the clock, so that equal bits cannot be asked for. Verdicts of rule 7,
// which earlier comparisons left, and of rules 40 to 44, which are about times, are not compared.
Reproduction compare_runs(const Rerun& before, const Rerun& now, bool clock_bounded = false);

}  // namespace assay::board
