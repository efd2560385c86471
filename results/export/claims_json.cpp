// Verdicts and critical differences as data of the pages.
#include <fmt/format.h>

#include <cmath>

#include "results/board/data_sets.hpp"
#include "results/export/chunks.hpp"
#include "results/export/sections.hpp"

namespace assay::site {

Json claims_json(const BoardData& data) {
  Json out = Json::array();
  for (const claims::Verdict& v : data.claims) {
    std::string detail = claims::numbers_text(v);
    const auto add = [&](const std::string& text) {
      if (!text.empty()) detail += (detail.empty() ? "" : "; ") + text;
    };
    add(v.reason);
    add(claims::needs_text(v));
    for (const std::string& note : v.notes) add(note);
    out.push_back(Json::object({{"suite", v.suite},
                                {"board", data.id},
                                {"id", v.claim.id},
                                {"says", v.claim.says},
                                {"expect", v.claim.expect},
                                {"test", v.test.empty() ? v.claim.test : v.test},
                                {"gate", v.claim.gate},
                                {"verdict", claims::outcome_name(v.outcome)},
                                {"detail", detail},
                                {"effect", v.effect ? number(*v.effect) : Json()},
                                {"lo", v.interval ? number(v.interval->lo) : Json()},
                                {"hi", v.interval ? number(v.interval->hi) : Json()}}));
  }
  return out;
}

namespace {

constexpr std::size_t least_data_sets = 5;  // rule 47

Json no_diagram(const char* status, const std::string& reason, std::size_t data_sets) {
  return Json::object({{"status", status},
                       {"reason", reason},
                       {"datasets", static_cast<std::int64_t>(data_sets)},
                       {"ranks", Json::array()},
                       {"cliques", Json::array()}});
}

std::string test_text(const stats::ManyComparison& many) {
  std::string out;
  if (many.omnibus != stats::Omnibus::not_needed) {
    const std::string f = std::isinf(many.friedman.f) ? "inf" : fmt::format("{:.2f}", many.friedman.f);
    out = fmt::format("Friedman's test with the F of Iman and Davenport: F({}, {}) = {}, p = {:.4f}. ", many.friedman.df1,
                      many.friedman.df2, f, many.friedman.f_p);
  }
  return out + fmt::format("Pairs by Wilcoxon's signed ranks, corrected by Holm over {} at 5 %", many.pairs.size());
}

}  // namespace

Json critical_difference(const board::Board& board) {
  const stats::Table table = board::data_set_table(board);
  if (table.methods.size() < 2) return no_diagram("too_few", "fewer than two methods are ranked", table.data_sets.size());
  if (table.data_sets.size() < least_data_sets)
    return no_diagram("too_few",
                      fmt::format("{} data set{}; a critical-difference diagram needs at least 5 (rule 47)", table.data_sets.size(),
                                  table.data_sets.size() == 1 ? "" : "s"),
                      table.data_sets.size());
  stats::ManyOptions options;
  options.missing = stats::Missing::drop_data_set;
  const auto kept = stats::complete(table, options.missing).data_sets.size();
  if (kept < least_data_sets)
    return no_diagram("too_few", fmt::format("only {} data sets have results of every method; at least 5 are needed (rule 47)", kept), kept);
  const stats::ManyComparison many = stats::compare_many(table, options);
  if (many.omnibus == stats::Omnibus::not_rejected)
    return no_diagram("no_difference", "no method was told apart from another: " + test_text(many), kept);
  Json ranks = Json::array(), cliques = Json::array();
  for (const std::size_t m : many.order)
    ranks.push_back(Json::object({{"method", table.methods[m]}, {"rank", many.ranks[m]}}));
  for (const auto& clique : many.cliques) {
    if (clique.size() < 2) continue;
    Json names = Json::array();
    for (const std::size_t m : clique) names.push_back(table.methods[m]);
    cliques.push_back(names);
  }
  std::string reason = test_text(many) + ".";
  if (!many.data.dropped.empty())
    reason += fmt::format(" {} of {} data sets lack a method and are left out.", many.data.dropped.size(), table.data_sets.size());
  if (many.cannot_reject)
    reason += fmt::format(" {} data sets are too few for the corrected test to tell any pair apart; {} are needed.", kept, many.data_sets_needed);
  return Json::object({{"status", "ok"}, {"reason", reason}, {"datasets", static_cast<std::int64_t>(kept)}, {"ranks", ranks}, {"cliques", cliques}});
}

}  // namespace assay::site
