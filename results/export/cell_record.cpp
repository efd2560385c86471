// Everything recorded about one cell.
#include <fmt/format.h>

#include "harness/base/subprocess.hpp"
#include "results/export/chunks.hpp"
#include "results/export/sections.hpp"

namespace assay::site {
namespace {

Json scores_json(const store::AttemptRecord& attempt) {
  Json out = Json::array();
  for (const auto& one : attempt.scores)
    out.push_back(Json::object({{"quantity", one.quantity},
                                {"condition", one.condition},
                                {"configuration", one.configuration},
                                {"value", number(one.value)},
                                {"n", one.n},
                                {"grade", one.grade},
                                {"extra", one.extra}}));
  return out;
}

Json verdicts_json(const store::AttemptRecord& attempt) {
  Json out = Json::array();
  for (const auto& one : attempt.verdicts)
    out.push_back(Json::object({{"level", level_index(one.level)}, {"rule", one.rule}, {"reason", one.reason}}));
  return out;
}

// Second runs of the cell beside this attempt (rule 7).
Json repeats_json(const store::Store& db, std::int64_t attempt) {
  Json out = Json::array();
  for (const auto& one : db.repeats(attempt))
    out.push_back(Json::object({{"verdict", one.verdict}, {"says", one.says}, {"machine", one.machine}, {"build", one.build}, {"numerics", one.numerics}}));
  return out;
}

// Every plan that holds the cell, latest first.
Json plans_json(const store::Store& db, std::int64_t cell) {
  Json out = Json::array();
  for (const auto& one : db.planned_in(cell))
    out.push_back(Json::object({{"suite", one.suite}, {"file", one.file}, {"file_sha256", one.file_sha256}, {"protocol", short_protocol(one.protocol)}}));
  return out;
}

Json attempt_json(const store::Store& db, const store::AttemptRecord& a) {
  Json traces = Json::array(), artifacts = Json::array();
  for (const auto& one : db.traces(a.id))
    traces.push_back(
        Json::object({{"name", one.name}, {"step", one.step}, {"value", number(one.value)}, {"grade", one.grade}}));
  for (const auto& one : db.artifacts(a.id))
    artifacts.push_back(
        Json::object({{"name", one.name}, {"sha256", one.sha256}, {"bytes", one.bytes}, {"made", one.made}}));
  const bool shared = a.host.is_object() && a.host.get("shared", false);
  return Json::object({{"n", a.n},
                       {"status", a.status},
                       {"reason", a.reason},
                       {"level", level_index(a.level)},
                       {"retracted", a.retracted},
                       {"protocol", a.protocol},
                       {"judgement", a.judgement},
                       {"numerics", a.numerics},
                       {"data_hash", a.data_hash},
                       {"model_hash", a.model_hash},
                       {"machine", a.machine},
                       {"build", a.build},
                       {"host", a.host},
                       {"counters", a.counters},
                       {"cost", Json::object({{"cpu", a.cpu_seconds},
                                              {"wall", a.wall_seconds},
                                              {"forward", a.forward},
                                              {"backward", a.backward},
                                              {"macs", a.macs},
                                              {"rss", a.peak_rss_bytes},
                                              {"shared", shared}})},
                       {"verdicts", verdicts_json(a)},
                       {"scores", scores_json(a)},
                       {"traces", traces},
                       {"repeats", repeats_json(db, a.id)},
                       {"artifacts", artifacts}});
}

// The last bytes of a log, from the start of a line.
std::string tail(const std::string& log, std::size_t cap) {
  if (log.size() <= cap) return log;
  const std::string end = log.substr(log.size() - cap);
  const auto line = end.find('\n');
  return line == std::string::npos || line + 1 == end.size() ? end : end.substr(line + 1);
}

Json stages_json(const store::Store& db, const store::CellRecord& cell, std::size_t log_bytes) {
  Json out = Json::array();
  for (const auto& one : db.log(cell.generation)) {
    Json stage = Json::object({{"name", one.stage},
                               {"status", one.status},
                               {"reason", one.reason},
                               {"exit_code", one.exit_code},
                               {"signal", one.signal},
                               {"wall", one.wall_seconds},
                               {"cpu", one.cpu_seconds},
                               {"rss", one.peak_rss_bytes},
                               {"shard", one.shard_sha256}});
    if (log_bytes > 0) {
      stage["log"] = tail(one.log_tail, log_bytes);
      stage["log_cut"] = one.log_tail.size() > log_bytes;
    }
    out.push_back(std::move(stage));
  }
  return out;
}

std::string quoted(const std::string& text) {
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:+") ==
      std::string::npos)
    return text;
  return shell_quoted(text);
}

// What makes the number again, and what shows it in the terminal.
Json commands(const store::CellRecord& cell, const store::SuiteRecord& suite) {
  const std::string key = short_cell(cell.generation);
  if (cell.submitted()) {
    const std::string submit = fmt::format("assay submit {} --name {} --outputs FILE --subject {} --seed {}", quoted(suite.file),
                                           quoted(cell.method), quoted(cell.subject), cell.seeds.get("method"));
    return Json(std::vector<std::string>{submit, "assay show " + key, "assay log " + key});
  }
  std::string run = "assay run " + quoted(suite.file) + " --only method=" + quoted(cell.method);
  if (!cell.subject.empty()) run += " --only subject=" + quoted(cell.subject);
  if (cell.axes.is_object())
    for (const auto& [axis, value] : cell.axes.as_object())
      if (axis != "subject")
        run += " --only " + quoted(axis + "=" + (value.is_string() ? value.as_string() : value.dump()));
  run += fmt::format(" --only seed={}", cell.seeds.get("subject"));
  return Json(std::vector<std::string>{run, "assay show " + key, "assay log " + key});
}

}  // namespace

bool troubled(const store::CellRecord& cell) {
  return !cell.standing || cell.standing->status != "ok" || cell.standing->level != store::Level::valid;
}

Json cell_record(const store::Store& db, const store::CellRecord& cell, const CellContext& context) {
  const store::SuiteRecord& suite = context.board.board.suite;
  Json attempts = Json::array();
  for (const auto& attempt : db.attempts(cell.id)) attempts.push_back(attempt_json(db, attempt));
  const auto& pictures = context.board.examples.cells;
  const auto found = pictures.find(cell.generation);
  const Json pictured = found == pictures.end() ? Json() : Json(static_cast<std::int64_t>(found->second));
  return Json::object(
      {{"key", cell.generation},
       {"board", context.board.id},
       {"suite", suite.name},
       {"label", cell.label},
       {"method", cell.method},
       {"subject", cell.subject},
       {"params", cell.params},
       {"axes", cell.axes},
       {"seeds", cell.seeds.to_json()},
       {"baseline", cell.baseline},
       {"ranked", context.ranked},
       {"plugin",
        Json::object({{"id", cell.plugin_id}, {"version", cell.plugin_version}, {"digest", cell.plugin_digest}})},
       {"identity", cell.identity},
       {"attempts", attempts},
       {"plans", plans_json(db, cell.id)},
       {"standing", cell.standing ? cell.standing->n : 0},
       {"examples", pictured},
       {"stages", stages_json(db, cell, context.log_bytes)},
       {"commands", commands(cell, suite)}});
}

}  // namespace assay::site
