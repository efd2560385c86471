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
  void differ(const std::string& what) {
    if (++count_ <= shown) text_ += "\n  " + what;
  }
  std::size_t count() const { return count_; }
  std::string text() const {
    return text_ + (count_ > shown ? "\n  and " + std::to_string(count_ - shown) + " more" : "");
  }

 private:
  std::size_t count_ = 0;
  std::string text_;
};

std::string pair_text(double before, double now) { return "was " + Json(before).dump() + ", is " + Json(now).dump(); }

void compare_values(Comparison& out, const Column& now, const std::vector<std::int64_t>& ids, const std::vector<double>& values) {
  const std::string where = place(now.quantity, now.condition, now.configuration);
  if (ids != now.ids)
    return out.differ(where + ": other units (" + std::to_string(ids.size()) + " before, " + std::to_string(now.ids.size()) + " now)");
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (std::bit_cast<std::uint64_t>(values[i]) != std::bit_cast<std::uint64_t>(now.values[i]))
      out.differ(where + " of " + now.unit + " " + std::to_string(ids[i]) + ": " + pair_text(values[i], now.values[i]));
}

void compare_columns(const Connection& db, std::int64_t attempt, const Journal& outcome, Comparison& out) {
  std::map<std::string, const Column*> unseen;
  for (const Column& c : outcome.columns)
    if (c.grade == "judged") unseen[place(c.quantity, c.condition, c.configuration) + "/" + c.unit] = &c;
  Statement query = db.prepare(
      "SELECT quantity, condition, configuration, unit, n, sha256, ids_z, values_z FROM outcome"
      " WHERE attempt = ?1 AND grade = 'judged' ORDER BY quantity, condition, configuration, unit");
  query.bind(attempt);
  while (query.step()) {
    const std::string where = place(query.text(0), query.text(1), query.text(2));
    const auto at = unseen.find(where + "/" + query.text(3));
    if (at == unseen.end()) {
      out.differ(where + ": was recorded, is missing");
      continue;
    }
    const Column& now = *at->second;
    const auto n = static_cast<std::size_t>(query.integer(4));
    if (query.text(5) != column_digest(now.ids, now.values))
      compare_values(out, now, decode_ids(query.blob(6), n, where), decode_values(query.blob(7), n, where));
    unseen.erase(at);
  }
  // What is left was not recorded before: a newer judge may say more, and that contradicts nothing.
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
      out.differ("score " + where + ": was recorded, is missing");
      continue;
    }
    const double before = query.null(3) ? std::nan("") : query.real(3), now = at->second;
    const bool same = (before != before && now != now) || std::bit_cast<std::uint64_t>(before) == std::bit_cast<std::uint64_t>(now);
    if (!same) out.differ("score " + where + ": " + pair_text(before, now));
    unseen.erase(at);
  }
}

}  // namespace

void require_agreement(const Connection& db, const AttemptIdentity& identity, const Journal& outcome) {
  Statement earlier = db.prepare(
      "SELECT id, n FROM attempt WHERE cell = ?1 AND judgement = ?2 AND numerics = ?3 AND protocol_hash = ?4 AND status = 'ok'"
      " AND level < 2 AND retracted = '' ORDER BY n DESC LIMIT 1");
  if (!earlier.bind(identity.cell, identity.judgement, identity.numerics, identity.protocol).step()) return;
  Comparison found;
  compare_columns(db, earlier.integer(0), outcome, found);
  compare_scores(db, earlier.integer(0), outcome, found);
  if (found.count() == 0) return;
  throw Error(Fault::constraint, "cell '" + identity.label + "': attempt " + std::to_string(identity.n) +
                                     " disagrees with attempt " + std::to_string(earlier.integer(1)) + " under numerics " +
                                     identity.numerics + " (rule 7); nothing was stored:" + found.text());
}

}  // namespace assay::store
