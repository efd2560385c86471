// Verdicts as text, markdown and JSON.
#include <fmt/format.h>

#include <cmath>

#include "harness/base/error.hpp"
#include "results/board/text.hpp"
#include "results/claims/claims.hpp"

namespace assay::claims {
namespace {

std::string p_text(double p) { return p < 0.0001 ? "< 0.0001" : fmt::format("{:.4f}", p); }

std::string tested_text(const Verdict& v) {
  if (!v.effect) return "";
  std::string out = v.test;
  if (v.comparisons > 1) out += fmt::format(", {} comparisons", v.comparisons);
  if (v.p) out += fmt::format("; p {}", p_text(*v.p));
  if (v.p_holm && *v.p_holm != *v.p) out += fmt::format(", corrected {}", p_text(*v.p_holm));
  return out;
}

std::string why_text(const Verdict& v) {
  const std::string needs = needs_text(v);
  return v.reason + (needs.empty() ? "" : (v.reason.empty() ? "" : "; ") + needs);
}

std::string summary_text(const std::vector<Verdict>& verdicts) {
  std::string out = fmt::format("{} claim{}: ", verdicts.size(), verdicts.size() == 1 ? "" : "s");
  std::string parts;
  std::size_t tested = 0;
  for (const Outcome outcome : {Outcome::reproduced, Outcome::not_reproduced, Outcome::inconclusive, Outcome::nothing}) {
    std::size_t n = 0;
    for (const Verdict& v : verdicts) n += v.outcome == outcome;
    if (n > 0) parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", n, outcome_name(outcome));
  }
  for (const Verdict& v : verdicts) tested += v.p.has_value();
  out += parts.empty() ? "none" : parts;
  if (tested > 1)
    out += fmt::format(". Each verdict is at its own level; the corrected p is Holm's over all {} that were tested", tested);
  return out + "\n";
}

std::string text_of(const std::vector<Verdict>& verdicts) {
  std::string out, suite;
  for (const Verdict& v : verdicts) {
    if (v.suite != suite) out += (out.empty() ? "" : "\n") + v.suite + "\n";
    suite = v.suite;
    out += fmt::format("  {:<15} {}{}\n", outcome_name(v.outcome), v.claim.id, v.claim.gate ? "" : " (reported only)");
    const auto detail = [&](const std::string& text) {
      if (!text.empty()) out += fmt::format("  {:<15} {}\n", "", text);
    };
    detail(v.claim.says);
    detail(numbers_text(v));
    detail(tested_text(v));
    detail(why_text(v));
    for (const std::string& note : v.notes) detail("note: " + note);
  }
  return out + (out.empty() ? "" : "\n") + summary_text(verdicts);
}

std::string escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string markdown_of(const std::vector<Verdict>& verdicts) {
  std::string out = "| suite | claim | verdict | effect | interval | test | remarks |\n|---|---|---|--:|---|---|---|\n";
  for (const Verdict& v : verdicts) {
    std::string remarks = why_text(v);
    for (const std::string& note : v.notes) remarks += (remarks.empty() ? "" : "; ") + note;
    const std::string interval =
        v.interval ? fmt::format("[{:.4g}, {:.4g}] {:.4g} %{}", v.interval->lo, v.interval->hi, v.interval->level * 100,
                                 v.interval->over.empty() ? "" : fmt::format(", {}, n = {}", v.interval->over, v.interval->n))
                   : "";
    out += fmt::format("| {} | `{}`: {}{} | {} | {} | {} | {} | {} |\n", v.suite, v.claim.id, escaped(v.claim.says),
                       v.claim.gate ? "" : " (reported only)", outcome_name(v.outcome), v.effect ? fmt::format("{:.4g}", *v.effect) : "",
                       interval, tested_text(v), escaped(remarks));
  }
  return out + "\n" + summary_text(verdicts);
}

Json real(const std::optional<double>& value) { return value && std::isfinite(*value) ? Json(*value) : Json(); }
Json whole(const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(); }

}  // namespace

std::string numbers_text(const Verdict& v) {
  if (!v.effect || !v.interval) return "";
  std::string over = fmt::format("{:.4g} %", v.interval->level * 100);
  if (!v.interval->over.empty()) over += fmt::format(", over {}, n = {}", v.interval->over, v.interval->n);
  const bool samples_too = v.interval->over == "samples and seeds" && v.samples > 0;
  if (samples_too) over += fmt::format(" and {}", v.samples);
  return fmt::format("effect {:.4g} [{:.4g}, {:.4g}] ({})", *v.effect, v.interval->lo, v.interval->hi, over);
}

std::string needs_text(const Verdict& v) {
  if (v.outcome != Outcome::inconclusive) return "";
  const std::string power = fmt::format(" for a decision with power {:g}, if the effect stays", v.claim.power);
  if (v.more_seeds && *v.more_seeds > 0) return fmt::format("{} more seed{}{}", *v.more_seeds, *v.more_seeds == 1 ? "" : "s", power);
  if (v.more_samples) return fmt::format("no number of seeds decides it; {} more samples{}", *v.more_samples, power);
  return v.more_seeds ? "" : "neither more seeds alone nor more samples alone decide it";
}

std::string line(const Verdict& v) {
  std::string out = fmt::format("{:<15} {}{}", outcome_name(v.outcome), v.claim.id, v.claim.gate ? "" : " (reported only)");
  for (const std::string& part : {numbers_text(v), why_text(v)})
    if (!part.empty()) out += ": " + part;
  return out;
}

Json to_json(const Verdict& v) {
  Json interval;
  if (v.interval)
    interval = Json::object({{"lo", real(v.interval->lo)}, {"hi", real(v.interval->hi)}, {"level", v.interval->level},
                             {"over", v.interval->over}, {"n", v.interval->n}, {"method", v.interval->method}});
  return Json::object({{"suite", v.suite},
                       {"protocol", v.protocol},
                       {"id", v.claim.id},
                       {"says", v.claim.says},
                       {"expect", v.claim.expect},
                       {"given", v.claim.given},
                       {"gate", v.claim.gate},
                       {"verdict", outcome_name(v.outcome)},
                       {"reason", v.reason},
                       {"effect", real(v.effect)},
                       {"interval", interval},
                       {"p", real(v.p)},
                       {"p_holm", real(v.p_holm)},
                       {"test", v.test},
                       {"comparisons", v.comparisons},
                       {"seeds", v.seeds},
                       {"samples", v.samples},
                       {"power", v.claim.power},
                       {"more_seeds", whole(v.more_seeds)},
                       {"more_samples", whole(v.more_samples)},
                       {"notes", v.notes}});
}

Format parse_format(const std::string& name) {
  if (name == "table") return Format::table;
  if (name == "markdown") return Format::markdown;
  if (name == "json") return Format::json;
  throw Error(Fault::bad_input, "unknown format '" + name + "'" + suggestion(name, {"table", "markdown", "json"}));
}

std::string format(const std::vector<Verdict>& verdicts, Format kind) {
  if (kind == Format::table) return text_of(verdicts);
  if (kind == Format::markdown) return markdown_of(verdicts);
  Json all = Json::array();
  for (const Verdict& v : verdicts) all.push_back(to_json(v));
  return all.dump(2) + "\n";
}

}  // namespace assay::claims
