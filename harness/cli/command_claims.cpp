// assay claims [SUITE...]: every claim with its verdict.
#include <CLI/CLI.hpp>
#include <memory>
#include <set>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/workspace.hpp"
#include "results/claims/claims.hpp"

namespace assay::cli {
namespace {

struct ClaimsOptions {
  std::vector<std::string> suites;
  std::string format = "table", db;
  bool strict = false;
};

using Verdicts = std::vector<claims::Verdict>;

void append(Verdicts& all, Verdicts more) {
  for (claims::Verdict& one : more) all.push_back(std::move(one));
}

// As the file says them today, on what the database holds of the suite.
void of_file(Verdicts& all, const store::Store& db, const fs::path& file) {
  const SuiteSpec spec = parse_suite(read_text(file), file.string());
  std::vector<Claim> list;
  for (const ClaimSpec& claim : spec.claims) list.push_back(to_claim(claim));
  const auto known = db.suite(spec.name.value);
  append(all, known ? claims::judge(db, known->protocol_hash, list) : claims::never_run(spec.name.value, list));
}

void of_database(Verdicts& all, const store::Store& db, const std::string& protocol) {
  append(all, claims::judge(db, protocol, db.claims(db.protocol(protocol).name)));
}

// A file or a folder of them, the name of an installed suite, or what the database knows.
void of_name(Verdicts& all, const store::Store& db, const std::string& name) {
  std::vector<fs::path> files;
  try {
    files = find_suites(name);
  } catch (const Error& error) {
    if (error.fault() != Fault::bad_input || fs::exists(name)) throw;
  }
  if (files.empty()) of_database(all, db, protocol_of(db, name));
  for (const fs::path& file : files) of_file(all, db, file);
}

// Every installed suite, then what else the database holds, by name.
void of_all(Verdicts& all, const store::Store& db) {
  std::set<std::string> seen;
  for (const SuiteFile& suite : installed_suites()) {
    of_file(all, db, suite.path);
    seen.insert(parse_suite(read_text(suite.path), suite.path.string()).name.value);
  }
  for (const store::SuiteRecord& suite : db.suites())
    if (seen.insert(suite.name).second) of_database(all, db, db.suite(suite.name)->protocol_hash);
}

int show(const ClaimsOptions& options) {
  const claims::Format format = claims::parse_format(options.format);
  const store::Store db = open_database(options.db);
  Verdicts all;
  if (options.suites.empty()) of_all(all, db);
  for (const std::string& name : options.suites) of_name(all, db, name);
  claims::correct(all);
  print(std::string_view(claims::format(all, format)));
  const bool failed = std::any_of(all.begin(), all.end(), [&](const claims::Verdict& v) {
    return v.claim.gate && (v.outcome == claims::Outcome::not_reproduced || (options.strict && v.outcome != claims::Outcome::reproduced));
  });
  return failed ? exit_some_failed : exit_done;
}

}  // namespace

void add_claims(CLI::App& app, Action& action) {
  auto options = std::make_shared<ClaimsOptions>();
  CLI::App* command = subcommand(app, "claims",
                                 "Every claim of a suite with its verdict; exit code 1 when one that gates is not reproduced",
                                 "assay claims quickstart --format markdown");
  command->add_option("suite", options->suites, "suite files, names or folders (default: all installed, and all in the database)");
  command->add_option("--format", options->format, "table, markdown or json");
  command->add_flag("--strict", options->strict, "exit code 1 also when a claim that gates is inconclusive or void");
  command->add_option("--db", options->db, "results database (default: $ASSAY_DB, else in the user's data folder)");
  command->callback([options, &action] { action = [options] { return show(*options); }; });
}

}  // namespace assay::cli
