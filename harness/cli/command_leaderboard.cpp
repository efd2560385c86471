// assay leaderboard SUITE
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/leaderboard.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/workspace.hpp"
#include "results/board/front.hpp"
#include "results/board/text.hpp"

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
  std::string suite, by, condition, format = "table", db, front;
};

// Quality against cost instead of ranks.
int show_front(const store::Store& db, const board::Query& query, const LeaderboardOptions& options) {
  const Format format = parse_format(options.format, {"table", "markdown", "csv", "json"});
  const board::Board made = board::make_board(db, query);
  const board::Front front = board::make_front(db, query, made, options.front);
  if (front.rows.empty()) throw Error(Fault::bad_input, "no front: " + front.note);
  Table table({{"method", "method"}, {"subject", "subject"}, {"quality", made.metrics[0].title(), true}, {"cost", front.cost, true},
               {"front", "on the front"}, {"probability", "in this share of resamples", true}});
  for (const board::FrontRow& one : front.rows) {
    const board::Row& row = made.rows[one.row];
    table.add({board::row_name(row), row.subject, one.quality, one.cost, one.on_front, one.probability});
  }
  table.print(format);
  remark(fmt::format("Pareto front of the means; {} resamples of the test samples, costs as measured", front.resamples));
  if (!front.note.empty()) remark("note: " + front.note);
  return exit_done;
}

int leaderboard(const LeaderboardOptions& options) {
  const board::Format format = board::parse_format(options.format);
  const store::Store db = open_database(options.db);
  board::Query query;
  query.protocol = protocol_of(db, options.suite);
  query.by = options.by;
  query.condition = options.condition;
  if (!options.front.empty()) return show_front(db, query, options);
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
  command->add_option("--front", options->front, "quality against this cost instead: forward, backward, macs or cpu")->type_name("COST");
  command->add_option("--format", options->format, "table, markdown, csv or json");
  command->add_option("--db", options->db, "results database (default: $ASSAY_DB, else in the user's data folder)");
  command->callback([options, &action] { action = [options] { return leaderboard(*options); }; });
}

}  // namespace assay::cli
