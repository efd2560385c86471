// assay compare SUITE A B [C...]  and  assay compare --table FILE.csv
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/workspace.hpp"
#include "results/board/compare.hpp"

namespace assay::cli {
namespace {

struct CompareCommand {
  std::vector<std::string> words;  // suite and methods
  std::string table, by, condition, subject, over, missing = "refuse", quantity, format = "text", db;
  double alpha = 0.05, equivalent = 0;
  bool lower = false;
};

template <class T>
T one_of(const std::string& flag, const std::string& given, const std::vector<std::pair<std::string, T>>& choices) {
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) {
    if (name == given) return value;
    names.push_back(name);
  }
  throw Error(Fault::bad_input, flag + ": unknown value '" + given + "'" + suggestion(given, names));
}

board::WideTable from_suite(const CompareCommand& command, const std::optional<board::Unit>& unit, std::string& quantity) {
  if (command.words.size() < 3)
    throw Error(Fault::bad_input, "compare: name a suite and at least two methods, or --table FILE.csv");
  const store::Store db = open_database(command.db);
  board::Query query;
  query.protocol = protocol_of(db, command.words[0]);
  query.by = command.by;
  query.condition = command.condition;
  query.resamples = 100;  // the board's own intervals are not shown
  const board::Board made = board::make_board(db, query);
  if (!made.metrics.empty()) quantity = made.metrics[0].title();
  return board::wide_of(db, made, {{command.words.begin() + 1, command.words.end()}, command.subject, unit});
}

board::WideTable from_table(const CompareCommand& command) {
  if (!command.words.empty())
    throw Error(Fault::bad_input, "compare: expected either a suite with methods or --table, found both");
  return board::parse_wide(read_text(command.table), command.table, !command.lower);
}

int compare(const CompareCommand& command) {
  const board::CompareFormat format = board::parse_compare_format(command.format);
  std::optional<board::Unit> unit;
  if (!command.over.empty())
    unit = one_of<board::Unit>("--over", command.over, {{"samples", board::Unit::samples}, {"seeds", board::Unit::seeds}});
  board::CompareOptions options;
  options.alpha = command.alpha;
  options.missing = one_of<stats::Missing>("--missing", command.missing,
                                           {{"refuse", stats::Missing::refuse},
                                            {"drop", stats::Missing::drop_data_set},
                                            {"worst", stats::Missing::worst}});
  if (command.equivalent > 0) options.rope = stats::Rope{-command.equivalent, command.equivalent};
  std::string quantity = options.quantity;
  const board::WideTable wide = command.table.empty() ? from_suite(command, unit, quantity) : from_table(command);
  options.quantity = command.quantity.empty() ? quantity : command.quantity;
  print(std::string_view(board::format(board::compare(wide, options), format)));
  return exit_done;
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  auto options = std::make_shared<CompareCommand>();
  CLI::App* command = subcommand(app, "compare", "Are methods different? Paired tests, effect sizes and a report in sentences",
                                 "assay compare quickstart/attacks pgd fgsm --equivalent 0.01");
  command->add_option("words", options->words, "a suite (file, name or protocol hash) and two or more of its methods; of its subjects where the board ranks those");
  command->add_option("--table", options->table, "anyone's CSV: a row a data set (head 'seed' or 'sample' for those), a column a method");
  command->add_option("--by", options->by, "metric to compare by (default: the suite's)");
  command->add_option("--condition", options->condition, "condition to compare at (default: the suite's)");
  command->add_option("--subject", options->subject, "where methods were run on several");
  command->add_option("--over", options->over, "samples or seeds: what a pair is (default: samples where the metric is their mean)");
  command->add_option("--missing", options->missing, "empty entries of a table: refuse, drop (the row) or worst");
  command->add_option("--equivalent", options->equivalent, "differences up to this do not matter")->check(CLI::PositiveNumber);
  command->add_option("--alpha", options->alpha, "level of the tests")->check(CLI::Range(0.0001, 0.4999));
  command->add_flag("--lower-is-better", options->lower, "of a table's values");
  command->add_option("--quantity", options->quantity, "what the values are, for captions");
  command->add_option("--format", options->format, "text, markdown, latex or json");
  command->add_option("--db", options->db, "results database (default: $ASSAY_DB, else in the user's data folder)");
  command->callback([options, &action] { action = [options] { return compare(*options); }; });
}

}  // namespace assay::cli
