// Merging: what another database of the same schema holds, row by row under new numbers. Rows are found again by what
// names them (digest, generation, protocol hash), never by their number.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "harness/base/error.hpp"
#include "results/store/agreement.hpp"
#include "results/store/impl.hpp"

namespace assay::store {
namespace {

constexpr std::size_t conflicts_shown = 10;

using Numbers = std::map<std::int64_t, std::int64_t>;  // row ids: there -> here

int column_of(const Statement& row, std::string_view name) {
  for (int i = 0; i < row.columns(); ++i)
    if (row.name(i) == name) return i;
  throw Error(Fault::internal, "merge: no column '" + std::string(name) + "'");
}

std::string text_of(const Statement& row, std::string_view name) { return row.text(column_of(row, name)); }
std::int64_t integer_of(const Statement& row, std::string_view name) { return row.integer(column_of(row, name)); }

// Copies rows of `SELECT * FROM table` by the names of their columns, so that those of later migrations come along. Columns
// in `own` get numbers of this database; with `numbered` the column "id" is left to SQLite.
class RowCopy {
 public:
  RowCopy(const Connection& to, const std::string& table, const Statement& row, const std::vector<std::string>& own,
          bool numbered = false)
      : to_(to), own_(own.size(), 0), insert_(to, sql(table, row, own, numbered)) {}

  // The new row's id. A value of `own` that is not given stays what it was (NULL).
  std::int64_t operator()(const Statement& row, const std::vector<std::optional<std::int64_t>>& own) {
    insert_.rewind();
    for (std::size_t at = 0; at < columns_.size(); ++at) insert_.set(static_cast<int>(at) + 1, row, columns_[at]);
    for (std::size_t i = 0; i < own.size(); ++i)
      if (own[i]) insert_.set(own_[i], *own[i]);
    insert_.run();
    return to_.last_id();
  }

 private:
  std::string sql(const std::string& table, const Statement& row, const std::vector<std::string>& own, bool numbered) {
    std::string names, marks;
    for (int i = 0; i < row.columns(); ++i) {
      const std::string name = row.name(i);
      if (numbered && name == "id") continue;
      columns_.push_back(i);
      const auto mark = static_cast<int>(columns_.size());
      names += (names.empty() ? "" : ", ") + name;
      marks += (marks.empty() ? "?" : ", ?") + std::to_string(mark);
      if (const auto mine = std::find(own.begin(), own.end(), name); mine != own.end())
        own_[static_cast<std::size_t>(mine - own.begin())] = mark;
    }
    return "INSERT INTO " + table + "(" + names + ") VALUES (" + marks + ")";
  }

  const Connection& to_;
  std::vector<int> columns_, own_;  // columns of a row, in the order of the marks; marks of what is our own
  Statement insert_;
};

class Merge {
 public:
  Merge(const Source& into, const Source& from, std::vector<std::string>& conflicts)
      : into_(into.db), from_(from.db), into_name_(into.name), from_name_(from.name), conflicts_(conflicts) {}

  Merged run() {
    merged_.from = from_name_;
    protocols();
    suites();
    plugins();
    cells();
    plans();
    known_attempts();  // retractions first: what is retracted contradicts nothing
    new_attempts();
    certificates();
    claimed();
    return merged_;
  }

 private:
  // Row id here, 0: not there.
  template <class... Keys>
  std::int64_t find(const char* sql, const Keys&... keys) const {
    Statement query = into_.prepare(sql);
    return query.bind(keys...).step() ? query.integer(0) : 0;
  }

  void protocols();
  void suites();
  void plugins();
  void cells();
  void plans();
  void add_plan(const Statement& plan, std::int64_t used);
  void known_attempts();
  void new_attempts();
  void add_attempt(const Statement& attempt);
  void require_no_conflict(const Statement& attempt, std::int64_t cell);
  void compare(const Statement& attempt, std::int64_t here);  // notes a conflict when they differ
  void certificates();
  void claimed();
  std::int64_t list(std::int64_t there);
  bool clock_bounded(const Connection& db, std::int64_t cell) const;
  std::string origin(const Connection& db, std::int64_t attempt, const std::string& file) const;

