// Second runs of recorded cells, and where a cell was planned.
#include "harness/base/error.hpp"
#include "results/store/impl.hpp"

namespace assay::store {
namespace {

constexpr int repeat_rule = 7;

// The judge did not say it, but it is a verdict on the attempt like the judge's own; once is enough.
void make_suspect(const Connection& db, std::int64_t attempt, const std::string& reason) {
  Statement known = db.prepare("SELECT 1 FROM verdict WHERE attempt = ?1 AND rule = ?2");
  if (known.bind(attempt, repeat_rule).step()) return;
  db.prepare("INSERT INTO verdict SELECT ?1, (SELECT coalesce(max(place), -1) + 1 FROM verdict WHERE attempt = ?1), ?2, ?3, ?4")
      .run(attempt, static_cast<int>(Level::suspect), repeat_rule, reason);
  db.prepare("UPDATE attempt SET level = max(level, ?2) WHERE id = ?1").run(attempt, static_cast<int>(Level::suspect));
}

}  // namespace

void Store::add_repeat(std::int64_t attempt, const RepeatRecord& r) {
  impl_->need_write("record a repetition");
  const Connection& db = impl_->db;
  Transaction transaction(db);
  Statement known = db.prepare("SELECT 1 FROM attempt WHERE id = ?1");
  if (!known.bind(attempt).step()) throw Error(Fault::bad_input, "repeat: no attempt with id " + std::to_string(attempt));
  db.prepare("INSERT INTO repeat_run SELECT ?1, (SELECT coalesce(max(place), -1) + 1 FROM repeat_run WHERE attempt = ?1),"
             " ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10")
      .run(attempt, r.verdict, r.says, r.machine, r.build, r.numerics, r.columns, r.units, r.scores,
           r.deviations.is_null() ? std::string("[]") : r.deviations.dump());
  if (r.verdict == "different") make_suspect(db, attempt, "run again, the same cell gave other outcomes: " + r.says);
  transaction.commit();
}

std::vector<RepeatRecord> Store::repeats(std::int64_t attempt) const {
  Statement query = impl_->db.prepare(
      "SELECT verdict, says, machine, build, numerics, columns, units, scores, deviations_json FROM repeat_run WHERE attempt = ?1"
      " ORDER BY place");
  query.bind(attempt);
  std::vector<RepeatRecord> out;
  while (query.step())
    out.push_back({query.text(0), query.text(1), query.text(2), query.text(3), query.text(4), query.integer(5), query.integer(6),
                   query.integer(7), Json::parse(query.text(8), "database")});
  return out;
}

std::vector<PlannedIn> Store::planned_in(std::int64_t cell) const {
  Statement query = impl_->db.prepare(
      "SELECT s.name, p.file, p.file_sha256, p.protocol_hash FROM plan_cell pc JOIN plan p ON p.id = pc.plan"
      " JOIN suite s ON s.id = p.suite WHERE pc.cell = ?1 ORDER BY p.used DESC, p.id DESC");
  query.bind(cell);
  std::vector<PlannedIn> out;
  while (query.step()) out.push_back({query.text(0), query.text(1), query.text(2), query.text(3)});
  return out;
}

}  // namespace assay::store
