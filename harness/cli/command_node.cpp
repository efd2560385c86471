// assay node TICKET: what a task of `assay run --executor slurm` starts on its node.
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/cli/command.hpp"
#include "harness/sched/sched.hpp"

namespace assay::cli {

void add_node(CLI::App& app, Action& action) {
  auto ticket = std::make_shared<std::string>();
  CLI::App* command = subcommand(app, "node", "Runs one node of a plan from its ticket; started by Slurm for `run --executor slurm`",
                                 "assay node work/KEY/ticket.json");
  command->add_option("ticket", *ticket, "the ticket that `assay run` wrote")->required();
  command->callback([ticket, &action] { action = [ticket] { return sched::run_ticket(*ticket); }; });
}

}  // namespace assay::cli
