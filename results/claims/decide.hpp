// A statement's numbers as yes, no or undecided. Inside of the claims. [any-thread]
#pragma once

#include "results/claims/evaluator.hpp"

namespace assay::claims {

enum class Answer { yes, no, unclear };

struct TestRule {
  std::string test;  // one of claim::tests()
  double level = 0.95;
};

// What decided: of a joined statement the comparison that was the hardest, or the first to contradict.
struct Finding {
  Answer answer = Answer::unclear;
  double effect = 0;
  stats::Interval interval;
  double p = 1;
  stats::Components parts;
  bool exact = false;    // nothing to resample: the stored numbers say it
  std::string test;      // in words
  int comparisons = 1;
};

// Of several comparisons joined by "and" all must hold, each at the level (an intersection-union test needs no
// correction); any one of them contradicts, at the level corrected by their number (Bonferroni). "or" is the mirror.
// Throws Void where a value is not defined or the test has nothing to be about.
Finding decide(const Statement& statement, const Layout& layout, const TestRule& rule);

// Of a number: percentile bootstrap where only samples vary, else Student of both parts.
stats::Interval interval_of(const Numbers& numbers, const Layout& layout, double level);

}  // namespace assay::claims
