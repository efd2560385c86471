#include "results/store/agreement.hpp"

#include <bit>
#include <cmath>
#include <map>

#include "harness/base/error.hpp"
#include "results/store/encoding.hpp"

namespace assay::store {
namespace {

constexpr std::size_t shown = 3;  // differences that a message names

std::string place(const std::string& quantity, const std::string& condition, const std::string& configuration) {
  return quantity + (condition.empty() ? "" : " @ " + condition) + (configuration.empty() ? "" : " [" + configuration + "]");
}

class Comparison {
 public:
  explicit Comparison(const Sides& sides) : sides_(sides) {}
  const Sides& sides() const { return sides_; }
  std::string pair(const std::string& before, const std::string& now) const {
    return sides_.before + before + ", " + sides_.now + now;
  }
  void differ(const std::string& what) {
    if (++count_ <= shown) text_ += "\n  " + what;
  }
  std::string text() const {
    return text_ + (count_ > shown ? "\n  and " + std::to_string(count_ - shown) + " more" : "");
  }

 private:
  const Sides& sides_;
  std::size_t count_ = 0;
  std::string text_;
};

std::string pair_text(const Comparison& out, double before, double now) { return out.pair(Json(before).dump(), Json(now).dump()); }

void compare_values(Comparison& out, const Column& now, const std::vector<std::int64_t>& ids, const std::vector<double>& values) {
  const std::string where = place(now.quantity, now.condition, now.configuration);
  if (ids != now.ids)
    return out.differ(where + ": other units (" + out.pair(std::to_string(ids.size()), std::to_string(now.ids.size())) + ")");
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (std::bit_cast<std::uint64_t>(values[i]) != std::bit_cast<std::uint64_t>(now.values[i]))
      out.differ(where + " of " + now.unit + " " + std::to_string(ids[i]) + ": " + pair_text(out, values[i], now.values[i]));
}

void compare_columns(const Connection& db, std::int64_t attempt, const Journal& outcome, Comparison& out) {
  std::map<std::string, const Column*> unseen;
  for (const Column& c : outcome.columns)
    if (c.grade == "judged") unseen[place(c.quantity, c.condition, c.configuration) + "/" + c.unit] = &c;
  Statement query = db.prepare(
      "SELECT quantity, condition, configuration, unit, n, sha256, ids_z, values_z FROM outcome_column"
      " WHERE attempt = ?1 AND grade = 'judged' ORDER BY quantity, condition, configuration, unit");
  query.bind(attempt);
  while (query.step()) {
    const std::string where = place(query.text(0), query.text(1), query.text(2));
    const auto at = unseen.find(where + "/" + query.text(3));
    if (at == unseen.end()) {
      out.differ(where + ": " + out.sides().only_before);
      continue;
    }
    const Column& now = *at->second;
    const auto n = static_cast<std::size_t>(query.integer(4));
    if (query.text(5) != column_digest(now.ids, now.values))
      compare_values(out, now, decode_ids(query.blob(6), n, where), decode_values(query.blob(7), n, where));
    unseen.erase(at);
  }
  if (out.sides().only_now.empty()) return;
  for (const auto& [name, column] : unseen) out.differ(name + ": " + out.sides().only_now);
}

void compare_scores(const Connection& db, std::int64_t attempt, const Journal& outcome, Comparison& out) {
  std::map<std::string, double> unseen;
  for (const ScoreRecord& s : outcome.scores)
    if (s.grade == "judged") unseen[place(s.quantity, s.condition, s.configuration)] = s.value;
  Statement query = db.prepare(
      "SELECT quantity, condition, configuration, value FROM score WHERE attempt = ?1 AND grade = 'judged'"
      " ORDER BY quantity, condition, configuration");
  query.bind(attempt);
  while (query.step()) {
    const std::string where = place(query.text(0), query.text(1), query.text(2));
    const auto at = unseen.find(where);
    if (at == unseen.end()) {
      out.differ("score " + where + ": " + out.sides().only_before);
      continue;
    }
    const double before = query.null(3) ? std::nan("") : query.real(3), now = at->second;
    const bool same = (before != before && now != now) || std::bit_cast<std::uint64_t>(before) == std::bit_cast<std::uint64_t>(now);
    if (!same) out.differ("score " + where + ": " + pair_text(out, before, now));
    unseen.erase(at);
  }
  if (out.sides().only_now.empty()) return;
  for (const auto& [name, value] : unseen) out.differ("score " + name + ": " + out.sides().only_now);
}

}  // namespace

std::string disagreement(const Connection& db, std::int64_t attempt, const Journal& outcome, const Sides& sides) {
  Comparison found(sides);
  compare_columns(db, attempt, outcome, found);
  compare_scores(db, attempt, outcome, found);
  return found.text();
}

std::int64_t comparable_attempt(const Connection& db, const AttemptIdentity& identity) {
  const auto last = db.cached(
      "SELECT id FROM attempt WHERE cell = ?1 AND judgement = ?2 AND numerics = ?3 AND protocol_hash = ?4 AND status = 'ok'"
      " AND level < 2 AND retracted = '' ORDER BY n DESC LIMIT 1");
  return last->bind(identity.cell, identity.judgement, identity.numerics, identity.protocol).step() ? last->integer(0) : 0;
}

void require_agreement(const Connection& db, const AttemptIdentity& identity, const Journal& outcome) {
  const std::int64_t earlier = comparable_attempt(db, identity);
  if (earlier == 0) return;
  const std::string text = disagreement(db, earlier, outcome, Sides{});
  if (text.empty()) return;
  throw Error(Fault::constraint, "cell '" + identity.label + "': attempt " + std::to_string(identity.n) +
                                     " disagrees with attempt " +
                                     std::to_string(db.number("SELECT n FROM attempt WHERE id = " + std::to_string(earlier))) +
                                     " under numerics " + identity.numerics + " (rule 7); nothing was stored:" + text);
}

Journal stored_outcome(const Connection& db, std::int64_t attempt) {
  Journal outcome;
  Statement column = db.prepare(
      "SELECT quantity, condition, configuration, unit, grade, n, ids_z, values_z FROM outcome_column WHERE attempt = ?1");
  column.bind(attempt);
  while (column.step()) {
    const std::string where = place(column.text(0), column.text(1), column.text(2));
    const auto n = static_cast<std::size_t>(column.integer(5));
    outcome.columns.push_back({column.text(0), column.text(1), column.text(2), column.text(3), column.text(4),
                               decode_ids(column.blob(6), n, where), decode_values(column.blob(7), n, where)});
  }
  Statement score = db.prepare("SELECT quantity, condition, configuration, grade, value, n FROM score WHERE attempt = ?1");
  score.bind(attempt);
  while (score.step())
    outcome.scores.push_back({score.text(0), score.text(1), score.text(2), score.text(3),
                              score.null(4) ? std::nan("") : score.real(4), score.integer(5), {}});
  return outcome;
}

}  // namespace assay::store
