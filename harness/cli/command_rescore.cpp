// assay rescore SUITE: metrics again from the stored per-sample outcomes.
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/workspace.hpp"
#include "results/board/rescore.hpp"

namespace assay::cli {
namespace {

struct RescoreOptions {
  std::string suite, metric, format = "table", db;
};

// The subject has a column of its own.
Json other_axes(const board::Rescored& one) {
  Json out = Json(Json::Object{});
  for (const auto& [axis, value] : one.axes.as_object())
    if (axis != "subject") out[axis] = value;
  return out;
}

// Rule 25: what was counted, of how many.
Json counts(const board::Rescored& one) {
  if (!one.denominator) return {};
  return fmt::format("{:.0f}/{:.0f}", *one.numerator, *one.denominator);
}

int rescore(const RescoreOptions& options) {
  const Format format = parse_format(options.format, {"table", "markdown", "csv", "json"});
  const store::Store db = open_database(options.db);
  const auto rows = board::rescore(db, protocol_of(db, options.suite), options.metric);
  if (rows.empty())
    throw Error(Fault::bad_input, "suite '" + options.suite + "' holds no per-sample outcomes" +
                                      (options.metric.empty() ? "" : " that give '" + options.metric + "'"));
  Table table({{"method", "method"}, {"subject", "subject"}, {"axes", "axes"}, {"metric", "metric"}, {"condition", "condition"}, {"cells", "cells", true},
               {"now", "now", true}, {"counts", "counts", true}, {"recorded", "recorded", true}, {"gap", "largest gap", true}});
  std::size_t different = 0, fresh = 0;
  for (const board::Rescored& one : rows) {
    different += !one.agrees;
    fresh += !one.recorded;
    table.add({one.method, one.subject, other_axes(one), one.quantity, one.condition + (one.configuration.empty() ? "" : " " + one.configuration), one.cells,
               one.mean, counts(one), one.recorded ? Json(*one.recorded) : Json(), one.recorded ? Json(one.gap) : Json()},
              one.agrees ? Tone::plain : Tone::bad);
  }
  table.print(format);
  remark(fmt::format("{} numbers computed again: {} as recorded, {} different, {} that no judge had recorded", rows.size(),
                     rows.size() - different - fresh, different, fresh));
  return different == 0 ? exit_done : exit_some_failed;
}

}  // namespace

void add_rescore(CLI::App& app, Action& action) {
  auto options = std::make_shared<RescoreOptions>();
  CLI::App* command = subcommand(app, "rescore", "Metrics again from the stored per-sample outcomes, beside what was recorded",
                                 "assay rescore quickstart-ood --metric aupr_out");
  command->add_option("suite", options->suite, "suite, by file or name, or a protocol hash")->required();
  command->add_option("--metric", options->metric, "this one only (default: all that the outcomes give)");
  command->add_option("--format", options->format, "table, markdown, csv or json");
  command->add_option("--db", options->db, "results database");
  command->callback([options, &action] { action = [options] { return rescore(*options); }; });
}

}  // namespace assay::cli
