// The report of a comparison: one thought a sentence, every test named with the reason for it. "No difference found" is
// worded apart from "equivalent" (rule 48).
#include <fmt/format.h>

#include <cmath>

#include "results/board/compare.hpp"
#include "results/board/text.hpp"

namespace assay::board {
namespace {

std::string p_text(double p) { return p < 0.0001 ? "p < 0.0001" : fmt::format("p = {:.4f}", p); }

std::string percent(double share) { return fmt::format("{:.4g} %", 100 * share); }

// "a", "a and b", "a, b and c"
std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return out;
}

std::string what(const Comparison& c, const WideTable& wide) {
  std::string out = fmt::format("{} methods were compared on {} {}; {} {} is better.", c.methods.size(), c.rows,
                                unit_name(c.unit), c.higher_is_better ? "higher" : "lower", c.quantity);
  if (wide.least_factor > 1)
    out += fmt::format(" A change below a factor of {:g} is no difference (rule 44).", wide.least_factor);
  if (wide.replicates > 1 && c.unit == Unit::samples)
    out += fmt::format(" Each entry is the mean of {:.4g} seeds on one sample: the seeds are taken as they are, and nothing is said "
                       "of others.", wide.replicates);
  else if (wide.replicates > 1)
    out += fmt::format(" Each entry is the mean of {:.4g} seeds: seeds are not data sets, so they were averaged first.",
                       wide.replicates);
  return out;
}

void add_missing(std::vector<std::string>& out, const Comparison& c, const WideTable& wide,
                 const CompareOptions& options) {
  const stats::Completed data = stats::complete(wide.table, options.missing);
  if (!data.dropped.empty())
    out.push_back(fmt::format("Left out, because results are missing there: {} ({} of {} {} remain).",
                              list(data.dropped), c.rows, wide.table.data_sets.size(), unit_name(c.unit)));
  if (data.imputed > 0)
    out.push_back(fmt::format("{} missing {} counted as the worst value of any method in its row.", data.imputed,
                              data.imputed == 1 ? "entry" : "entries"));
}

void add_omnibus(std::vector<std::string>& out, const Comparison& c) {
  if (!c.many || c.many->omnibus == stats::Omnibus::not_needed) return;
  const stats::Friedman& f = c.many->friedman;
  const std::string numbers = fmt::format("F({}, {}) = {}, {}", f.df1, f.df2,
                                          std::isinf(f.f) ? "inf" : fmt::format("{:.2f}", f.f), p_text(f.f_p));
  const bool rejected = c.many->omnibus == stats::Omnibus::rejected;
  out.push_back(fmt::format(
      "Before any pair, Friedman's test on ranks, with the F of Iman and Davenport, asked whether the methods differ "
      "at all: it "
      "{} ({}){}.",
      rejected ? "says they do" : "finds no difference", numbers, rejected ? "" : ", so no pair is called different"));
}

std::string why_test(const Comparison& c) {
  if (c.unit == Unit::data_sets)
    return "it looks at each pair alone, needs no common scale of data sets beyond the order of differences, and "
           "assumes no normal "
           "distribution; equal pairs are ranked as Pratt proposed";
  if (c.test.find("McNemar") != std::string::npos)
    return "every outcome is 0 or 1 and both methods saw the same samples, so only samples that one alone has right "
           "tell them apart";
  return std::string("both methods share the same ") + unit_name(c.unit) +
         ", and exchanging the two values of a pair assumes nothing about their distribution";
}

void add_method(std::vector<std::string>& out, const Comparison& c) {
  std::string text = fmt::format("Pairs were compared by {}, two-sided: {}.", c.test, why_test(c));
  if (c.pairs.size() > 1)
    text += fmt::format(" The p values of all {} pairs were corrected together by Holm's procedure at {}.",
                        c.pairs.size(), percent(c.alpha));
  out.push_back(text);
  if (c.many && c.many->cannot_reject)
    out.push_back(
        fmt::format("{} data sets are too few for this: whatever the values, the smallest possible corrected p exceeds "
                    "{}; {} are needed.",
                    c.rows, c.alpha, c.many->data_sets_needed));
}

std::string size_text(const PairLine& line) {
  return fmt::format("mean difference {} [{}, {}] over {}, {} {}", short_number(line.difference),
                     short_number(line.interval.lo), short_number(line.interval.hi), line.interval.over,
                     line.effect_name, std::isinf(line.effect) ? "inf" : fmt::format("{:.2f}", line.effect));
}

std::string region_text(const PairLine& line, const Comparison& c, const CompareOptions& options) {
  if (!line.practical) return "";
  const auto ends = [](double lo, double hi) { return fmt::format("[{}, {}]", short_number(lo), short_number(hi)); };
  const stats::Equivalence& e = *line.practical;
  const std::string region = ends(options.rope->lo, options.rope->hi);
  const std::string interval =
      fmt::format("its {} t interval, {}{},", percent(e.interval.level), ends(e.interval.lo, e.interval.hi),
                  c.pairs.size() > 1 ? fmt::format(", corrected for {} pairs", c.pairs.size()) : "");
  if (e.verdict == stats::Practical::equivalent)
    return fmt::format(
        " The difference does not matter, they are equivalent by two one-sided t tests: {} lies inside {}.", interval,
        region);
  if (e.verdict == stats::Practical::different)
    return fmt::format(" The difference matters: {} lies outside {}.", interval, region);
  std::string out =
      fmt::format(" Whether the difference matters is undecided: {} crosses the border of {}.", interval, region);
  if (line.needed)
    out += fmt::format(" Finding a difference of that size takes {} {} at power {}.", *line.needed, unit_name(c.unit),
                       percent(options.power));
  return out;
}

std::string pair_text(const PairLine& line, const Comparison& c, const CompareOptions& options) {
  const std::string p = p_text(line.adjusted) + (c.pairs.size() > 1 ? " after Holm" : "");
  if (line.outcome != Outcome::no_difference_found) {
    const bool better = line.outcome == Outcome::better;
    return fmt::format("{} is better than {} ({}, {}).", better ? line.a : line.b, better ? line.b : line.a,
                       size_text(line), p) +
           region_text(line, c, options);
  }
  std::string out =
      fmt::format("No difference was found between {} and {} ({}, {})", line.a, line.b, size_text(line), p);
  const bool equivalent = line.practical && line.practical->verdict == stats::Practical::equivalent;
  out += equivalent ? "." : ", which does not show that they are equivalent.";
  if (line.detectable && !equivalent)
    out += fmt::format(" With {} {}, a difference of {} would be found at power {} ({}).", c.rows, unit_name(c.unit),
                       short_number(*line.detectable), percent(options.power),
                       line.effect_name == "odds ratio" ? "as many samples differing" : "as a t test would");
  return out + region_text(line, c, options);
}

void add_groups(std::vector<std::string>& out, const Comparison& c) {
  for (const auto& names : c.alike)
    if (names.size() > 2) out.push_back("Of " + list(names) + " no pair was told apart.");
  if (c.many && c.methods.size() > 2 && !c.many->drawable)
    out.push_back("No critical-difference diagram is drawn: " + c.many->why_not + ".");
}

}  // namespace

std::vector<std::string> compare_sentences(const Comparison& c, const WideTable& wide, const CompareOptions& options) {
  std::vector<std::string> out{what(c, wide)};
  add_missing(out, c, wide, options);
  add_omnibus(out, c);
  add_method(out, c);
  for (const PairLine& line : c.pairs) out.push_back(pair_text(line, c, options));
  add_groups(out, c);
  if (!c.pairs.empty())
    out.push_back(fmt::format("Intervals are at {} and not corrected for the number of pairs ({}).",
                              percent(1 - c.alpha), c.pairs[0].interval.method));
  return out;
}

}  // namespace assay::board
