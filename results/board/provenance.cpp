#include "results/board/provenance.hpp"

#include <set>

#include <fmt/format.h>

namespace assay::board {
namespace {

constexpr std::size_t shown_digits = 12;  // as in every listing
constexpr std::size_t key_digits = 64;

class Tracer {
 public:
  explicit Tracer(const store::Store& db) : db_(db) {}

  std::vector<Origin> origins_of(const Json& identity) {
    std::vector<Origin> out;
    if (identity.is_object())
      for (const auto& [slot, value] : identity.as_object()) collect(slot, value, out);
    return out;
  }

 private:
  // Keys stand in an identity by themselves, in lists, and inside of descriptions ({label, group, records}).
  void collect(const std::string& slot, const Json& value, std::vector<Origin>& out) {
    if (value.is_array())
      for (const Json& one : value.as_array()) collect(slot, one, out);
    if (value.is_object())
      for (const auto& [name, one] : value.as_object()) collect(slot, one, out);
    if (!value.is_string() || value.as_string().size() != key_digits) return;
    if (const auto cell = db_.find(value.as_string())) out.push_back(origin_of(slot, *cell));
  }

  Origin origin_of(const std::string& slot, const store::CellRecord& cell) {
    Origin out;
    out.slot = slot;
    out.key = cell.generation;
    out.kind = cell.kind;
    out.label = cell.label;
    out.plugin = cell.plugin_id;
    out.version = cell.plugin_version;
    out.digest = cell.plugin_digest;
    out.above = !told_.insert(cell.generation).second;
    if (out.above) return out;
    if (cell.standing)
      for (const store::ArtifactRecord& one : db_.artifacts(cell.standing->id))
        if (one.made || cell.kind == "prepare") out.files.emplace_back(one.name, one.sha256);
    out.from = origins_of(cell.identity);
    return out;
  }

  const store::Store& db_;
  std::set<std::string> told_;
};

}  // namespace

Json Origin::to_json() const {
  Json out = Json::object({{"slot", slot}, {"key", key}, {"kind", kind}, {"label", label}});
  if (!plugin.empty()) out["plugin"] = Json::object({{"id", plugin}, {"version", version}, {"sha256", digest}});
  if (above) {
    out["above"] = true;
    return out;
  }
  Json made = Json(Json::Object{}), list = Json::array();
  for (const auto& [name, sha256] : files) made[name] = sha256;
  for (const Origin& one : from) list.push_back(one.to_json());
  out["files"] = made;
  out["from"] = list;
  return out;
}

std::vector<Origin> provenance(const store::Store& db, const store::CellRecord& cell) { return Tracer(db).origins_of(cell.identity); }

std::string provenance_text(const std::vector<Origin>& origins, int indent) {
  std::string out;
  for (const Origin& one : origins) {
    out += fmt::format("{:{}}{}: {}  {}", "", indent, one.slot, one.label, one.key.substr(0, shown_digits));
    if (!one.plugin.empty()) out += fmt::format("  {} {} ({})", one.plugin, one.version, one.digest.substr(0, shown_digits));
    if (one.above) out += "  (as above)";
    out += "\n" + provenance_text(one.from, indent + 2);
  }
  return out;
}

}  // namespace assay::board
