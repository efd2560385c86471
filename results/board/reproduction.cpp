#include "results/board/reproduction.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <fmt/format.h>

#include "results/stats/many.hpp"
#include "results/stats/paired.hpp"

namespace assay::board {
namespace {

constexpr int repeat_rule = 7, first_clock_rule = 40, last_clock_rule = 44;
constexpr double least_spread = 0.01;  // of the mean
constexpr std::size_t shown = 3;  // deviations that a sentence names

bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

bool zero_or_one(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return v == 0 || v == 1; });
}

// Mean of the differences in units of the spread before. A column that hardly spreads (distances that are all the radius)
// is measured against its size instead, or a rounding would look large.
double standardized(const std::vector<double>& before, const std::vector<double>& now) {
  const double mean = mean_of(before);
  double squares = 0, difference = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    squares += (before[i] - mean) * (before[i] - mean);
    difference += now[i] - before[i];
  }
  if (difference == 0) return 0;
  const auto n = static_cast<double>(before.size());
  const double spread = std::max(std::sqrt(squares / n), least_spread * std::abs(mean));
  return spread > 0 ? difference / n / spread : std::copysign(std::numeric_limits<double>::infinity(), difference);
}

Deviation named(const Column& column) {
  Deviation out;
  out.quantity = column.quantity;
  out.condition = column.condition;
  out.configuration = column.configuration;
  out.unit = column.unit;
  out.n = static_cast<std::int64_t>(column.ids.size());
  return out;
}

Deviation missing(const Column& column, const char* trouble) {
  Deviation out = named(column);
  out.trouble = trouble;
  return out;
}

Deviation column_deviation(const Column& before, const Column& now) {
  Deviation out = named(before);
  if (before.ids != now.ids) {
    out.trouble = fmt::format("other units ({} before, {} now)", before.ids.size(), now.ids.size());
    return out;
  }
  for (std::size_t i = 0; i < before.values.size(); ++i) {
    const double was = before.values[i], is = now.values[i];
    if (same_bits(was, is)) continue;
    ++out.differing;
    const bool finite = std::isfinite(was) && std::isfinite(is);
    out.largest = std::max(out.largest, finite ? std::abs(is - was) : std::numeric_limits<double>::infinity());
    out.lost += was > is;
    out.gained += is > was;
  }
  out.before = mean_of(before.values);
  out.now = mean_of(now.values);
  out.flips = zero_or_one(before.values) && zero_or_one(now.values);
  if (out.flips) out.p = stats::mcnemar(out.lost, out.gained).p;
  out.moved = out.flips ? out.now - out.before : standardized(before.values, now.values);
  return out;
}

void compare_columns(const Rerun& before, const Rerun& now, Reproduction& out) {
  std::map<std::string, store::OutcomeColumn> unseen;
  for (store::OutcomeColumn& column : now.db.outcomes(now.attempt.id))
    if (column.grade == "judged") unseen[named(column).place() + "/" + column.unit] = std::move(column);
  for (const store::OutcomeColumn& column : before.db.outcomes(before.attempt.id)) {
    if (column.grade != "judged") continue;
    ++out.columns;
    out.units = std::max(out.units, static_cast<std::int64_t>(column.ids.size()));
    const auto found = unseen.find(named(column).place() + "/" + column.unit);
    if (found == unseen.end()) {
      out.deviations.push_back(missing(column, "was recorded, is missing now"));
      continue;
    }
    if (found->second.sha256 != column.sha256) out.deviations.push_back(column_deviation(column, found->second));
    unseen.erase(found);
  }
  for (const auto& [name, column] : unseen) out.deviations.push_back(missing(column, "was not recorded, is there now"));
}

Deviation named(const store::ScoreRecord& score) {
  Deviation out;
  out.quantity = score.quantity;
  out.condition = score.condition;
  out.configuration = score.configuration;
  out.n = score.n;
  return out;
}

