// The index: what every page needs to name and link everything else.
#include <algorithm>
#include <set>

#include "results/board/groups.hpp"
#include "results/export/chunks.hpp"
#include "results/export/sections.hpp"

namespace assay::site {
namespace {

constexpr int format_number = 1;          // of DATA.md
constexpr std::size_t problem_cap = 500;  // problems listed on the home page; boards show all of theirs

bool failed(const store::CellRecord& cell) { return cell.standing && cell.standing->status != "ok"; }
bool at_level(const store::CellRecord& cell, store::Level level) {
  return cell.standing && cell.standing->level == level;
}

std::int64_t count(const BoardData& data, bool (*test)(const store::CellRecord&)) {
  return std::count_if(data.cells.begin(), data.cells.end(), test);
}

Json board_entry(const BoardData& data, bool latest) {
  const board::Board& b = data.board;
  const auto ranked = std::count_if(b.rows.begin(), b.rows.end(), [](const auto& row) { return row.ranked; });
  const auto best = std::find_if(b.rows.begin(), b.rows.end(), [](const auto& row) { return row.ranked; });
  return Json::object({{"id", data.id},
                       {"suite", b.suite.name},
                       {"task", b.suite.task},
                       {"version", b.suite.version},
                       {"protocol", b.suite.protocol_hash},
                       {"latest", latest},
                       {"caption", data.caption},
                       {"rank_by", b.suite.rank_by},
                       {"condition", b.suite.condition},
                       {"rows", static_cast<std::int64_t>(b.rows.size())},
                       {"ranked", static_cast<std::int64_t>(ranked)},
                       {"rank", b.rank},
                       {"best", best == b.rows.end() ? std::string() : b.rank == "subject" ? best->subject : best->method},
                       {"done", count(data,
                                      [](const auto& c) {
                                        return c.standing && c.standing->status == "ok" &&
                                               !at_level(c, store::Level::invalid);
                                      })},
                       {"planned", static_cast<std::int64_t>(data.cells.size())},
                       {"suspect", count(data, [](const auto& c) { return at_level(c, store::Level::suspect); })},
                       {"invalid", count(data, [](const auto& c) { return at_level(c, store::Level::invalid); })},
                       {"failed", count(data, failed)}});
}

Json suites_json(const std::vector<BoardData>& boards) {
  std::map<std::string, std::pair<std::string, Json>> suites;
  for (const BoardData& data : boards) {
    auto& [task, ids] = suites[data.board.suite.name];
    task = data.board.suite.task;
    ids.push_back(data.id);
  }
  Json out = Json::array();
  for (auto& [name, rest] : suites)
    out.push_back(Json::object({{"name", name}, {"task", rest.first}, {"boards", rest.second}}));
  return out;
}

struct MethodEntry {
  std::string summary;
  std::set<std::string> roles, boards;
  bool baseline = false;
  std::int64_t suspect = 0, failed = 0;
};

Json methods_json(const std::vector<BoardData>& boards) {
  std::map<std::string, MethodEntry> methods;
  std::set<std::pair<std::string, std::string>> seen;  // cards that were read: method, plugin digest
  for (const BoardData& data : boards) {
    for (const board::Earlier& one : data.earlier) methods[one.row.method].boards.insert(data.id);
    for (const auto& cell : data.cells) {
      MethodEntry& entry = methods[cell.method];
      entry.boards.insert(data.id);
      entry.baseline = entry.baseline || cell.baseline;
      entry.suspect += at_level(cell, store::Level::suspect) || at_level(cell, store::Level::invalid);
      entry.failed += failed(cell);
      // A method has as many cards as builds; the last one that is met tells of it.
      if (!board::described(cell) || !seen.insert({cell.method, cell.plugin_digest}).second) continue;
      const Descriptor descriptor = Descriptor::from_json(*cell.descriptor);
      entry.summary = descriptor.summary;
      entry.roles.insert(descriptor.roles.begin(), descriptor.roles.end());
    }
  }
  Json out = Json::array();
  for (const auto& [name, entry] : methods)
    out.push_back(Json::object({{"name", name},
                                {"summary", entry.summary},
                                {"baseline", entry.baseline},
                                {"suspect", entry.suspect},
                                {"failed", entry.failed},
                                {"roles", Json(std::vector<std::string>(entry.roles.begin(), entry.roles.end()))},
                                {"boards", Json(std::vector<std::string>(entry.boards.begin(), entry.boards.end()))}}));
  return out;
}

Json datasets_json(const store::Store& db, const std::vector<BoardData>& boards) {
  std::map<std::string, Json> uses;
  for (const BoardData& data : boards)
    for (const auto& [place, key] : data_keys(data.board.suite.protocol))
      uses[key].push_back(Json::object({{"board", data.id}, {"as", place}}));
  Json out = Json::array();
  for (const auto& [key, used] : uses) {
    const auto node = db.find(key);
    std::string label = node ? node->label : "content " + short_protocol(key);
    if (label.rfind("prepare ", 0) == 0) label = label.substr(8);
    out.push_back(
        Json::object({{"id", short_protocol(key)},
                      {"label", label},
                      {"key", key},
                      {"set", node && node->identity.is_object() ? node->identity.get("set", "") : std::string()},
                      {"recipe", node ? node->identity : Json(Json::Object{})},
                      {"uses", used}}));
  }
  return out;
}

Json all_claims(const std::vector<BoardData>& boards) {
  Json out = Json::array();
  for (const BoardData& data : boards) {
    const Json own = claims_json(data);
    for (const Json& claim : own.as_array()) out.push_back(claim);
  }
  return out;
}

Json problem_json(const BoardData& data, const store::CellRecord& cell) {
  Json reasons = Json::array();
  for (const auto& verdict : cell.standing->verdicts)
    reasons.push_back(verdict.reason + (verdict.rule > 0 ? " (rule " + std::to_string(verdict.rule) + ")" : ""));
  if (!cell.standing->reason.empty()) reasons.push_back(cell.standing->reason);
  return Json::object({{"cell", short_cell(cell.generation)},
                       {"label", cell.label},
                       {"board", data.id},
                       {"level", level_index(cell.standing->level)},
                       {"status", cell.standing->status},
                       {"reasons", reasons}});
}

Json health_json(const std::vector<BoardData>& boards) {
  std::set<std::string> machines, builds;
  std::map<std::string, std::int64_t> by_status;
  std::vector<std::int64_t> by_level(3, 0);
  std::int64_t attempts = 0;
  Json problems = Json::array();
  for (const BoardData& data : boards)
    for (const auto& cell : data.cells) {
      ++by_status[cell.standing ? cell.standing->status : "not run"];
      if (!cell.standing) continue;
      ++attempts;
      ++by_level[static_cast<std::size_t>(level_index(cell.standing->level))];
      machines.insert(cell.standing->machine);
      builds.insert(cell.standing->build);
      const bool fine = cell.standing->status == "ok" && cell.standing->level == store::Level::valid;
      if (!fine && problems.size() < problem_cap) problems.push_back(problem_json(data, cell));
    }
  Json::Object status;
  for (const auto& [name, n] : by_status) status[name] = n;
  const auto last = std::max_element(boards.begin(), boards.end(), [](const BoardData& a, const BoardData& b) { return a.board.suite.used < b.board.suite.used; });
  return Json::object({{"attempts", attempts},
                       {"last", last == boards.end() ? std::string() : last->id},
                       {"by_status", Json(std::move(status))},
                       {"by_level", Json(by_level)},
                       {"machines", Json(std::vector<std::string>(machines.begin(), machines.end()))},
                       {"builds", Json(std::vector<std::string>(builds.begin(), builds.end()))},
                       {"problems", problems}});
}

}  // namespace

Json index_chunk(const store::Store& db, const std::vector<BoardData>& boards, const std::string& version,
                 int cell_prefix) {
  Json entries = Json::array();
  for (const BoardData& data : boards) {
    const auto latest = db.suite(data.board.suite.name);
    entries.push_back(board_entry(data, latest && latest->protocol_hash == data.board.suite.protocol_hash));
  }
  return Json::object({{"format", format_number},
                       {"version", version},
                       {"cell_prefix", cell_prefix},
                       {"suites", suites_json(boards)},
                       {"boards", entries},
                       {"methods", methods_json(boards)},
                       {"datasets", datasets_json(db, boards)},
                       {"claims", all_claims(boards)},
                       {"health", health_json(boards)}});
}

}  // namespace assay::site
