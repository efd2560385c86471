// assay show CELL, assay log CELL
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/workspace.hpp"
#include "results/board/provenance.hpp"

namespace assay::cli {
namespace {

struct ShowOptions {
  std::string cell, format = "table", db;
};

Json score_json(const store::ScoreRecord& one) {
  return Json::object({{"quantity", one.quantity},
                       {"condition", one.condition},
                       {"configuration", one.configuration},
                       {"value", one.value},
                       {"n", one.n},
                       {"grade", one.grade},
                       {"extra", one.extra}});
}

Json verdict_json(const store::VerdictRecord& one) {
  return Json::object({{"level", store::level_name(one.level)}, {"rule", one.rule}, {"reason", one.reason}});
}

Json repeats_json(const std::vector<store::RepeatRecord>& repeats) {
  Json out = Json::array();
  for (const auto& one : repeats)
    out.push_back(Json::object({{"verdict", one.verdict}, {"says", one.says}, {"machine", one.machine}, {"build", one.build},
                                {"numerics", one.numerics}, {"columns", one.columns}, {"units", one.units},
                                {"scores", one.scores}, {"deviations", one.deviations}}));
  return out;
}

Json attempt_json(const store::AttemptRecord& one) {
  Json scores = Json::array(), verdicts = Json::array();
  for (const auto& score : one.scores) scores.push_back(score_json(score));
  for (const auto& verdict : one.verdicts) verdicts.push_back(verdict_json(verdict));
  return Json::object({{"attempt", one.n},
                       {"status", one.status},
                       {"reason", one.reason},
                       {"level", store::level_name(one.level)},
                       {"protocol", one.protocol},
                       {"judgement", one.judgement},
                       {"numerics", one.numerics},
                       {"data_hash", one.data_hash},
                       {"model_hash", one.model_hash},
                       {"machine", one.machine},
                       {"build", one.build},
                       {"retracted", one.retracted},
                       {"host", one.host},
                       {"counters", one.counters},
                       {"wall_seconds", one.wall_seconds},
                       {"cpu_seconds", one.cpu_seconds},
                       {"peak_rss_bytes", one.peak_rss_bytes},
                       {"forward", one.forward},
                       {"backward", one.backward},
                       {"macs", one.macs},
                       {"scores", scores},
                       {"verdicts", verdicts}});
}

Json cell_json(const store::Store& db, const store::CellRecord& cell) {
  Json attempts = Json::array(), artifacts = Json::array(), origins = Json::array();
  for (const auto& origin : board::provenance(db, cell)) origins.push_back(origin.to_json());
  for (const auto& attempt : db.attempts(cell.id)) {
    attempts.push_back(attempt_json(attempt));
    attempts.array_ref().back()["repeats"] = repeats_json(db.repeats(attempt.id));
    for (const auto& one : db.artifacts(attempt.id))
      artifacts.push_back(Json::object({{"attempt", attempt.n},
                                        {"name", one.name},
                                        {"sha256", one.sha256},
                                        {"bytes", one.bytes},
                                        {"way", one.made ? "made" : "used"}}));
  }
  return Json::object(
      {{"key", cell.generation},
       {"kind", cell.kind},
       {"label", cell.label},
       {"method", cell.method},
       {"subject", cell.subject},
       {"plugin",
        Json::object({{"id", cell.plugin_id}, {"version", cell.plugin_version}, {"sha256", cell.plugin_digest}})},
       {"params", cell.params},
       {"axes", cell.axes},
       {"seeds", cell.seeds.to_json()},
       {"baseline", cell.baseline},
       {"identity", cell.identity},
       {"made_from", origins},
       {"attempts", attempts},
       {"artifacts", artifacts}});
}

void show_field(const std::string& name, const std::string& value) {
  if (!value.empty() && value != "-") print("{:<12} {}\n", name, value);
}

// "forward_per_sample = 20 ran out in 8 calls, first at eps=1/10, batch 0 (after 20 forward and 20 backward passes)".
void show_budgets(const Json& counters) {
  if (!counters.is_object()) return;
  if (counters.has("ended")) {
    const Json& ended = counters.at("ended");
    const std::int64_t cut = ended.get("at_a_budget", 0), calls = cut + ended.get("by_itself", 0);
    show_field("ended", cut == 0 ? "by itself" : fmt::format("at a budget in {} of {} calls, else by itself", cut, calls));
  }
  if (!counters.has("budgets")) return;
  for (const auto& [budget, one] : counters.at("budgets").as_object()) {
    const Json& first = one.at("first");
    std::string text = fmt::format("{} = {:g} ran out in {} calls, first at {} (after {:g} forward and {:g} backward passes of a sample",
                                   budget, one.at("limit").as_real(), one.get("calls", 1), first.get("at", ""),
                                   first.get("forward", 0.0), first.get("backward", 0.0));
    if (first.has("seconds")) text += fmt::format(", {}", duration_text(first.get("seconds", 0.0)));
    show_field("budget", text + ")");
  }
}

void show_attempt(const store::Store& db, const store::AttemptRecord& one) {
  print("\n{}\n", paint(fmt::format("attempt {}: {} {}", one.n, one.status, store::level_name(one.level)),
                        one.status == "ok" && one.level == store::Level::valid ? Tone::bold : Tone::bad));
  show_field("reason", one.reason);
  show_field("retracted", one.retracted);
  for (const auto& verdict : one.verdicts)
    show_field(store::level_name(verdict.level),
               verdict.reason + (verdict.rule > 0 ? " (rule " + std::to_string(verdict.rule) + ")" : ""));
  for (const auto& repeat : db.repeats(one.id)) show_field("run again", repeat.says);
  show_field("protocol", one.protocol);
  show_field("numerics", one.numerics);
  show_field("machine", one.machine);
  show_field("build", one.build);
  show_field("data", one.data_hash);
  show_field("model", one.model_hash);
  show_field("cost", fmt::format("{} wall, {} CPU, {} peak; {} forward and {} backward passes, {:.3g} MACs",
                                 duration_text(one.wall_seconds), duration_text(one.cpu_seconds),
                                 bytes_text(static_cast<double>(one.peak_rss_bytes)), one.forward, one.backward,
                                 static_cast<double>(one.macs)));
  show_budgets(one.counters);
  if (one.scores.empty()) return;
  Table table(
      {{"q", "quantity"}, {"c", "condition"}, {"v", "value", true}, {"n", "n", true}, {"g", "grade"}, {"e", "more"}});
  for (const auto& score : one.scores) {
    const std::string where =
        score.configuration.empty() ? score.condition : score.condition + " " + score.configuration;
    table.add({score.quantity, where, score.value, score.n, score.grade,
               score.extra.is_object() && score.extra.size() > 0 ? score.extra : Json("")});
  }
  table.print(Format::table);
}

int show(const ShowOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  const store::Store db = open_database(options.db);
  const store::CellRecord cell = db.show(options.cell);
  if (format == Format::json) {
    print(cell_json(db, cell).dump(2) + "\n");
    return exit_done;
  }
  print("{}\n", paint(cell.label, Tone::bold));
  show_field("key", cell.generation);
  show_field("kind", cell.kind);
  show_field("plugin", cell.plugin_id.empty()
                           ? ""
                           : cell.plugin_id + " " + cell.plugin_version + " " + short_key(cell.plugin_digest));
  show_field("subject", cell.subject);
  if (cell.params.is_object()) show_field("parameters", cell_text(cell.params));
  if (cell.axes.is_object()) show_field("axes", cell_text(cell.axes));
  show_field("seeds", cell_text(cell.seeds.to_json()));
  const std::string origins = board::provenance_text(board::provenance(db, cell));
  if (!origins.empty()) print("made from\n{}", origins);
  for (const auto& attempt : db.attempts(cell.id)) show_attempt(db, attempt);
  return exit_done;
}

Json stage_json(const store::StageRecord& one) {
  return Json::object({{"stage", one.stage},
                       {"status", one.status},
                       {"reason", one.reason},
                       {"exit_code", one.exit_code},
                       {"signal", one.signal},
                       {"wall_seconds", one.wall_seconds},
                       {"cpu_seconds", one.cpu_seconds},
                       {"peak_rss_bytes", one.peak_rss_bytes},
                       {"phases", one.phases},
                       {"log", one.log_tail}});
}

int log(const ShowOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  const store::Store db = open_database(options.db);
  const auto stages = db.log(options.cell);
  if (format == Format::json) {
    Json all = Json::array();
    for (const auto& one : stages) all.push_back(stage_json(one));
    print(all.dump(2) + "\n");
    return exit_done;
  }
  if (stages.empty())
    remark("no stage of this cell was started: a node that it needs failed (see 'assay show " + options.cell + "')");
  for (const auto& one : stages) {
    std::string head =
        fmt::format("--- {}: {} ({} wall, {} CPU, {} peak", one.stage, one.status, duration_text(one.wall_seconds),
                    duration_text(one.cpu_seconds), bytes_text(static_cast<double>(one.peak_rss_bytes)));
    head += one.signal != 0 ? fmt::format(", signal {})", one.signal) : fmt::format(", exit code {})", one.exit_code);
    print("{}\n",
          paint(head + (one.reason.empty() ? "" : ": " + one.reason), one.status == "ok" ? Tone::bold : Tone::bad));
    print(std::string_view(one.log_tail));
    if (!one.log_tail.empty() && one.log_tail.back() != '\n') print(std::string_view("\n"));
  }
  return exit_done;
}

void declare_show(CLI::App& app, Action& action, const char* name, const char* says, int (*work)(const ShowOptions&)) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command = subcommand(app, name, says, std::string("assay ") + name + " 1a2b3c4d");
  command->add_option("cell", options->cell, "key of a cell, or its first digits")->required();
  command->add_option("--format", options->format, "table or json");
  command->add_option("--db", options->db, "results database");
  command->callback([options, &action, work] { action = [options, work] { return work(*options); }; });
}

}  // namespace

void add_show(CLI::App& app, Action& action) {
  declare_show(app, action, "show", "One record: identity, attempts, numbers, verdicts, cost", show);
}
void add_log(CLI::App& app, Action& action) {
  declare_show(app, action, "log", "What the stages of one cell's last attempt printed", log);
}

}  // namespace assay::cli