void compare_scores(const Rerun& before, const Rerun& now, Reproduction& out) {
  std::map<std::string, const store::ScoreRecord*> unseen;
  for (const store::ScoreRecord& score : now.attempt.scores)
    if (score.grade == "judged") unseen[named(score).place()] = &score;
  for (const store::ScoreRecord& score : before.attempt.scores) {
    if (score.grade != "judged") continue;
    ++out.scores;
    Deviation one = named(score);
    one.before = score.value;
    const auto found = unseen.find(one.place());
    if (found == unseen.end()) {
      one.trouble = "was recorded, is missing now";
      out.deviations.push_back(std::move(one));
      continue;
    }
    one.now = found->second->value;
    unseen.erase(found);
    if (same_bits(one.before, one.now)) continue;
    one.differing = 1;
    one.largest = std::abs(one.now - one.before);
    out.deviations.push_back(std::move(one));
  }
  for (const auto& [name, score] : unseen) {
    Deviation one = named(*score);
    one.now = score->value;
    one.trouble = "was not recorded, is there now";
    out.deviations.push_back(std::move(one));
  }
}

// What an earlier comparison said, and what the clock did: no part of what is compared.
bool is_apart(const store::VerdictRecord& one) {
  return one.rule == repeat_rule || (one.rule >= first_clock_rule && one.rule <= last_clock_rule);
}

// Levels and rules; the words too where the same bits are asked for, as they hold numbers.
std::set<std::string> verdicts_of(const store::AttemptRecord& attempt, bool words) {
  std::set<std::string> out;
  for (const store::VerdictRecord& one : attempt.verdicts)
    if (!is_apart(one))
      out.insert(fmt::format("{} (rule {}){}", store::level_name(one.level), one.rule, words ? ": " + one.reason : ""));
  return out;
}

void compare_ends(const store::AttemptRecord& before, const store::AttemptRecord& now, Reproduction& out) {
  if (before.status != now.status) out.reasons.push_back(fmt::format("ended {} before, {} now{}", before.status, now.status,
                                                                     now.reason.empty() ? "" : " (" + now.reason + ")"));
  const auto then = verdicts_of(before, out.exact), here = verdicts_of(now, out.exact);
  for (const std::string& one : then)
    if (here.count(one) == 0) out.reasons.push_back("was " + one + ", is not now");
  for (const std::string& one : here)
    if (then.count(one) == 0) out.reasons.push_back("is " + one + ", was not before");
}

// Files by name that both runs left. Another class's rounding changes a model's bytes, so only equal classes are asked.
void compare_files(const Rerun& before, const Rerun& now, Reproduction& out) {
  std::map<std::string, std::string> made;
  for (const store::ArtifactRecord& one : now.db.artifacts(now.attempt.id))
    if (one.made) made[one.name] = one.sha256;
  for (const store::ArtifactRecord& one : before.db.artifacts(before.attempt.id))
    if (const auto found = made.find(one.name); one.made && found != made.end() && found->second != one.sha256)
      out.reasons.push_back("left other bytes in " + one.name);
}

// What another class may do: flips without a direction, and shifts far below the spread.
void explain(Reproduction& out) {
  std::vector<double> p;
  for (const Deviation& one : out.deviations)
    if (one.p) p.push_back(*one.p);
  const std::vector<double> corrected = p.empty() ? p : stats::holm(p);
  std::size_t next = 0;
  for (Deviation& one : out.deviations) {
    if (one.p) one.p = corrected[next++];
    if (!one.trouble.empty()) continue;
    if (one.unit.empty())
      one.explained = one.n > 1 || std::abs(one.now - one.before) <= moved_share * std::abs(one.before);
    else
      one.explained = one.flips ? *one.p >= flip_level : std::abs(one.moved) <= moved_deviations;
  }
}

}  // namespace

const char* sameness_name(Sameness sameness) {
  return sameness == Sameness::identical ? "identical" : sameness == Sameness::equivalent ? "equivalent" : "different";
}

