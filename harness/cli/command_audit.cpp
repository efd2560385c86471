// assay audit MODEL.onnx --data SET: quality, robustness by radius and AutoAttack of a model that the user brings, and what the
// judges object to.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/audit.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/keyboard.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/pages.hpp"
#include "harness/cli/running.hpp"
#include "harness/cli/signals.hpp"
#include "harness/cli/workspace.hpp"

namespace assay::cli {
namespace {

struct AuditOptions {
  std::string model, set, norm = "linf", eps = "8/255", name, stop_at, folder, site, db, sandbox = "auto", format = "markdown";
  std::int64_t samples = 1000;
  int seeds = 1, jobs = 0;
  bool dry_run = false;
};

// What may stand in suites as an id, from a file's name.
std::string id_of(const std::string& file) {
  std::string id = fs::path(file).stem().string();
  for (char& c : id) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_' && c != '.') c = '-';
  }
  return id;
}

AuditQuestion question_of(const AuditOptions& options) {
  AuditQuestion question;
  if (!fs::is_regular_file(options.model)) throw Error(Fault::bad_input, "cannot read '" + options.model + "'; expected an ONNX file");
  question.model = fs::absolute(options.model).lexically_normal().string();
  question.name = options.name.empty() ? id_of(options.model) : options.name;
  question.set = options.set;
  question.norm = options.norm;
  const auto eps = Rational::parse(options.eps);
  if (!eps || eps->num <= 0) throw Error(Fault::bad_input, "--eps: expected a radius above 0 such as 8/255, found '" + options.eps + "'");
  question.eps = *eps;
  question.samples = options.samples;
  if (!options.stop_at.empty()) {
    question.half_width = Rational::parse(options.stop_at);
    if (!question.half_width || question.half_width->num <= 0 || question.half_width->value() >= 0.5)
      throw Error(Fault::bad_input, "--stop-at: expected a share above 0 and below 1/2 such as 0.02, found '" + options.stop_at + "'");
  }
  question.seeds.clear();
  for (int seed = 0; seed < options.seeds; ++seed) question.seeds.push_back(seed);
  return question;
}

std::vector<fs::path> write_suites(const AuditQuestion& question, const fs::path& folder) {
  std::vector<fs::path> files;
  fs::create_directories(folder);
  for (const AuditSuite& suite : audit_suites(question)) {
    files.push_back(folder / (suite.part + ".toml"));
    write_atomic(files.back(), suite.text);
  }
  return files;
}

// Whether every cell of the plan came to an end.
RunReport run_one(const Plan& plan, const PlanContext& context, const AuditOptions& options, std::atomic<int>& stop) {
  RunOptions how;
  how.jobs = options.jobs > 0 ? options.jobs : default_jobs(plan);
  how.database = database_path(options.db);
  how.stop = &stop;
  how.sandbox = sched::parse_sandbox_mode(options.sandbox);
  const std::string summary = plan_summary(plan, plan_state(plan, options.db), how.jobs);
  remark(summary.substr(0, summary.size() - 1));
  return run_plan(plan, plan, context, how);
}

int interrupted(const RunReport& report) {
  remark(report.out_of_space.empty() ? "interrupted; run the same command to go on" : "stopped: " + report.out_of_space);
  return exit_interrupted;
}

int audit(const AuditOptions& options) {
  const Format format = parse_format(options.format, {"markdown", "json"});
  const AuditQuestion question = question_of(options);
  const PlanContext context = planning_context(WorkerClient::standard(sched::parse_sandbox_mode(options.sandbox)));
  const fs::path folder = options.folder.empty() ? fs::path("audit-" + question.name) : fs::path(options.folder);
  std::vector<Plan> plans;
  for (const fs::path& file : write_suites(question, folder)) plans.push_back(load_and_plan(file, context).plan);
  if (options.dry_run) {
    for (const Plan& plan : plans) print(std::string_view(plan_summary(plan, plan_state(plan, options.db), options.jobs > 0 ? options.jobs : default_jobs(plan))));
    return exit_done;
  }
  std::atomic<int>& stop = catch_signals();
  const Keyboard keyboard(stop);
  std::vector<std::string> protocols;
  bool clean = true;
  for (const Plan& plan : plans) {
    const RunReport report = run_one(plan, context, options, stop);
    if (report.summary.interrupted) return interrupted(report);
    clean = clean && report.failures.empty() && report.refused.empty();
    protocols.push_back(plan.protocol_hash);
  }
  const store::Store db = open_database(options.db);
  const AuditReport report = audit_report(db, question, protocols);
  const std::string text = to_markdown(report);
  write_atomic(folder / "report.md", text);
  print(format == Format::json ? to_json(report).dump(2) + "\n" : text);
  remark("suites and report are in " + folder.string());
  if (!options.site.empty()) {
    write_pages(db, options.site);
    remark("open " + page_of(options.site));
  }
  return clean ? exit_done : exit_some_failed;
}

}  // namespace

void add_audit(CLI::App& app, Action& action) {
  auto options = std::make_shared<AuditOptions>();
  CLI::App* command = subcommand(app, "audit", "Quality, robustness and AutoAttack of your own ONNX model, with what the judges object to",
                                 "assay audit my-net.onnx --data cifar10 --eps 8/255 --samples 200 --site audit-site");
  command->add_option("model", options->model, "ONNX file; its inputs in [0, 1] as the data set gives them, its outputs logits")->required();
  command->add_option("--data", options->set, "data set ('assay data list' shows them)")->required();
  command->add_option("--norm", options->norm, "linf, l2 or l1")->check(CLI::IsMember({"linf", "l2", "l1"}));
  command->add_option("--eps", options->eps, "radius, a fraction as text (default 8/255)");
  command->add_option("--samples", options->samples, "test samples that are attacked, balanced over classes (default 1000)")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--stop-at", options->stop_at, "stop AutoAttack when robust accuracy is known to +- this share at 95 %, e.g. 0.02")
      ->type_name("HALF_WIDTH");
  command->add_option("--seeds", options->seeds, "of the attacks (default 1)")->check(CLI::Range(1, 100));
  command->add_option("--name", options->name, "what the model is called (default: the file's name)");
  command->add_option("--out", options->folder, "folder of suites and report (default: audit-NAME)");
  command->add_option("--site", options->site, "also write the results site into this folder");
  command->add_option("--jobs,-j", options->jobs, "cells at a time")->check(CLI::Range(1, 4096));
  command->add_option("--sandbox", options->sandbox, "auto, require or off, as of run")->check(CLI::IsMember({"auto", "require", "off"}));
  command->add_option("--db", options->db, "results database (default: $ASSAY_DB, else in the user's data folder)");
  command->add_option("--format", options->format, "of the report: markdown or json");
  command->add_flag("--dry-run", options->dry_run, "write the suites, say what they cost, run nothing");
  command->callback([options, &action] { action = [options] { return audit(*options); }; });
}

}  // namespace assay::cli
