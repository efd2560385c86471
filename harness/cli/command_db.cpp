// assay db check|merge|export|retract|migrate
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/reference.hpp"
#include "harness/cli/workspace.hpp"

namespace assay::cli {
namespace {

struct DbOptions {
  std::string db, folder, format = "csv", cell, reason;
  std::vector<std::string> others;
  int attempt = 0;  // 0: the one that stands
  bool samples = false, dry_run = false;
};

// For writing, migrated; throws Error(bad_input) when there is none.
store::Store open_to_write(const std::string& given) {
  const std::filesystem::path file = database_path(given);
  if (!std::filesystem::exists(file)) throw Error(Fault::bad_input, "no results database at '" + file.string() + "'");
  store::OpenOptions options;
  options.create = false;
  return store::Store::open(file, options);
}

int check_db(const DbOptions& options) {
  const store::Store db = open_database(options.db);
  const std::vector<std::string> problems = db.problems();
  for (const std::string& one : problems) print(paint("problem: ", Tone::bad) + one + "\n");
  if (problems.empty()) print("{}: whole (schema {}, {} suites)\n", db.file().string(), db.schema_version(), db.suites().size());
  return problems.empty() ? exit_done : exit_usage;
}

int export_db(const DbOptions& options) {
  const Format format = options.format == "jsonl" ? Format::json : parse_format(options.format, {"csv", "jsonl"});
  const store::Store db = open_database(options.db);
  for (const store::Dumped& one :
       db.dump(options.folder, format == Format::json ? store::DumpFormat::jsonl : store::DumpFormat::csv, options.samples))
    print("{}: {} rows\n", one.file.string(), one.rows);
  return exit_done;
}

const store::AttemptRecord& chosen(const std::vector<store::AttemptRecord>& attempts, const store::CellRecord& cell, int n) {
  if (n == 0 && cell.standing) n = cell.standing->n;
  for (const store::AttemptRecord& one : attempts)
    if (one.n == n) return one;
  throw Error(Fault::bad_input, "'" + cell.label + "' has no attempt " + std::to_string(n) + "; expected one of 1 to " +
                                    std::to_string(attempts.size()));
}

int retract(const DbOptions& options) {
  store::Store db = open_to_write(options.db);
  const store::CellRecord cell = db.show(options.cell);
  const auto attempts = db.attempts(cell.id);
  if (options.attempt == 0 && !cell.standing) throw Error(Fault::bad_input, "'" + cell.label + "': no attempt of it stands");
  const store::AttemptRecord& one = chosen(attempts, cell, options.attempt);
  db.retract(one.id, options.reason);
  print("retracted attempt {} of {}: {}\n", one.n, cell.label, options.reason);
  return exit_done;
}

// A merge that is refused, or only looked at, changes no file: not by migrating one, nor by making one.
store::Store open_to_merge(const std::filesystem::path& file) {
  if (std::filesystem::exists(file)) {
    store::OpenOptions reading;
    reading.write = false;
    store::Store::open(file, reading);  // refuses an older schema
  }
  return store::Store::open(file);
}

std::string merged_text(const store::Merged& one, bool dry_run) {
  std::string text = fmt::format("{}: {} attempts {}", one.from.string(), one.attempts, dry_run ? "would be added" : "added");
  if (one.replicates > 0) text += fmt::format(", {} of them as replicates of another numerics class", one.replicates);
  text += fmt::format("; {} were there already; {} new cells, {} new plans", one.known, one.cells, one.plans);
  if (one.claimed > 0) text += fmt::format(", {} claimed numbers", one.claimed);
  return text + (one.retractions > 0 ? fmt::format("; {} retracted, as they are there\n", one.retractions) : "\n");
}

int merge(const DbOptions& options) {
  std::filesystem::path file = database_path(options.db);
  const TempDir scratch("assay-merge");
  if (options.dry_run && !std::filesystem::exists(file)) file = scratch.path() / file.filename();
  store::Store db = open_to_merge(file);
  std::vector<std::filesystem::path> others, folders;
  for (const std::filesystem::path other : options.others) {
    if (is_reference(other)) folders.push_back(other);
    others.push_back(is_reference(other) ? verified_database(other) : other);
  }
  for (const store::Merged& one : db.merge(others, options.dry_run)) print(merged_text(one, options.dry_run));
  for (const std::filesystem::path& folder : folders)
    if (!options.dry_run) print("{}: {} trained nets added to the cache\n", folder.string(), adopt_models(folder));
  return exit_done;
}

int migrate(const DbOptions& options) {
  const store::Store db = open_to_write(options.db);
  print("{}: schema {}\n", db.file().string(), db.schema_version());
  return exit_done;
}

CLI::App* declare(CLI::App& group, Action& action, const std::shared_ptr<DbOptions>& options, const char* name,
                  const char* says, const char* example, int (*work)(const DbOptions&)) {
  CLI::App* command = subcommand(group, name, says, example);
  command->add_option("--db", options->db, "results database");
  command->callback([options, &action, work] { action = [options, work] { return work(*options); }; });
  return command;
}

}  // namespace

void add_db(CLI::App& app, Action& action) {
  CLI::App* group = subcommand(app, "db", "The results database: check, merge, export, retract, migrate", "assay db export out --format jsonl");
  group->require_subcommand(1);
  const auto options = std::make_shared<DbOptions>();
  declare(*group, action, options, "check", "Pages, references and digests of every stored column", "assay db check", check_db);
  CLI::App* join = declare(*group, action, options, "merge", "Takes over what databases of other machines hold",
                           "assay db merge node1.db node2.db --db all.db", merge);
  join->add_option("other", options->others, "databases to take over, or folders of 'db share --as reference'; they are only read")->required();
  join->add_flag("--dry-run", options->dry_run, "say what would be added and change nothing");
  CLI::App* out = declare(*group, action, options, "export", "All of it as CSV files or JSON lines", "assay db export out --samples", export_db);
  out->add_option("folder", options->folder, "where the files go")->required();
  out->add_option("--format", options->format, "csv or jsonl");
  out->add_flag("--samples", options->samples, "per-sample outcomes too");
  CLI::App* away = declare(*group, action, options, "retract", "Takes a result out of every board; nothing is deleted",
                           "assay db retract 3f2a91 --reason 'wrong test list'", retract);
  away->add_option("cell", options->cell, "first digits of its key, as in show")->required();
  away->add_option("--reason", options->reason, "shown wherever the result is")->required();
  away->add_option("--attempt", options->attempt, "which attempt (default: the one that stands)")->check(CLI::PositiveNumber);
  add_db_exchange(*group, action);
  declare(*group, action, options, "migrate", "Brings an older file to this program's schema", "assay db migrate", migrate);
}

}  // namespace assay::cli
