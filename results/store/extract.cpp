// A part of a database as a database of its own: what the boards of one protocol show, and what it was made from.
#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/base/json.hpp"
#include "results/store/impl.hpp"

namespace assay::store {
namespace {

// Views of the connection itself hide the tables of the same names (to SQLite `temp` comes first), so that a merge from this
// connection sees the part and nothing else. The views of the file still see its tables.
constexpr const char* part = R"sql(
CREATE TEMP TABLE part_plan AS SELECT id, suite, series, protocol_hash FROM main.latest_plan WHERE protocol_hash = '{0}';
CREATE TEMP TABLE part_cell AS
SELECT c.id, c.plugin, pc.judgement
FROM (SELECT DISTINCT cell, judgement FROM main.plan_cell WHERE plan IN (SELECT id FROM part_plan)) pc
JOIN main.cell c ON c.id = pc.cell;
CREATE TEMP TABLE part_attempt AS
SELECT attempt AS id FROM main.current_cell WHERE protocol_hash = '{0}' AND attempt IS NOT NULL
UNION
SELECT (SELECT a.id FROM main.attempt a WHERE a.cell = p.id AND a.retracted = '' ORDER BY a.status <> 'ok', a.n DESC LIMIT 1)
FROM part_cell p JOIN main.cell c ON c.id = p.id AND c.kind <> 'cell';
CREATE TEMP VIEW plan AS SELECT * FROM main.plan WHERE id IN (SELECT id FROM part_plan);
CREATE TEMP VIEW suite AS SELECT * FROM main.suite WHERE id IN (SELECT suite FROM part_plan);
CREATE TEMP VIEW cell AS SELECT * FROM main.cell WHERE id IN (SELECT id FROM part_cell);
CREATE TEMP VIEW plugin AS SELECT * FROM main.plugin WHERE id IN (SELECT plugin FROM part_cell);
CREATE TEMP VIEW attempt AS SELECT * FROM main.attempt WHERE id IN (SELECT id FROM part_attempt);
CREATE TEMP VIEW certificate AS SELECT * FROM main.certificate WHERE attempt IN (SELECT id FROM part_attempt);
CREATE TEMP VIEW claimed AS SELECT * FROM main.claimed WHERE series IN (SELECT series FROM part_plan);
CREATE TEMP VIEW protocol AS SELECT * FROM main.protocol
WHERE hash IN (SELECT protocol_hash FROM part_plan UNION SELECT protocol_hash FROM attempt);
)sql";

// What is handed on does not tell where things lay: a suite keeps its path below the suites folder, a plugin its file's name.
void drop_paths(const Connection& db) {
  constexpr std::string_view suites = "/suites/";
  Statement plan = db.prepare("SELECT id, file FROM plan"), name_plan = db.prepare("UPDATE plan SET file = ?2 WHERE id = ?1");
  while (plan.step()) {
    const std::string file = "/" + plan.text(1);
    const auto at = file.rfind(suites);
    name_plan.run(plan.integer(0), at == std::string::npos ? fs::path(file).filename().string() : file.substr(at + 1));
  }
  Statement plugin = db.prepare("SELECT id, descriptor_json FROM plugin WHERE descriptor_json IS NOT NULL"),
            describe = db.prepare("UPDATE plugin SET descriptor_json = ?2 WHERE id = ?1");
  while (plugin.step()) {
    Json descriptor = Json::parse(plugin.text(1), "descriptor");
    if (!descriptor.has("path")) continue;
    descriptor["path"] = fs::path(descriptor.at("path").as_string()).filename().string();
    describe.run(plugin.integer(0), descriptor.dump());
  }
}

// One file without a log beside it, as small as it gets.
void close_small(const fs::path& file) {
  const Connection db(file, Connection::Mode::write, 0);
  db.run("PRAGMA journal_mode = DELETE");
  db.run("VACUUM");
}

}  // namespace

Merged Store::extract(const std::string& protocol_hash, const fs::path& file) const {
  const SuiteRecord chosen = protocol(protocol_hash);
  if (fs::exists(file)) throw Error(Fault::bad_input, "file '" + file.string() + "' is there already; name one that is not");
  const fs::path unfinished = file.string() + ".part";
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) fs::remove(unfinished.string() + suffix);
  Merged taken;
  {
    const Store made = open(unfinished);
    const Connection from(impl_->file, Connection::Mode::read, OpenOptions{}.busy_ms);
    from.run("BEGIN");  // one state of it, whoever writes meanwhile
    from.run(fmt::format(part, chosen.protocol_hash));
    std::vector<std::string> conflicts;
    Transaction transaction(made.impl_->db);
    taken = merge_rows({made.impl_->db, unfinished.string()}, {from, impl_->file.string()}, conflicts);
    if (!conflicts.empty()) throw Error(Fault::internal, "extract: " + conflicts.front());
    drop_paths(made.impl_->db);
    transaction.commit();
    from.run("COMMIT");
  }
  close_small(unfinished);
  fs::remove(unfinished.string() + ".lock");
  rename_durably(unfinished, file);
  return taken;
}

}  // namespace assay::store
