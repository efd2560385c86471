// assay run SUITE...: plan, estimate, run, leaderboard, and what failed with the command that shows why.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/junit.hpp"
#include "harness/cli/keyboard.hpp"
#include "harness/cli/leaderboard.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/repeating.hpp"
#include "harness/cli/running.hpp"
#include "harness/cli/signals.hpp"
#include "harness/cli/workspace.hpp"
#include "results/claims/claims.hpp"

namespace assay::cli {
namespace {

struct RunFlags {
  std::vector<std::string> suites, only;
  std::string db, format = "table", executor = "local", slurm_profile, sandbox = "auto", junit, repeat_check;
  std::optional<sched::SlurmProfile> slurm;  // the profile, read
  int jobs = 0;
  std::atomic<int>* stop = nullptr;
  bool dry_run = false, retry_failed = false, quiet = false;
};

constexpr std::size_t failures_shown = 20;

void tell(const std::vector<Failure>& failures, const std::string& what) {
  if (failures.empty()) return;
  remark(paint(fmt::format("{} {}:", failures.size(), what), Tone::bad, 2));
  for (std::size_t i = 0; i < failures.size() && i < failures_shown; ++i) {
    const Failure& one = failures[i];
    remark(fmt::format("  {}: {}{}", one.label, one.status, one.reason.empty() ? "" : ": " + one.reason));
    remark(paint(fmt::format("    assay log {}", short_key(one.key)), Tone::dim, 2));
  }
  if (failures.size() > failures_shown) remark(fmt::format("  and {} more", failures.size() - failures_shown));
}

void tell_summary(const Plan& plan, const RunReport& report) {
  const sched::Summary& sum = report.summary;
  std::string text = fmt::format("{}: {} cells: {} ok, {} failed, {} were there already", plan.suite, sum.cells, sum.ok,
                                 sum.failed, sum.reused);
  if (sum.artifacts_made + sum.artifacts_failed > 0)
    text += fmt::format("; {} artifacts made, {} failed", sum.artifacts_made, sum.artifacts_failed);
  remark(text + " (" + duration_text(sum.wall_seconds) + ")");
  if (report.repeated + static_cast<std::int64_t>(report.unequal.size()) > 0)
    remark(fmt::format("{} cells ran twice: {} gave the same bytes, {} did not (rule 7)",
                       report.repeated + static_cast<std::int64_t>(report.unequal.size()), report.repeated, report.unequal.size()));
}

// One line a claim, beneath the board; where the board is data, beside it on stderr.
void tell_claims(const std::vector<claims::Verdict>& verdicts, board::Format format) {
  const bool text = format == board::Format::table || format == board::Format::markdown;
  if (!verdicts.empty() && text) print("\nclaims\n\n");
  for (const claims::Verdict& verdict : verdicts) {
    const bool bad = verdict.claim.gate && verdict.outcome == claims::Outcome::not_reproduced;
    const std::string line = paint(claims::line(verdict), bad ? Tone::bad : Tone::plain, text ? 1 : 2);
    if (text)
      print("    " + line + "\n");
    else
      remark(line);
  }
}

// `junit` takes the suite's part of that report.
int run_suite(const std::filesystem::path& file, const PlanContext& context, const RunFlags& options,
              std::vector<std::string>& junit) {
  const board::Format format = board::parse_format(options.format);
  const Plan whole = load_and_plan(file, context).plan;
  const std::optional<Plan> narrowed = options.only.empty() ? std::nullopt : std::optional(filter(whole, key_values(options.only, "--only")));
  const Plan& plan = narrowed ? *narrowed : whole;  // no copy: a plan of thousands of cells is most of what a supervisor holds
  RunOptions how;
  how.jobs = options.jobs > 0 ? options.jobs : default_jobs(plan);
  how.retry_failed = options.retry_failed;
  how.database = database_path(options.db);
  how.stop = options.stop;
  how.repeat_share = parse_share(options.repeat_check);
  how.slurm = options.slurm;
  how.sandbox = sched::parse_sandbox_mode(options.sandbox);
  std::string summary = plan_summary(plan, plan_state(plan, options.db, options.retry_failed), how.jobs);
  if (how.repeat_share > 0)
    summary += fmt::format("{} cells run twice (rule 7), unless they did before\n", repeated_cells(plan, how.repeat_share, context).size());
  if (options.dry_run) {
    print(std::string_view(summary));
    return exit_done;
  }
  if (!options.quiet) remark(summary.substr(0, summary.size() - 1));
  const RunReport report = run_plan(plan, whole, context, how);
  if (!options.quiet) tell_summary(plan, report);
  if (report.summary.interrupted && !report.out_of_space.empty()) {  // no board: even reading may want a byte of the disk
    remark(paint("stopped: ", Tone::bad, 2) + report.out_of_space);
    return exit_interrupted;
  }

  board::Query query;
  query.protocol = whole.protocol_hash;
  const store::Store db = open_database(options.db);
  show_leaderboard(db, query, format);
  const auto verdicts = claims::judge(db, whole.protocol_hash, whole.claims);
  tell_claims(verdicts, format);
  junit.push_back(junit_suite(plan, db, verdicts));
  tell(report.failures, "failed");
  tell(report.refused, "refused by the store");
  tell(report.unequal, "gave other outcomes when run again");
  tell(report.unrepeated, "not run twice");
  if (report.summary.interrupted) {
    remark(how.slurm && options.stop->load() == 1 ? "stopped waiting; tasks go on in Slurm, and the same command takes their results"
                                                   : "interrupted; run the same command to go on");
    return exit_interrupted;
  }
  const bool clean = report.failures.empty() && report.refused.empty() && report.unequal.empty() && report.summary.failed == 0;
  return clean ? exit_done : exit_some_failed;
}

int run(RunFlags options) {
  if (!options.slurm_profile.empty() && options.executor != "slurm")
    throw Error(Fault::bad_input, "--slurm-profile goes with --executor slurm");
  if (options.executor == "slurm")
    options.slurm = options.slurm_profile.empty() ? sched::SlurmProfile{} : sched::SlurmProfile::load(options.slurm_profile);
  parse_share(options.repeat_check);  // a typing error ends here, not after the first suite
  std::vector<std::filesystem::path> files;
  for (const std::string& name : options.suites)
    for (const auto& file : find_suites(name)) files.push_back(file);
  const PlanContext context = planning_context(WorkerClient::standard(sched::parse_sandbox_mode(options.sandbox)));
  // Every suite is read before the first one runs: a typing error in the last should not come after an hour.
  for (const auto& file : files) load_and_plan(file, context);
  std::optional<Keyboard> keyboard;
  if (!options.dry_run) {
    options.stop = &catch_signals();
    keyboard.emplace(*options.stop);
  }
  int worst = exit_done;
  std::vector<std::string> junit;
  for (const auto& file : files) {
    const int code = run_suite(file, context, options, junit);
    if (!options.junit.empty()) write_atomic(options.junit, junit_file(junit));
    if (code == exit_interrupted) return code;
    worst = std::max(worst, code);
    if (files.size() > 1) print("\n");
    std::fflush(stdout);
  }
  return worst;
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto options = std::make_shared<RunFlags>();
  CLI::App* command =
      subcommand(app, "run", "Runs what a suite asks for and is not there yet, then shows the leaderboard",
                 "assay run quickstart/attacks --only method=pgd --only seed=0");
  command->add_option("suite", options->suites, "suite files, names, or folders of suites")->required();
  command->add_option("--only", options->only, "KEY=VALUE: method, subject, seed or an axis; may be repeated")
      ->type_name("KEY=VALUE");
  command->add_option("--jobs,-j", options->jobs, "cells at a time (default: cores / threads of a cell)")
      ->check(CLI::Range(1, 4096));
  command->add_option("--executor", options->executor, "local: processes of this machine; slurm: job arrays")
      ->check(CLI::IsMember({"local", "slurm"}));
  command->add_option("--sandbox", options->sandbox,
                      "auto: workers and judges in bubblewrap where the kernel allows it; require: or nothing runs; off")
      ->check(CLI::IsMember({"auto", "require", "off"}));
  command->add_option("--slurm-profile", options->slurm_profile, "TOML file: partition, account, modules, limits")
      ->type_name("FILE");
  command->add_option("--db", options->db, "results database (default: $ASSAY_DB, else in the user's data folder)");
  command->add_option("--format", options->format, "of the leaderboard: table, markdown, csv or json");
  command->add_option("--junit", options->junit, "write cells and claims as JUnit's XML, for CI servers")->type_name("FILE");
  command->add_option("--repeat-check", options->repeat_check,
                      "run this share of the cells twice; those whose outcomes differ are SUSPECT (rule 7)")
      ->type_name("PERCENT%");
  command->add_flag("--dry-run", options->dry_run, "say what would be done and what it costs");
  command->add_flag("--retry-failed", options->retry_failed, "run cells again that failed before");
  command->add_flag("--quiet,-q", options->quiet, "no summary, only failures and the leaderboard");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace assay::cli
