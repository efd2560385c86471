// assay reproduce CELL: one recorded cell again, and what is not the same.
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/reproducing.hpp"
#include "harness/cli/running.hpp"
#include "harness/cli/signals.hpp"

namespace assay::cli {
namespace {

struct ReproduceOptions {
  std::string cell, suite, format = "table", sandbox = "auto", db;
  int attempt = 0;  // 0: the one that stands
  int jobs = 0;
  bool fresh = false;
};

store::AttemptRecord chosen(const store::Store& db, const store::CellRecord& cell, int n) {
  const auto attempts = db.attempts(cell.id);
  if (n == 0 && !cell.standing) throw Error(Fault::bad_input, "'" + cell.label + "' was never run to an end that stands; 'assay run' runs it");
  for (const store::AttemptRecord& one : attempts)
    if (one.n == (n == 0 ? cell.standing->n : n)) return one;
  throw Error(Fault::bad_input, fmt::format("'{}' has no attempt {}; expected one of 1 to {}", cell.label, n, attempts.size()));
}

void show_table(const Again& again) {
  const board::Reproduction& found = again.reproduction;
  const bool different = found.sameness == board::Sameness::different;
  print("{}\n", paint(found.says(), different ? Tone::bad : Tone::good));
  for (const std::string& reason : found.reasons) print("  {}\n", reason);
  for (const auto& [label, bytes] : again.remade) print("  made again: {} ({})\n", label, bytes);
  if (found.deviations.empty()) return;
  Table table({{"what", "quantity"}, {"n", "n", true}, {"differing", "differing", true}, {"lost", "lost", true}, {"gained", "gained", true},
               {"p", "p", true}, {"largest", "largest", true}, {"before", "before", true}, {"now", "now", true}, {"note", ""}});
  for (const board::Deviation& one : found.deviations) {
    const bool flips = one.flips && one.trouble.empty();
    const std::string note = !one.trouble.empty() ? one.trouble : one.explained ? "within another class" : "";
    table.add({one.place(), one.n, one.differing, flips ? Json(one.lost) : Json(), flips ? Json(one.gained) : Json(),
               one.p ? Json(*one.p) : Json(), one.largest, one.before, one.now, note},
              one.explained ? Tone::plain : Tone::bad);
  }
  table.print(Format::table);
}

void show_json(const store::CellRecord& cell, const store::AttemptRecord& attempt, const PlannedAgain& planned, const Again& again) {
  Json out = again.reproduction.to_json();
  Json remade = Json::array();
  for (const auto& [label, bytes] : again.remade) remade.push_back(Json::object({{"label", label}, {"bytes", bytes}}));
  out["cell"] = cell.generation;
  out["label"] = cell.label;
  out["attempt"] = attempt.n;
  out["key_now"] = planned.key;
  out["remade"] = remade;
  out["seconds"] = again.seconds;
  print(out.dump(2) + "\n");
}

int reproduce(const ReproduceOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  const store::Store db = open_database(options.db);
  const store::CellRecord cell = db.show(options.cell);
  if (cell.kind != "cell")
    throw Error(Fault::bad_input, fmt::format("'{}' is a {} node; expected a cell ('assay reproduce --fresh' of a cell makes what it needs again)",
                                              cell.label, cell.kind));
  if (cell.submitted())
    throw Error(Fault::bad_input, "'" + cell.label + "': its outputs were made elsewhere, and nothing here can make them again");
  const store::AttemptRecord attempt = chosen(db, cell, options.attempt);
  const auto file = options.suite.empty() ? suite_of(db, cell, attempt) : find_suite(options.suite);
  const PlanContext context = planning_context(WorkerClient::standard(sched::parse_sandbox_mode(options.sandbox)));
  const PlannedAgain planned = plan_again(cell, file, context);
  AgainOptions how;
  how.fresh = options.fresh;
  how.jobs = options.jobs > 0 ? options.jobs : default_jobs(planned.plan);
  how.sandbox = sched::parse_sandbox_mode(options.sandbox);
  how.stop = &catch_signals();
  const Again again = run_again(planned, db, attempt, context, how);
  if (again.interrupted) {
    remark("interrupted; nothing was recorded");
    return exit_interrupted;
  }
  if (format == Format::json) show_json(cell, attempt, planned, again);
  else show_table(again);
  return again.reproduction.sameness == board::Sameness::different ? exit_some_failed : exit_done;
}

}  // namespace

void add_reproduce(CLI::App& app, Action& action) {
  auto options = std::make_shared<ReproduceOptions>();
  CLI::App* command = subcommand(app, "reproduce", "Runs a recorded cell again and compares, number by number; records nothing",
                                 "assay reproduce 1a2b3c4d --fresh");
  command->add_option("cell", options->cell, "key of a cell, or its first digits")->required();
  command->add_option("--suite", options->suite, "file or name of its suite (default: the recorded one)");
  command->add_option("--attempt", options->attempt, "compare with this one (default: the one that stands)")->check(CLI::PositiveNumber);
  command->add_flag("--fresh", options->fresh, "make its data and models again too, instead of taking them from the cache");
  command->add_option("--jobs,-j", options->jobs, "nodes at a time (default: cores / threads of a cell)")->check(CLI::Range(1, 4096));
  command->add_option("--sandbox", options->sandbox, "auto, require or off")->check(CLI::IsMember({"auto", "require", "off"}));
  command->add_option("--format", options->format, "table or json");
  command->add_option("--db", options->db, "results database");
  command->callback([options, &action] { action = [options] { return reproduce(*options); }; });
}

}  // namespace assay::cli
