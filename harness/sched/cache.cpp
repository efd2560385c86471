#include "harness/sched/cache.hpp"

#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"
#include "harness/base/log.hpp"
#include "harness/sched/facts.hpp"

namespace assay::sched {
namespace {

// Only what was announced is the artifact: a killed process may have left temporaries beside it.
void link_announced(const fs::path& out, const std::map<std::string, std::string>& announced, const fs::path& to) {
  for (const auto& [name, digest] : announced) {
    const fs::path relative = fs::path(name).lexically_normal();
    if (relative.is_absolute() || relative.empty() || *relative.begin() == ".." || *relative.begin() == "journal")
      throw Error(Fault::constraint, "announced file '" + name + "' is not below out/");
    link_or_copy(left_file(out.parent_path(), out.filename() / relative), to / relative);
  }
}

void write_journal(const Finished& finished, const fs::path& folder) {
  Json stages = Json::array();
  for (const StageResult& stage : finished.stages) {
    stages.push_back(to_json(stage));
    link_or_copy(stage.shard, folder / (stage.stage + ".shard"));
  }
  Json inputs = Json::array();
  for (const auto& [name, digest] : finished.input_digests) inputs.push_back(Json(Json::Array{name, digest}));
  write_scratch(
      folder / "finished.json",
      Json::object({{"attempt", finished.attempt}, {"stages", stages}, {"inputs", inputs}, {"host", finished.host}})
          .dump(2));
}

void check_announced(const Manifest& manifest, const std::map<std::string, std::string>& announced) {
  for (const auto& [name, digest] : announced) {
    const ManifestFile* file = manifest.find(name);
    if (file == nullptr || file->sha256 != digest)
      throw Error(Fault::constraint, fmt::format("file '{}' has digest {}, announced was {}", name,
                                                 file == nullptr ? "?" : file->sha256, digest));
  }
}

}  // namespace

FileLock lock_artifact(const fs::path& cache, const std::string& kind, const std::string& key) {
  return FileLock::try_lock_in(cache / "locks", kind + "/" + key);
}

fs::path left_file(const fs::path& folder, const fs::path& relative) {
  fs::path at = folder;
  for (const fs::path& part : relative) {
    if (fs::is_symlink(fs::symlink_status(at /= part)))
      throw Error(Fault::constraint, "the worker left a link where a file was expected: '" + relative.string() + "'");
  }
  if (!fs::is_regular_file(at)) throw Error(Fault::constraint, "the worker left no file '" + relative.string() + "'");
  return at;
}

void link_or_copy(const fs::path& from, const fs::path& to) {
  fs::create_directories(to.parent_path());
  std::error_code code;
  fs::create_hard_link(from, to, code);
  if (code) fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}

fs::path Cache::folder(const Node& node) const { return root_ / node_kind_name(node.kind) / node.key; }

std::optional<Manifest> Cache::lookup(const Node& node) const {
  const fs::path place = folder(node);
  std::error_code missing;
  if (!fs::exists(place / "manifest.json", missing)) return std::nullopt;
  try {
    Manifest manifest = Manifest::load(place);
    for (const ManifestFile& file : manifest.files)
      if (fs::file_size(place / file.name) != file.bytes) return std::nullopt;
    return manifest;
  } catch (const Error& error) {
    log::warn("artifact {}: {}", place.string(), error.what());
  } catch (const fs::filesystem_error& error) {
    log::warn("artifact {}: {}", place.string(), error.what());
  }
  return std::nullopt;
}

FileLock Cache::try_lock(const Node& node) const { return lock_artifact(root_, node_kind_name(node.kind), node.key); }

std::string Cache::damage(const Node& node, const Manifest& manifest, const std::string& file) {
  const ManifestFile* entry = manifest.find(file);
  if (entry == nullptr) return "";  // the planner asked for a file that was never made: no damage, the caller's error
  const fs::path path = folder(node) / file;
  try {
    const std::string now = digests_.of(path);
    return now == entry->sha256 ? "" : "digest " + now + " instead of " + entry->sha256;
  } catch (const Error& error) {
    return error.what();
  }
}

void Cache::quarantine(const Node& node) {
  const fs::path place = folder(node);
  for (int n = 1; fs::exists(place); ++n) {
    const fs::path away = place.string() + ".corrupt-" + std::to_string(n);
    if (!fs::exists(away)) fs::rename(place, away);
  }
}

Manifest Cache::publish(const Finished& finished, const fs::path& out,
                        const std::map<std::string, std::string>& announced, bool journal) {
  const Node& node = *finished.node;
  const fs::path target = folder(node);
  const fs::path staging = target.parent_path() / (".tmp-" + node.key);
  fs::remove_all(staging);
  fs::create_directories(staging);
  link_announced(out, announced, staging);
  Manifest manifest = Manifest::describe(staging, node.key, node_kind_name(node.kind), node.label);
  check_announced(manifest, announced);
  if (journal) write_journal(finished, staging / "journal");
  write_scratch(staging / "manifest.json", manifest.to_json().dump(2));
  if (const auto before = lookup(node); fs::exists(target) && (!before || before->to_json() != manifest.to_json()))
    quarantine(node);
  publish_folder(staging, target);
  return manifest;
}

Finished Cache::recall(const Node& node, const Manifest& manifest) const {
  Finished finished;
  finished.node = &node;
  finished.status = "ok";
  finished.artifact = manifest;
  const fs::path journal = folder(node) / "journal";
  try {
    if (!fs::exists(journal / "finished.json")) return finished;
    const Json json = Json::parse(read_text(journal / "finished.json"), (journal / "finished.json").string());
    Finished full = finished;
    full.attempt = static_cast<int>(json.get("attempt", 1));
    full.host = json.at("host");
    for (const Json& input : json.at("inputs").as_array())
      full.input_digests.emplace_back(input.at(std::size_t{0}).as_string(), input.at(std::size_t{1}).as_string());
    for (const Json& stage : json.at("stages").as_array()) {
      full.stages.push_back(stage_result_from_json(stage));
      full.stages.back().shard = (journal / (full.stages.back().stage + ".shard")).string();
    }
    return full;
  } catch (const Error& error) {
    log::warn("artifact {}: its journal cannot be read: {}", folder(node).string(), error.what());
    return finished;
  }
}

}  // namespace assay::sched
