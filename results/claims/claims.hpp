// Claims of suites against the database: every claim ends as reproduced, not reproduced, inconclusive or void, with the
// effect that decided, its interval, and what the interval is over. The language is harness/claim's. Nothing here
// prints. Deterministic. [one thread: the store's]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/record/plan.hpp"
#include "results/stats/intervals.hpp"
#include "results/store/store.hpp"

namespace assay::claims {

enum class Outcome {
  reproduced,      // the whole interval agrees with the statement
  not_reproduced,  // the whole interval contradicts it
  inconclusive,    // the interval straddles the threshold, or there are fewer than 3 seeds (rule 5)
  nothing,         // "void": a precondition failed, or cells are missing, failed or may not be ranked
};
const char* outcome_name(Outcome outcome);  // "reproduced" "not reproduced" "inconclusive" "void"

struct Verdict {
  std::string suite, protocol;  // protocol: "" when the suite was never run
  Claim claim;
  Outcome outcome = Outcome::nothing;
  std::string reason;                 // in words; "" where the numbers say it all
  std::optional<double> effect;       // left minus right of the comparison that decided; none when void
  std::optional<stats::Interval> interval;  // of the effect, at the claim's level
  std::optional<double> p, p_holm;    // two-sided, of "the effect is 0"; corrected for all claims judged together (rule 50)
  std::string test;                   // what was done: "paired bootstrap over 1000 samples, Student over 3 seeds"
  int comparisons = 0;                // that the statement is made of; the interval is of the one that decided
  std::int64_t seeds = 0, samples = 0;
  std::optional<std::int64_t> more_seeds, more_samples;  // for a decision at the claim's power, if the effect stays
  std::vector<std::string> notes;     // what was pooled, left out, or reported by a plugin
};

struct Options {
  int resamples = 2000;
  bool require_certificate = true;  // a method without a passed certificate makes a claim void; baselines are exempt
};

// The claims of one suite, on the cells of one protocol. `claims` may be newer than what the database recorded.
std::vector<Verdict> judge(const store::Store& db, const std::string& protocol, const std::vector<Claim>& claims,
                           const Options& options = {});
// Void, all of them: for a suite that the database does not know.
std::vector<Verdict> never_run(const std::string& suite, const std::vector<Claim>& claims);
// Rule 50: fills p_holm over everything that is shown together.
void correct(std::vector<Verdict>& verdicts);

enum class Format { table, markdown, json };
Format parse_format(const std::string& name);  // throws Error(bad_input) with the nearest name
std::string format(const std::vector<Verdict>& verdicts, Format kind);
std::string line(const Verdict& verdict);         // one line: verdict, id, numbers, reason
std::string numbers_text(const Verdict& verdict); // "effect 0.0312 [0.0114, 0.0511] (95 %, samples and seeds, n = 3)"; "" when void
std::string needs_text(const Verdict& verdict);   // "at least 4 more seeds"; "" when decided
Json to_json(const Verdict& verdict);

}  // namespace assay::claims