  const Connection& into_;
  const Connection& from_;
  std::string into_name_, from_name_;
  std::vector<std::string>& conflicts_;
  Merged merged_;
  Numbers suites_, plugins_, cells_, attempts_, lists_;  // attempts_: those that this merge added
};

void Merge::protocols() {
  Statement row = from_.prepare("SELECT * FROM protocol");
  RowCopy copy(into_, "protocol", row, {});
  while (row.step())
    if (find("SELECT 1 FROM protocol WHERE hash = ?1", text_of(row, "hash")) == 0) copy(row, {});
}

void Merge::suites() {
  Statement row = from_.prepare("SELECT * FROM suite");
  RowCopy copy(into_, "suite", row, {}, true);
  while (row.step()) {
    const std::int64_t known = find("SELECT id FROM suite WHERE name = ?1", text_of(row, "name"));
    suites_[integer_of(row, "id")] = known != 0 ? known : copy(row, {});
  }
}

void Merge::plugins() {
  Statement row = from_.prepare("SELECT * FROM plugin");
  RowCopy copy(into_, "plugin", row, {}, true);
  Statement describe = into_.prepare("UPDATE plugin SET descriptor_json = ?2 WHERE id = ?1 AND descriptor_json IS NULL");
  while (row.step()) {
    const std::int64_t known = find("SELECT id FROM plugin WHERE name = ?1 AND version = ?2 AND digest = ?3",
                                    text_of(row, "name"), text_of(row, "version"), text_of(row, "digest"));
    plugins_[integer_of(row, "id")] = known != 0 ? known : copy(row, {});
    if (known != 0 && !row.null(column_of(row, "descriptor_json"))) describe.run(known, text_of(row, "descriptor_json"));
  }
}

void Merge::cells() {
  Statement row = from_.prepare("SELECT * FROM cell ORDER BY id");
  Statement seeds = from_.prepare("SELECT * FROM cell_seed WHERE cell = ?1");
  RowCopy copy(into_, "cell", row, {"plugin"}, true), copy_seed(into_, "cell_seed", seeds, {"cell"});
  while (row.step()) {
    const std::int64_t there = integer_of(row, "id");
    std::int64_t& here = cells_[there];
    here = find("SELECT id FROM cell WHERE generation = ?1", text_of(row, "generation"));
    if (here != 0) continue;
    std::optional<std::int64_t> plugin;
    if (!row.null(column_of(row, "plugin"))) plugin = plugins_.at(integer_of(row, "plugin"));
    here = copy(row, {plugin});
    ++merged_.cells;
    seeds.bind(there);
    while (seeds.step()) copy_seed(seeds, {here});
  }
}

// The largest `used` of a suite is its latest plan. Plans of this file keep theirs, others come before all of them in the order
// that they had, unless they are of a higher version of the suite.
void Merge::plans() {
  Statement row = from_.prepare("SELECT * FROM plan ORDER BY used DESC");
  std::map<std::int64_t, std::int64_t> newest;  // version of a suite here, before the merge
  for (const auto& [there, here] : suites_)
    newest[here] = find("SELECT max(version) FROM plan WHERE suite = ?1", here);
  std::int64_t lowest = into_.number("SELECT min(0, coalesce(min(used), 0)) FROM plan");
  std::vector<std::string> higher;
  while (row.step()) {
    if (find("SELECT id FROM plan WHERE digest = ?1", text_of(row, "digest")) != 0) continue;
    const std::int64_t known = newest.at(suites_.at(integer_of(row, "suite")));
    if (known != 0 && integer_of(row, "version") > known)
      higher.push_back(text_of(row, "digest"));
    else
      add_plan(row, --lowest);
  }
  Statement one = from_.prepare("SELECT * FROM plan WHERE digest = ?1");
  for (auto digest = higher.rbegin(); digest != higher.rend(); ++digest) {
    one.bind(*digest).step();
    add_plan(one, into_.number("SELECT coalesce(max(used), 0) + 1 FROM plan"));
  }
}

void Merge::add_plan(const Statement& plan, std::int64_t used) {
  const std::int64_t there = integer_of(plan, "id");
  RowCopy copy(into_, "plan", plan, {"suite", "used"}, true);
  const std::int64_t here = copy(plan, {suites_.at(integer_of(plan, "suite")), used});
  Statement cell = from_.prepare("SELECT * FROM plan_cell WHERE plan = ?1");
  RowCopy copy_cell(into_, "plan_cell", cell, {"plan", "cell"});
  cell.bind(there);
  while (cell.step()) copy_cell(cell, {here, cells_.at(integer_of(cell, "cell"))});
  Statement claim = from_.prepare("SELECT * FROM claim WHERE plan = ?1");
  RowCopy copy_claim(into_, "claim", claim, {"plan"});
  claim.bind(there);
  while (claim.step()) copy_claim(claim, {here});
  ++merged_.plans;
}

void Merge::known_attempts() {
  Statement row = from_.prepare("SELECT * FROM attempt ORDER BY cell, n");
  Statement known = into_.prepare("SELECT id, retracted FROM attempt WHERE cell = ?1 AND digest = ?2");
  Statement retract = into_.prepare("UPDATE attempt SET retracted = ?2 WHERE id = ?1");
  while (row.step()) {
    if (!known.bind(cells_.at(integer_of(row, "cell")), text_of(row, "digest")).step()) continue;
    const std::int64_t here = known.integer(0);
    const bool retracted_here = !known.text(1).empty();
    const std::string reason = text_of(row, "retracted");
    ++merged_.known;
    if (!reason.empty() && !retracted_here) {
      retract.run(here, reason);
      ++merged_.retractions;
    }
    if (!reason.empty() || retracted_here) continue;
    // Two copies of one record: one of them may have been written by something else than assay.
    compare(row, here);
  }
}

void Merge::new_attempts() {
  Statement row = from_.prepare("SELECT * FROM attempt ORDER BY cell, n");
  while (row.step()) {
    const std::int64_t cell = cells_.at(integer_of(row, "cell"));
    if (find("SELECT id FROM attempt WHERE cell = ?1 AND digest = ?2", cell, text_of(row, "digest")) != 0) continue;
    require_no_conflict(row, cell);
    add_attempt(row);
  }
}

void Merge::require_no_conflict(const Statement& attempt, std::int64_t cell) {
  const bool stands = text_of(attempt, "status") == "ok" && integer_of(attempt, "level") < static_cast<int>(Level::invalid) &&
                      text_of(attempt, "retracted").empty();
  if (!stands || clock_bounded(from_, integer_of(attempt, "cell")) || clock_bounded(into_, cell)) return;
  const std::int64_t here = comparable_attempt(
      into_, {cell, text_of(attempt, "judgement"), text_of(attempt, "numerics"), text_of(attempt, "protocol_hash"), "", 0});
  if (here != 0) compare(attempt, here);
}

void Merge::compare(const Statement& attempt, std::int64_t here) {
  const Sides sides{into_name_ + " has ", from_name_ + " has ", "only in " + into_name_, "only in " + from_name_};
  const std::string text = disagreement(into_, here, stored_outcome(from_, integer_of(attempt, "id")), sides);
  if (text.empty()) return;
  Statement cell = from_.prepare("SELECT label, generation FROM cell WHERE id = ?1");
  cell.bind(integer_of(attempt, "cell")).step();
  conflicts_.push_back(fmt::format("cell '{}' ({}) under numerics {}: {}, {}:{}", cell.text(0), cell.text(1).substr(0, 12),
                                   text_of(attempt, "numerics"), origin(into_, here, into_name_),
                                   origin(from_, integer_of(attempt, "id"), from_name_), text));
}

std::string Merge::origin(const Connection& db, std::int64_t attempt, const std::string& file) const {
  Statement row = db.prepare("SELECT n, machine, build FROM attempt WHERE id = ?1");
  row.bind(attempt).step();
  return fmt::format("attempt {} in {} (machine {}, build {})", row.integer(0), file, row.text(1), row.text(2));
}

bool Merge::clock_bounded(const Connection& db, std::int64_t cell) const {
  Statement row = db.prepare("SELECT g.descriptor_json, c.identity_json FROM cell c LEFT JOIN plugin g ON g.id = c.plugin WHERE c.id = ?1");
  if (!row.bind(cell).step()) return false;
  Node node;  // a budget of time makes outcomes depend on the clock as well
  node.identity = Json::parse(row.text(1), "identity");
  return node.has_time_budget() || (!row.null(0) && Json::parse(row.text(0), "descriptor").get("clock_bounded", false));
}

void Merge::add_attempt(const Statement& attempt) {
  const std::int64_t there = integer_of(attempt, "id"), cell = cells_.at(integer_of(attempt, "cell"));
  const std::int64_t last = find("SELECT max(n) FROM attempt WHERE cell = ?1", cell);
  merged_.replicates +=
      find("SELECT count(*) FROM attempt WHERE cell = ?1 AND numerics <> ?2", cell, text_of(attempt, "numerics")) > 0;
  RowCopy copy(into_, "attempt", attempt, {"cell", "n"}, true);
  const std::int64_t here = copy(attempt, {cell, std::max(integer_of(attempt, "n"), last + 1)});
  attempts_[there] = here;
  ++merged_.attempts;
  Statement made = from_.prepare(
      "SELECT DISTINCT a.sha256, a.bytes FROM artifact a JOIN edge e ON e.artifact = a.sha256 WHERE e.attempt = ?1");
  Statement artifact = into_.prepare(
      "INSERT INTO artifact VALUES (?1, ?2) ON CONFLICT(sha256) DO UPDATE SET bytes = excluded.bytes WHERE artifact.bytes < 0");
  made.bind(there);
  while (made.step()) artifact.run(made.text(0), made.integer(1));
  for (const std::string table : {"stage", "verdict", "score", "trace", "edge", "repeat_run"}) {
    Statement row = from_.prepare("SELECT * FROM " + table + " WHERE attempt = ?1");
    RowCopy copy_part(into_, table, row, {"attempt"});
    row.bind(there);
    while (row.step()) copy_part(row, {here});
  }
  Statement row = from_.prepare("SELECT * FROM outcome WHERE attempt = ?1");
  RowCopy copy_column(into_, "outcome", row, {"attempt", "list"}, true);
  row.bind(there);
  while (row.step()) copy_column(row, {here, list(integer_of(row, "list"))});
}

std::int64_t Merge::list(std::int64_t there) {
  std::int64_t& here = lists_[there];
  if (here != 0) return here;
  Statement row = from_.prepare("SELECT ids_z FROM sample_list WHERE id = ?1");
  row.bind(there).step();
  const std::span<const std::byte> ids = row.blob(0);
  return here = put_list(into_, {ids.begin(), ids.end()});
}

// Only certificates of attempts that are new here count: what this file has seen before, it may have replaced since.
void Merge::certificates() {
  Statement group = from_.prepare(
      "SELECT plugin_digest, plugin_name, role, attempt, min(passed) FROM certificate"
      " GROUP BY plugin_digest, plugin_name, role, attempt");
  Statement known = into_.prepare(
      "SELECT count(*), min(passed) FROM certificate WHERE plugin_digest = ?1 AND plugin_name = ?2 AND role = ?3");
  Statement remove = into_.prepare("DELETE FROM certificate WHERE plugin_digest = ?1 AND plugin_name = ?2 AND role = ?3");
  Statement row = from_.prepare(
      "SELECT * FROM certificate WHERE plugin_digest = ?1 AND plugin_name = ?2 AND role = ?3 AND attempt = ?4");
  RowCopy copy(into_, "certificate", row, {"attempt"});
  while (group.step()) {
    const auto added = attempts_.find(group.integer(3));
    if (added == attempts_.end()) continue;
    const std::string digest = group.text(0), name = group.text(1), role = group.text(2);
    known.bind(digest, name, role).step();
    const bool some = known.integer(0) > 0, worse = known.integer(1) > group.integer(4);
    if (some && !worse) continue;
    known.rewind();
    remove.run(digest, name, role);
    row.bind(digest, name, role, group.integer(3));
    while (row.step()) copy(row, {added->second});
  }
}

void Merge::claimed() {
  Statement row = from_.prepare("SELECT * FROM claimed");
  Statement known = into_.prepare(
      "SELECT value FROM claimed WHERE series = ?1 AND method = ?2 AND subject = ?3 AND quantity = ?4 AND condition = ?5"
      " AND source = ?6");
  RowCopy copy(into_, "claimed", row, {});
  while (row.step()) {
    known.bind(text_of(row, "series"), text_of(row, "method"), text_of(row, "subject"), text_of(row, "quantity"),
               text_of(row, "condition"), text_of(row, "source"));
    if (!known.step()) {
      copy(row, {});
      ++merged_.claimed;
      continue;
    }
    const double here = known.real(0), there = row.real(column_of(row, "value"));
    if (here != there)
      conflicts_.push_back(fmt::format("claimed {} of '{}' on '{}' from '{}': {} has {}, {} has {}", text_of(row, "quantity"),
                                       text_of(row, "method"), text_of(row, "subject"), text_of(row, "source"), into_name_,
                                       Json(here).dump(), from_name_, Json(there).dump()));
  }
}

[[noreturn]] void refuse(const std::string& into, const std::vector<std::string>& conflicts) {
  std::string text = "nothing was merged into " + into +
                     ": results disagree under the same identity (rule 7); retract the wrong ones ('assay db retract CELL "
                     "--attempt N --db FILE') and merge again:";
  for (std::size_t i = 0; i < conflicts.size() && i < conflicts_shown; ++i) text += "\n" + conflicts[i];
  if (conflicts.size() > conflicts_shown) text += fmt::format("\nand {} more", conflicts.size() - conflicts_shown);
  throw Error(Fault::constraint, text);
}

Store open_other(const fs::path& file, const fs::path& into) {
  std::error_code absent;
  if (fs::equivalent(file, into, absent))
    throw Error(Fault::bad_input, "database '" + file.string() + "' cannot be merged into itself");
  OpenOptions reading;
  reading.write = false;
  Store other = Store::open(file, reading);
  const std::vector<std::string> problems = other.problems();
  if (!problems.empty())
    throw Error(Fault::bad_input, "database '" + file.string() + "': damaged, nothing was merged (" + problems.front() + ")");
  return other;
}

}  // namespace

Merged merge_rows(const Source& into, const Source& from, std::vector<std::string>& conflicts) {
  return Merge(into, from, conflicts).run();
}

std::vector<Merged> Store::merge(const std::vector<fs::path>& others, bool dry_run) {
  impl_->need_write("merge");
  std::vector<Merged> merged;
  std::vector<std::string> conflicts;
  Transaction transaction(impl_->db);
  for (const fs::path& file : others) {
    const Store other = open_other(file, impl_->file);
    const Connection& from = other.impl_->db;
    from.run("BEGIN");  // one state of it, whoever writes meanwhile
    merged.push_back(merge_rows({impl_->db, impl_->file.string()}, {from, file.string()}, conflicts));
    from.run("COMMIT");
  }
  if (!conflicts.empty()) refuse(impl_->file.string(), conflicts);
  if (!dry_run) transaction.commit();
  return merged;
}

}  // namespace assay::store