std::string Deviation::place() const {
  return quantity + (condition.empty() ? "" : " @ " + condition) + (configuration.empty() ? "" : " [" + configuration + "]");
}

std::string Deviation::says() const {
  if (!trouble.empty()) return place() + ": " + trouble;
  if (unit.empty()) return fmt::format("{}: {} before, {} now", place(), before, now);
  std::string text = fmt::format("{}: {} of {} {}s", place(), differing, n, unit);
  if (!flips) return text + fmt::format(", by up to {:.3g} (mean moved by {:.3g} standard deviations)", largest, moved);
  return text + fmt::format(" flipped, {} lost and {} gained (McNemar p = {:.3g})", lost, gained, p.value_or(1));
}

Json Deviation::to_json() const {
  Json out = Json::object({{"quantity", quantity}, {"condition", condition}, {"configuration", configuration}, {"n", n},
                           {"explained", explained}, {"says", says()}});
  out["unit"] = unit.empty() ? Json() : Json(unit);
  if (!trouble.empty()) {
    out["trouble"] = trouble;
    return out;
  }
  out["before"] = before;
  out["now"] = now;
  out["differing"] = differing;
  out["largest"] = largest;
  if (unit.empty()) return out;
  out["moved"] = moved;
  if (!flips) return out;
  out["lost"] = lost;
  out["gained"] = gained;
  out["p"] = p.value_or(1);
  return out;
}

void Reproduction::object(const std::string& reason) {
  reasons.push_back(reason);
  sameness = Sameness::different;
}

std::string Reproduction::says() const {
  const std::string compared = fmt::format("{} columns of up to {} units and {} scores", columns, units, scores);
  const std::string classes = same_class ? "numerics " + numerics_now : fmt::format("numerics {} before, {} now", numerics_before, numerics_now);
  std::string text = fmt::format("{}: {}", sameness_name(sameness), compared);
  if (sameness == Sameness::identical) return text + ", every byte (" + classes + ")";
  text += fmt::format(", {} of them not the same ({})", deviations.size(), classes);
  // What no class explains is told first.
  std::vector<std::string> told = reasons;
  for (const bool explained : {false, true})
    for (const Deviation& one : deviations)
      if (one.explained == explained) told.push_back(one.says());
  for (std::size_t i = 0; i < told.size() && i < shown; ++i) text += "; " + told[i];
  if (told.size() > shown) text += fmt::format("; and {} more", told.size() - shown);
  return text;
}

Json Reproduction::to_json() const {
  Json list = Json::array();
  for (const Deviation& one : deviations) list.push_back(one.to_json());
  return Json::object({{"verdict", sameness_name(sameness)},
                       {"says", says()},
                       {"same_class", same_class},
                       {"exact", exact},
                       {"numerics", Json::object({{"before", numerics_before}, {"now", numerics_now}})},
                       {"columns", columns},
                       {"units", units},
                       {"scores", scores},
                       {"reasons", Json(reasons)},
                       {"deviations", list}});
}

Reproduction compare_runs(const Rerun& before, const Rerun& now, bool clock_bounded) {
  Reproduction out;
  out.numerics_before = before.attempt.numerics;
  out.numerics_now = now.attempt.numerics;
  out.same_class = out.numerics_before == out.numerics_now;
  out.exact = out.same_class && !clock_bounded;
  compare_ends(before.attempt, now.attempt, out);
  compare_columns(before, now, out);
  compare_scores(before, now, out);
  if (out.exact) compare_files(before, now, out);
  else explain(out);
  const bool unexplained = std::any_of(out.deviations.begin(), out.deviations.end(), [](const Deviation& d) { return !d.explained; });
  if (unexplained || !out.reasons.empty()) out.sameness = Sameness::different;
  else if (!out.exact) out.sameness = Sameness::equivalent;
  return out;
}

}  // namespace assay::board
