// How a command joins the program: one file defines add_<name>(), which declares options on a subcommand and, when that
// subcommand is chosen, leaves the work in `action`. main.cpp runs the action and turns errors into exit codes.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace assay::cli {

// The contract of the program's exit codes.
enum ExitCode : int { exit_done = 0, exit_some_failed = 1, exit_usage = 2, exit_internal = 3, exit_interrupted = 130 };

using Action = std::function<int()>;

// Declares the subcommand with its one-line description and an example that --help shows last.
CLI::App* subcommand(CLI::App& app, const std::string& name, const std::string& says, const std::string& example);

void add_run(CLI::App& app, Action& action);
void add_node(CLI::App& app, Action& action);
void add_plan(CLI::App& app, Action& action);
void add_list(CLI::App& app, Action& action);
void add_info(CLI::App& app, Action& action);
void add_leaderboard(CLI::App& app, Action& action);
void add_claims(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_rescore(CLI::App& app, Action& action);
void add_submit(CLI::App& app, Action& action);
void add_audit(CLI::App& app, Action& action);
void add_reproduce(CLI::App& app, Action& action);
void add_site(CLI::App& app, Action& action);
void add_show(CLI::App& app, Action& action);
void add_log(CLI::App& app, Action& action);
void add_data(CLI::App& app, Action& action);
void add_new(CLI::App& app, Action& action);
void add_check(CLI::App& app, Action& action);
void add_model(CLI::App& app, Action& action);
void add_db(CLI::App& app, Action& action);
void add_db_exchange(CLI::App& group, Action& action);  // claim and share, below db
void add_cache(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);
void add_completion(CLI::App& app, Action& action);

// The whole program: parses, runs, prints errors, gives the exit code. Never throws.
int run_program(int argc, const char* const* argv);

}  // namespace assay::cli
