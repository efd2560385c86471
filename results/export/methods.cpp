// A card for every method: what its plugin says of itself, its certificates, where it was measured.
#include <set>

#include "results/export/chunks.hpp"
#include "results/export/sections.hpp"

namespace assay::site {
namespace {

Json build_json(const store::Store& db, const store::CellRecord& cell) {
  Json certificates = Json::array();
  for (const auto& one : db.certificates(cell.plugin_digest))
    if (one.plugin == cell.plugin_id)
      certificates.push_back(Json::object({{"role", one.role},
                                           {"check", one.check},
                                           {"passed", one.passed},
                                           {"value", number(one.value)},
                                           {"detail", one.detail}}));
  Json descriptor = cell.descriptor;
  if (descriptor.is_object()) descriptor.object_ref().erase("path");  // a place on the machine that ran it
  return Json::object({{"id", cell.plugin_id},
                       {"version", cell.plugin_version},
                       {"digest", cell.plugin_digest},
                       {"descriptor", descriptor},
                       {"certificates", certificates}});
}

}  // namespace

std::map<std::string, Json> method_cards(const store::Store& db, const std::vector<BoardData>& boards) {
  std::map<std::string, Json::Array> builds, results;
  std::set<std::pair<std::string, std::string>> seen;
  for (const BoardData& data : boards) {
    for (const auto& cell : data.cells)
      if (!cell.plugin_digest.empty() && seen.emplace(cell.method, cell.plugin_digest).second)
        builds[cell.method].push_back(build_json(db, cell));
    for (std::size_t r = 0; r < data.board.rows.size(); ++r)
      if (data.board.rank != "subject")
        results[data.board.rows[r].method].push_back(
            Json::object({{"board", data.id}, {"row", static_cast<std::int64_t>(r)}}));
  }
  for (const auto& [method, list] : builds) results.try_emplace(method);  // attacks behind a board of subjects
  std::map<std::string, Json> cards;
  for (auto& [method, rows] : results)
    cards[method] =
        Json::object({{"name", method}, {"builds", Json(builds[method])}, {"results", Json(std::move(rows))}});
  return cards;
}

}  // namespace assay::site
