// assay submit SUITE --name X --outputs FILE and assay submit SUITE --template DIR: outputs made by any tool, judged here.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/running.hpp"
#include "harness/cli/submission.hpp"
#include "harness/cli/workspace.hpp"
#include "harness/plan/submit.hpp"

namespace assay::cli {
namespace {

struct SubmitFlags {
  std::string suite, name, outputs, folder, subject, says, cites, db, sandbox = "auto", format = "table";
  std::int64_t seed = -1;  // -1: the suite's smallest
  bool uses_outliers = false;
};

sched::SchedOptions options_for(const Plan& plan, const SubmitFlags& flags) {
  sched::SchedOptions how;
  how.jobs = default_jobs(plan);
  how.cache = artifact_folder();
  how.work = work_folder();
  how.worker = installed_layout().worker;
  how.sandbox = sched::parse_sandbox_mode(flags.sandbox);
  how.program = self_path();
  return how;
}

std::string failure_of(const Finished& finished) {
  return finished.reason.empty() ? finished.status : finished.reason;
}

int write_template(const Plan& suite, const Node& site, const SubmitFlags& flags) {
  const Plan plan = template_plan(suite, site);
  const std::string key = plan.nodes.back().key;
  std::string failed;
  Manifest made;
  std::optional<store::Store> db;
  if (std::filesystem::exists(database_path(flags.db))) db = open_database(flags.db);
  sched::Callbacks callbacks;
  callbacks.already_done = [&](const Node& node) { return node.key != key && db && stands(*db, suite, node, false); };
  callbacks.on_finished = [&](const Finished& finished) {
    if (finished.status != "ok" && failed.empty()) failed = finished.node->label + ": " + failure_of(finished);
    if (finished.node->key == key) made = finished.artifact;
  };
  sched::run(plan, options_for(plan, flags), callbacks);
  if (!failed.empty() || made.files.empty()) throw Error(Fault::io, "no template was written: " + failed);
  const std::filesystem::path folder = flags.folder, from = artifact_folder() / node_kind_name(NodeKind::cell) / key;
  std::filesystem::create_directories(folder);
  for (const ManifestFile& file : made.files) {
    write_atomic(folder / file.name, read_bytes(from / file.name));
    print("{}: {}\n", (folder / file.name).string(), bytes_text(static_cast<double>(file.bytes)));
  }
  write_atomic(folder / "README.md", template_page(suite, site, flags.suite));
  print("{}: what to bring\n", (folder / "README.md").string());
  return exit_done;
}

// What the board and the site tell of it.
Descriptor card_of(const Plan& suite, const SubmitFlags& flags) {
  Descriptor card;
  card.id = flags.name;
  card.version = submitted_version;
  card.summary = flags.says.empty() ? "outputs submitted from " + std::filesystem::path(flags.outputs).filename().string() : flags.says;
  card.title = flags.cites;
  card.roles = {suite.task == "attack" ? "attack" : suite.task == "detect" ? "detector" : "ensemble"};
  card.uses_outliers = flags.uses_outliers;
  card.deterministic = false;  // nobody can run it again
  return card;
}

// Judges the cell of `plan`; what the judge refuses is told and leaves no row.
void judge(store::Store& db, const Plan& suite, const Plan& plan, const SubmitFlags& flags) {
  const Node& cell = plan.nodes.back();
  const Descriptor card = card_of(suite, flags);
  std::string failed;
  sched::Callbacks callbacks;
  callbacks.already_done = [&](const Node& node) { return node.key != cell.key && stands(db, suite, node, false); };
  callbacks.on_finished = [&](const Finished& finished) {
    if (finished.status != "ok") {
      if (failed.empty()) failed = finished.node == &cell ? failure_of(finished) : finished.node->label + ": " + failure_of(finished);
      return;
    }
    if (finished.node != &cell) {
      db.import(suite, finished);
      return;
    }
    db.record_plan(plan);
    db.import(plan, finished, &card);
  };
  sched::run(plan, options_for(plan, flags), callbacks);
  if (!failed.empty()) throw Error(Fault::bad_input, flags.outputs + ": not accepted: " + failed);
}

void show_judged(const store::CellRecord& cell, Format format) {
  Table table({{"quantity", "quantity"}, {"condition", "condition"}, {"value", "value", true}, {"n", "n", true}});
  for (const store::ScoreRecord& score : cell.standing->scores) table.add({score.quantity, score.condition, score.value, score.n});
  table.print(format);
  for (const store::VerdictRecord& verdict : cell.standing->verdicts)
    remark(paint(store::level_name(verdict.level), Tone::bad, 2) + ": " + verdict.reason);
}

int submit_outputs(const Plan& suite, const Node& site, const SubmitFlags& flags) {
  const Format format = parse_format(flags.format, {"table", "markdown", "csv", "json"});
  std::filesystem::create_directories(work_folder());
  const TempDir folder("submission", work_folder());
  const std::filesystem::path journal = folder.path() / "outputs";
  write_journal(suite, flags.outputs, journal);
  const Plan plan = submission_plan(suite, site, {flags.name, journal.string(), sha256_file(journal), sha256_file(flags.outputs)});
  const Node& cell = plan.nodes.back();
  store::Store db = store::Store::open(database_path(flags.db));
  db.record_plan(suite);
  if (db.concluded(cell.key, cell.judgement, plan.protocol_hash)) {
    db.record_plan(plan);  // on the board again, if another file had taken its place
    remark("this file was judged before");
  } else {
    judge(db, suite, plan, flags);
  }
  const auto known = db.find(cell.key);
  if (!known || !known->standing) throw Error(Fault::internal, "the submission left no record");
  show_judged(*known, format);
  remark(fmt::format("{} is on the board as submitted: assay leaderboard {} (assay show {})", flags.name, suite.suite, short_key(cell.key)));
  return exit_done;
}

int submit(const SubmitFlags& flags) {
  if (flags.folder.empty() == flags.outputs.empty())
    throw Error(Fault::bad_input, "submit: expected either --template DIR, or --name and --outputs FILE");
  if (!flags.outputs.empty() && flags.name.empty()) throw Error(Fault::bad_input, "submit: --outputs needs --name");
  const Plan suite = load_and_plan(find_suite(flags.suite), planning_context(WorkerClient::standard(sched::parse_sandbox_mode(flags.sandbox)))).plan;
  const auto seed = flags.seed < 0 ? std::nullopt : std::optional(flags.seed);
  const Node& site = submission_site(suite, flags.subject, seed);
  return flags.folder.empty() ? submit_outputs(suite, site, flags) : write_template(suite, site, flags);
}

}  // namespace

void add_submit(CLI::App& app, Action& action) {
  auto flags = std::make_shared<SubmitFlags>();
  CLI::App* command = subcommand(app, "submit", "Judges outputs that any tool made, under a suite's protocol",
                                 "assay submit quickstart/ood --template there && assay submit quickstart/ood --name mine --outputs scores.csv");
  command->add_option("suite", flags->suite, "suite file or name")->required();
  command->add_option("--template", flags->folder, "write what a method is given, with a README of what to bring")->type_name("DIR");
  command->add_option("--name", flags->name, "the row's name");
  command->add_option("--outputs", flags->outputs, "adversarial inputs, scores or predictions: FILE.npz or FILE.csv")->type_name("FILE");
  command->add_option("--subject", flags->subject, "model of the suite (default: the only one)");
  command->add_option("--seed", flags->seed, "seed of the suite (default: the smallest)")->check(CLI::NonNegativeNumber);
  command->add_option("--says", flags->says, "one line on what made the outputs");
  command->add_option("--cites", flags->cites, "paper");
  command->add_flag("--uses-outliers", flags->uses_outliers, "out-of-distribution data were used in training or fitting");
  command->add_option("--sandbox", flags->sandbox, "auto, require or off, as of run")->check(CLI::IsMember({"auto", "require", "off"}));
  command->add_option("--format", flags->format, "of the judged numbers: table, markdown, csv or json");
  command->add_option("--db", flags->db, "results database (default: $ASSAY_DB, else in the user's data folder)");
  command->callback([flags, &action] { action = [flags] { return submit(*flags); }; });
}

}  // namespace assay::cli
