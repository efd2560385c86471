#include "results/board/sentence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "harness/metrics/registry.hpp"
#include "results/board/ranking.hpp"

namespace assay::board {
namespace {

std::string percent(double level) { return fmt::format("{:g} %", level * 100); }

std::string rank_point(const store::SuiteRecord& suite) {
  std::string out = suite.condition.empty() ? "" : " at " + suite.condition;
  if (suite.rank_axes.is_object())
    for (const auto& [axis, value] : suite.rank_axes.as_object())
      out += fmt::format(", {} {}", axis, value.is_string() ? value.as_string() : value.dump());
  return out;
}

std::string ranking(const Board& board, bool lower) {
  if (board.rank == "none") return "Not ranked.";
  const std::string what = board.rank == "subject" ? "Subjects by worst-case " : "Methods by ";
  return fmt::format("{}{}{} ({} is better{}).", what, board.suite.rank_by, rank_point(board.suite), lower ? "lower" : "higher",
                     board.suite.task == "attack" && board.rank == "method" ? " for an attack" : "");
}

std::string statistics(const Board& board, const stats::BootstrapOptions& options) {
  const auto ranked = std::count_if(board.rows.begin(), board.rows.end(), [](const Row& r) { return r.ranked; });
  std::size_t seeds = 0;
  for (const Row& row : board.rows)
    for (const Value& value : row.values) seeds = std::max(seeds, value.per_seed.size());
  std::string out = fmt::format("{}; brackets are {} intervals", seeds == 1 ? "One seed" : "Means over seeds", percent(options.level));
  std::map<std::string, std::set<std::int64_t>> over;  // rule 6: of what, and how many
  for (const Row& row : board.rows)
    for (const Value& value : row.values)
      if (value.interval) over[value.interval->over].insert(value.interval->n);
  const auto counted = [&](const std::string& what) {
    const auto& n = over.at(what);
    return *n.begin() == *n.rbegin() ? fmt::format("{} {}", *n.begin(), what) : fmt::format("{} to {} {}", *n.begin(), *n.rbegin(), what);
  };
  const auto kind = [](const std::string& what) { return what == "seeds" ? "Student's" : "bootstrap"; };
  if (over.size() == 1) out += fmt::format(" over {} ({})", counted(over.begin()->first), kind(over.begin()->first));
  else if (over.size() > 1) out += fmt::format(" over {} (bootstrap; Student's over {} where marked s)", counted("samples"), counted("seeds"));
  out += ".";
  if (ranked < 2) return out;
  out += fmt::format(" Methods that a paired test over samples ({} resamples) and seeds (Student) cannot tell apart at {} share a rank range (Holm over all pairs shown).",
                     options.resamples, percent(options.level));
  return out;
}

// Rule 41. Where every row is marked, one sentence says it better than a remark on each.
std::string shared_times(Board& board) {
  const auto measured = [](const Row& r) { return r.coverage.done > 0; };
  const bool all = std::any_of(board.rows.begin(), board.rows.end(), measured) &&
                   std::all_of(board.rows.begin(), board.rows.end(), [&](const Row& r) { return !measured(r) || r.cost.shared; });
  if (!all) return "";
  for (Row& row : board.rows) row.notes.erase(std::remove(row.notes.begin(), row.notes.end(), shared_note), row.notes.end());
  return " Times were taken under shared load and are never ranked.";
}

// Rule 5, likewise.
std::string single_runs(Board& board) {
  const auto measured = [](const Row& r) { return r.coverage.done > 0 && !r.baseline; };
  const bool all = std::any_of(board.rows.begin(), board.rows.end(), measured) &&
                   std::all_of(board.rows.begin(), board.rows.end(), [&](const Row& r) { return !measured(r) || r.single_run; });
  if (!all) return "";
  for (Row& row : board.rows) std::erase_if(row.notes, [](const std::string& note) { return note.starts_with(single_run); });
  return std::string(" Every row is a single run (fewer than 3 seeds, rule 5)") +
         (board.rank == "none" ? "." : ": in order of the numbers, and not ranked.");
}

// Which way is better. A board of attacks reads what is said of a model the other way round.
std::string direction_of(const metrics::MetricInfo& info, bool lower) {
  if (info.direction == metrics::Direction::none) return "";
  const char* const way[] = {"lower", "higher"};
  const bool higher = info.higher_is_better();
  if (higher != lower) return fmt::format("; {} is better", way[higher ? 1 : 0]);
  return fmt::format("; {} is better for a model, {} for an attack", way[higher ? 1 : 0], way[higher ? 0 : 1]);
}

// Everything that the registry says of a metric, so that a number can be read without another page.
std::string definition_of(const metrics::MetricInfo& info, bool lower) {
  std::string out = info.id + ": " + info.definition;
  if (!info.rule.empty()) out += "; " + info.rule;
  out += direction_of(info, lower);
  const bool low = std::isfinite(info.min), high = std::isfinite(info.max);
  if (low && high) out += fmt::format("; in [{:g}, {:g}]", info.min, info.max);
  else if (low) out += fmt::format("; at least {:g}", info.min);
  if (!info.citation.empty()) out += "; " + info.citation;
  return out + ".";
}

}  // namespace

void describe(Board& board, bool lower_is_better, const stats::BootstrapOptions& options) {
  board.sentence = ranking(board, lower_is_better) + " " + statistics(board, options) + single_runs(board) + shared_times(board);
  std::set<std::string> seen;
  for (const Metric& metric : board.metrics) {
    const auto* info = metrics::find(metric.quantity);
    if (info == nullptr || !seen.insert(metric.quantity).second) continue;
    board.footnotes.push_back(definition_of(*info, board::lower_is_better(info->id, board.suite.task, board.rank)));
  }
}

}  // namespace assay::board
