// From a claim's text to its verdict.
#include "results/claims/claims.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/claim/claim.hpp"
#include "results/claims/decide.hpp"
#include "results/stats/many.hpp"

namespace assay::claims {
namespace {

constexpr std::int64_t least_seeds = 3;  // rule 5

struct Judged {
  Finding finding;
  Source::Reading reading;
};

// Rule 45: two sides on the same samples are compared in pairs; where the samples differ, a test that pairs them is
// refused and the default is the one that does not.
std::string test_of(const std::string& named, const Source::Reading& reading) {
  if (named == "paired-bootstrap" && reading.other_samples)
    throw Void("test 'paired-bootstrap' needs the same samples on both sides (rule 45), and these were judged on different ones");
  if (!named.empty()) return named;
  return reading.measures > 1 && !reading.other_samples ? "paired-bootstrap" : "bootstrap";
}

Judged judge_text(Source& source, const std::string& text, const Claim& claim) {
  claim::Expr expr;
  try {
    expr = claim::parse(text);
  } catch (const Error& error) {
    throw Void(std::string("malformed: ") + error.what());
  }
  source.take_reading();
  const Statement statement = Evaluator(source).statement(expr);
  Judged out;
  out.reading = source.take_reading();
  if (out.reading.measures == 0) throw Void("it names no metric");
  out.finding = decide(statement, source.layout(), {test_of(claim.test, out.reading), claim.level});
  return out;
}

// The seeds (or samples) that a decision still takes. Permutations and signed ranks of n seeds have no p below 2^(1-n).
void add_needs(Verdict& verdict, const Finding& finding) {
  const stats::PowerOptions options{1 - verdict.claim.level, verdict.claim.power};
  const std::int64_t missing = std::max<std::int64_t>(0, least_seeds - verdict.seeds);
  auto seeds = stats::seeds_needed(finding.parts, options);
  if (seeds) *seeds -= finding.parts.seeds;
  if (verdict.claim.test == "permutation" || verdict.claim.test == "wilcoxon") {
    const auto least = 1 + static_cast<std::int64_t>(std::ceil(-std::log2(options.alpha)));
    if (seeds) *seeds = std::max(*seeds, least - verdict.seeds);
  }
  if (finding.answer != Answer::unclear) seeds = missing;
  if (seeds && *seeds >= 0) verdict.more_seeds = std::max(*seeds, missing);
  if (verdict.more_seeds || finding.answer != Answer::unclear) return;
  const auto samples = stats::samples_needed(finding.parts, options);
  if (samples) verdict.more_samples = *samples - finding.parts.samples;
}

void decide_outcome(Verdict& verdict, const Judged& judged, bool given_unclear) {
  const Finding& f = judged.finding;
  verdict.outcome = f.answer == Answer::yes ? Outcome::reproduced : f.answer == Answer::no ? Outcome::not_reproduced : Outcome::inconclusive;
  if (f.answer == Answer::unclear) verdict.reason = "the interval straddles the threshold";
  if (verdict.seeds < least_seeds && verdict.claim.test != "exact") {
    verdict.outcome = Outcome::inconclusive;
    verdict.reason = std::to_string(verdict.seeds) + (verdict.seeds == 1 ? " seed" : " seeds") + " of at least 3 (rule 5)";
  } else if (given_unclear) {
    verdict.outcome = Outcome::inconclusive;
    verdict.reason = "its precondition is undecided: " + verdict.claim.given;
  }
  if (verdict.outcome == Outcome::inconclusive) add_needs(verdict, f);
}

void fill(Verdict& verdict, const Judged& judged) {
  const Finding& f = judged.finding;
  verdict.effect = f.effect;
  verdict.interval = f.interval;
  verdict.p = f.p;
  verdict.test = f.test;
  verdict.comparisons = f.comparisons;
  verdict.seeds = static_cast<std::int64_t>(judged.reading.seeds.size());
  verdict.samples = static_cast<std::int64_t>(judged.reading.ids.size());
  verdict.notes = judged.reading.notes;
  if (f.parts.samples > 0 && f.parts.sample_variance == 0)
    verdict.notes.emplace_back("no resample of the samples differs, so they add nothing to the interval");
}

Verdict judge_one(Source& source, const Claim& claim) {
  Verdict verdict;
  verdict.suite = source.suite().name;
  verdict.protocol = source.suite().protocol_hash;
  verdict.claim = claim;
  try {
    bool given_unclear = false;
    if (!claim.given.empty()) {
      Claim precondition = claim;
      precondition.test.clear();
      const Answer answer = judge_text(source, claim.given, precondition).finding.answer;
      if (answer == Answer::no) throw Void("its precondition does not hold: " + claim.given);
      given_unclear = answer == Answer::unclear;
    }
    const Judged judged = judge_text(source, claim.expect, claim);
    fill(verdict, judged);
    decide_outcome(verdict, judged, given_unclear);
  } catch (const Void& why) {
    verdict.outcome = Outcome::nothing;
    verdict.reason = why.what();
  }
  return verdict;
}

}  // namespace

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::reproduced: return "reproduced";
    case Outcome::not_reproduced: return "not reproduced";
    case Outcome::inconclusive: return "inconclusive";
    case Outcome::nothing: break;
  }
  return "void";
}

std::vector<Verdict> judge(const store::Store& db, const std::string& protocol, const std::vector<Claim>& claims,
                           const Options& options) {
  std::vector<Verdict> out;
  if (claims.empty()) return out;
  Source source(db, protocol, options);
  for (const Claim& claim : claims) out.push_back(judge_one(source, claim));
  correct(out);
  return out;
}

std::vector<Verdict> never_run(const std::string& suite, const std::vector<Claim>& claims) {
  std::vector<Verdict> out;
  for (const Claim& claim : claims) {
    Verdict verdict;
    verdict.suite = suite;
    verdict.claim = claim;
    verdict.reason = "the suite was not run into this database";
    out.push_back(std::move(verdict));
  }
  return out;
}

void correct(std::vector<Verdict>& verdicts) {
  std::vector<double> p;
  for (const Verdict& v : verdicts)
    if (v.p) p.push_back(*v.p);
  if (p.empty()) return;
  const auto adjusted = stats::holm(p);
  auto next = adjusted.begin();
  for (Verdict& v : verdicts)
    if (v.p) v.p_holm = *next++;
}

}  // namespace assay::claims
