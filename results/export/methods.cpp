// A card for every method: what its plugin says of itself, its certificates, where it was measured.
#include <set>

#include "results/board/text.hpp"
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
  Json descriptor = cell.descriptor ? *cell.descriptor : Json();
  if (descriptor.is_object()) descriptor.object_ref().erase("path");  // a place on the machine that ran it
  return Json::object({{"id", cell.plugin_id},
                       {"version", cell.plugin_version},
                       {"digest", cell.plugin_digest},
                       {"descriptor", descriptor},
                       {"certificates", certificates}});
}

Json cells_json(const board::Row& row) {
  Json out = Json::array();
  for (const std::string& key : row.cells) out.push_back(short_cell(key));
  return out;
}

// A result that no board shows any more, with all that its board would say of it.
Json earlier_json(const BoardData& data, const board::Earlier& one) {
  std::vector<std::string> over;
  const Json value = one.row.values.empty() ? Json() : value_json(one.row.values[0], over);
  return Json::object({{"board", data.id},
                       {"name", board::row_name(one.row)},
                       {"subject", one.row.subject},
                       {"axes", one.row.axes},
                       {"version", one.row.plugin_version},
                       {"digest", one.row.plugin_digest.substr(0, 12)},
                       {"numerics", one.numerics},
                       {"suite_version", one.version},
                       {"order", one.order},
                       {"value", value},
                       {"over", over.empty() ? std::string() : over[0]},
                       {"level", level_index(one.row.level)},
                       {"status", one.row.status},
                       {"reasons", one.row.reasons},
                       {"cells", cells_json(one.row)}});
}

struct Lists {
  Json::Array builds, results, earlier;
};

void add_results(const BoardData& data, std::map<std::string, Lists>& lists) {
  if (data.board.rank == "subject") return;  // its rows are of subjects
  std::map<std::string, const store::CellRecord*> cells;
  for (const auto& cell : data.cells) cells[cell.generation] = &cell;
  for (std::size_t r = 0; r < data.board.rows.size(); ++r) {
    const board::Recorded when = board::recorded(data.board.rows[r], cells);
    lists[data.board.rows[r].method].results.push_back(Json::object({{"board", data.id},
                                                                     {"row", static_cast<std::int64_t>(r)},
                                                                     {"numerics", when.numerics},
                                                                     {"order", when.order}}));
  }
  for (const board::Earlier& one : data.earlier) lists[one.row.method].earlier.push_back(earlier_json(data, one));
}

}  // namespace

std::map<std::string, Json> method_cards(const store::Store& db, const std::vector<BoardData>& boards) {
  std::map<std::string, Lists> lists;
  std::set<std::pair<std::string, std::string>> seen;
  for (const BoardData& data : boards) {
    for (const auto& cell : data.cells)  // attacks behind a board of subjects have a card too
      if (!cell.plugin_digest.empty() && seen.emplace(cell.method, cell.plugin_digest).second)
        lists[cell.method].builds.push_back(build_json(db, cell));
    add_results(data, lists);
  }
  std::map<std::string, Json> cards;
  for (auto& [method, all] : lists)
    cards[method] = Json::object({{"name", method},
                                  {"builds", Json(std::move(all.builds))},
                                  {"results", Json(std::move(all.results))},
                                  {"earlier", Json(std::move(all.earlier))}});
  return cards;
}

}  // namespace assay::site
