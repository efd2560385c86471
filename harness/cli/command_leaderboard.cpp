// assay leaderboard SUITE
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/cli/command.hpp"
#include "harness/cli/leaderboard.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/workspace.hpp"

namespace assay::cli {

board::Board show_leaderboard(const store::Store& db, const board::Query& query, board::Format format) {
  board::FormatOptions look;
  look.width = is_terminal(1) ? terminal_width(1) : 120;
  board::Board made = board::make_board(db, query);
  print(board::format(made, format, look));
  if (format != board::Format::table) return made;
  if (const auto curves = board::make_curves(db, query)) print("\n" + board::format(*curves, format, look));
  return made;
}

namespace {

struct LeaderboardOptions {
  std::string suite, by, condition, format = "table", db;
};

int leaderboard(const LeaderboardOptions& options) {
  const board::Format format = board::parse_format(options.format);
  const store::Store db = open_database(options.db);
  board::Query query;
  query.protocol = protocol_of(db, options.suite);
  query.by = options.by;
  query.condition = options.condition;
  show_leaderboard(db, query, format);
  return exit_done;
}

}  // namespace

void add_leaderboard(CLI::App& app, Action& action) {
  auto options = std::make_shared<LeaderboardOptions>();
  CLI::App* command = subcommand(app, "leaderboard", "The ranked results of a suite",
                                 "assay leaderboard quickstart/attacks --format markdown");
  command->add_option("suite", options->suite, "suite file, suite name or protocol hash")->required();
  command->add_option("--by", options->by, "metric to rank by (default: the suite's)");
  command->add_option("--condition", options->condition, "condition to rank at, e.g. eps=1/10 (default: the suite's)");
  command->add_option("--format", options->format, "table, markdown, csv or json");
  command->add_option("--db", options->db, "results database (default: $ASSAY_DB, else in the user's data folder)");
  command->callback([options, &action] { action = [options] { return leaderboard(*options); }; });
}

}  // namespace assay::cli
