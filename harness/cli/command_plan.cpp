// assay plan SUITE: every node with its state, and the estimate.
#include <CLI/CLI.hpp>
#include <memory>
#include <set>

#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/running.hpp"
#include "harness/cli/workspace.hpp"

namespace assay::cli {
namespace {

struct PlanOptions {
  std::vector<std::string> suites, only;
  std::string format = "table", db;
  bool all = false;
};

void add_nodes(Table& table, const Plan& plan, const PlanState& state, bool all) {
  for (const Node& node : plan.nodes) {
    const std::string now = state.of(node);
    if (now == "unused" && !all) continue;
    const Tone tone = now == "to do" ? Tone::plain : Tone::dim;
    const Json cost = node.cost_seconds > 0 ? Json(duration_text(node.cost_seconds)) : Json();
    table.add({plan.suite, node_kind_name(node.kind), node.label, now, cost, short_key(node.key)}, tone);
  }
}

int show_plan(const PlanOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  const PlanContext context = planning_context(WorkerClient::standard());
  Table table({{"suite", "suite"},
               {"kind", "kind"},
               {"label", "node"},
               {"state", "state"},
               {"cost", "estimate", true},
               {"key", "key"}});
  std::vector<std::string> summaries;
  for (const std::string& name : options.suites) {
    for (const auto& file : find_suites(name)) {
      const Plan plan = filter(load_and_plan(file, context).plan, key_values(options.only, "--only"));
      const PlanState state = plan_state(plan, options.db);
      add_nodes(table, plan, state, options.all);
      summaries.push_back(plan_summary(plan, state, default_jobs(plan)));
    }
  }
  table.print(format);
  if (format == Format::json) return exit_done;
  for (const std::string& one : summaries) print("\n{}", one);
  return exit_done;
}

}  // namespace

void add_plan(CLI::App& app, Action& action) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App* command = subcommand(app, "plan", "What a suite would run, what is there already, and what it costs",
                                 "assay plan quickstart/attacks --only seed=0");
  command->add_option("suite", options->suites, "suite files, names, or folders of suites")->required();
  command->add_option("--only", options->only, "KEY=VALUE: method, subject, seed or an axis; may be repeated")
      ->type_name("KEY=VALUE");
  command->add_flag("--all", options->all, "also nodes that nothing to be done needs");
  command->add_option("--format", options->format, "table or json");
  command->add_option("--db", options->db, "results database");
  command->callback([options, &action] { action = [options] { return show_plan(*options); }; });
}

}  // namespace assay::cli
