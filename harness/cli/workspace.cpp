#include "harness/cli/workspace.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/cli/output.hpp"
#include "harness/metrics/registry.hpp"

namespace assay::cli {
namespace {

// Models and recipes travel as descriptors, so that their parameters are read by the one reader there is.
std::map<std::string, ZooEntry> read_zoo(const Json& planning) {
  std::map<std::string, ZooEntry> zoo;
  for (const Json& item : planning.at("models").as_array()) {
    const Descriptor one = Descriptor::from_json(item);
    ZooEntry entry;
    entry.name = one.id;
    entry.params = one.params;
    zoo[one.id] = std::move(entry);
  }
  return zoo;
}

std::map<std::string, std::vector<ParamSchema>> read_recipes(const Json& planning) {
  std::map<std::string, std::vector<ParamSchema>> recipes;
  for (const Json& item : planning.at("recipes").as_array()) {
    Descriptor one = Descriptor::from_json(item);
    recipes[one.id] = std::move(one.params);
  }
  return recipes;
}

std::map<std::string, std::vector<std::string>> read_certificates(const Json& planning) {
  std::map<std::string, std::vector<std::string>> found;
  if (!planning.has("certificates")) return found;
  for (const auto& [role, checks] : planning.at("certificates").as_object())
    for (const Json& check : checks.as_array()) found[role].push_back(check.as_string());
  return found;
}

std::vector<std::filesystem::path> suites_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().extension() == ".toml") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::filesystem::path> suites_named(const std::string& name) {
  std::vector<std::filesystem::path> folder, last;
  std::vector<std::string> names;
  for (const SuiteFile& one : installed_suites()) {
    if (one.name == name) return {one.path};
    if (one.name.rfind(name + "/", 0) == 0) folder.push_back(one.path);
    if (one.path.stem() == name) last.push_back(one.path);
    names.push_back(one.name);
  }
  if (!folder.empty()) return folder;
  if (last.size() == 1) return last;
  if (last.size() > 1) throw Error(Fault::bad_input, "suite '" + name + "' is ambiguous; name its folder too");
  throw Error(Fault::bad_input, "no suite '" + name + "'" + suggestion(name, names) + " (see 'assay list suites')");
}

}  // namespace

std::filesystem::path database_path(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* named = std::getenv("ASSAY_DB"); named != nullptr && *named != '\0') return named;
  return assay_home() / "results" / "assay.db";
}

store::Store open_database(const std::string& given) {
  const std::filesystem::path file = database_path(given);
  if (!std::filesystem::exists(file))
    throw Error(Fault::bad_input, "no results database at '" + file.string() + "'; 'assay run SUITE' makes one, --db names another");
  store::OpenOptions options;
  options.write = false;
  return store::Store::open(file, options);
}

std::vector<SuiteFile> installed_suites() {
  const Layout layout = installed_layout();
  std::vector<SuiteFile> suites;
  if (layout.suites.empty()) return suites;
  for (const auto& path : suites_in(layout.suites)) {
    std::filesystem::path name = path.lexically_relative(layout.suites);
    suites.push_back({name.replace_extension().string(), path});
  }
  return suites;
}

std::vector<std::filesystem::path> find_suites(const std::string& path_or_name) {
  const std::filesystem::path path(path_or_name);
  if (std::filesystem::is_directory(path)) {
    auto found = suites_in(path);
    if (found.empty()) throw Error(Fault::bad_input, "folder '" + path_or_name + "' holds no .toml file");
    return found;
  }
  if (std::filesystem::exists(path)) return {path};
  if (path.extension() == ".toml") throw Error(Fault::bad_input, "no suite file '" + path_or_name + "'");
  return suites_named(path_or_name);
}

std::filesystem::path find_suite(const std::string& path_or_name) {
  const auto found = find_suites(path_or_name);
  if (found.size() == 1) return found.front();
  std::string names;
  for (const auto& one : found) names += (names.empty() ? "" : ", ") + one.stem().string();
  throw Error(Fault::bad_input, "'" + path_or_name + "' is a folder of suites; name one of " + names);
}

std::vector<Descriptor> load_plugins(const WorkerClient& worker) {
  PluginSet set = worker.describe_all(plugin_libraries());
  for (const BrokenPlugin& one : set.broken) warn("plugin " + one.path + ": " + one.reason);
  return std::move(set.descriptors);
}

std::map<std::string, std::vector<std::string>> metrics_by_task() {
  std::map<std::string, std::vector<std::string>> found;
  for (const char* task : {"attack", "detect", "predict", "compress", "reduce", "falsify"}) found[task] = metrics::metrics_of(task);
  return found;
}

PlanContext planning_context(const WorkerClient& worker) {
  PlanContext context;
  for (Descriptor& one : load_plugins(worker)) {
    const std::string id = one.id;
    context.plugins[id] = std::move(one);
  }
  const data::Catalog catalog = data::load_catalog();
  for (const CatalogEntry& entry : catalog.entries) context.catalog[entry.name] = entry;
  const Json planning = worker.info("planning");
  context.zoo = read_zoo(planning);
  context.recipes = read_recipes(planning);
  context.certificates = read_certificates(planning);
  context.metrics = metrics_by_task();
  context.machine = Numerics::from_json(planning.at("numerics"));
  context.judge_version = static_cast<int>(planning.get("judge_version", 1));
  const std::filesystem::path root = data::data_root();
  // A file of the right size stands for its digest here: whoever reads it verifies it.
  context.raw = [root](const CatalogEntry& entry, const CatalogFile& file) -> std::optional<RawFile> {
    const std::filesystem::path path = data::file_path(entry, file, root);
    std::error_code absent;
    const std::uintmax_t bytes = std::filesystem::file_size(path, absent);
    if (absent || bytes != file.bytes) return std::nullopt;
    return RawFile{path.string(), file.sha256};
  };
  const auto known = std::make_shared<std::map<std::string, double>>();
  context.macs = [worker, known](const Json& net) {
    const auto [at, fresh] = known->emplace(net.dump(), 0.0);
    if (!fresh) return at->second;
    try {
      at->second = worker.model("size", net).get("macs", 0.0);
    } catch (const Error&) {
      // A net that cannot be built is told when it is to be trained; here it only has no estimate.
    }
    return at->second;
  };
  return context;
}

LoadedSuite load_and_plan(const std::filesystem::path& file, const PlanContext& context) {
  LoadedSuite loaded;
  loaded.spec = load_suite(file);
  loaded.plan = make_plan(loaded.spec, context);
  return loaded;
}

std::vector<std::pair<std::string, std::string>> key_values(const std::vector<std::string>& items, const std::string& flag) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& item : items) {
    const auto at = item.find('=');
    if (at == std::string::npos || at == 0 || at + 1 == item.size())
      throw Error(Fault::bad_input, flag + ": expected KEY=VALUE, found '" + item + "'");
    pairs.emplace_back(item.substr(0, at), item.substr(at + 1));
  }
  return pairs;
}

std::string protocol_of(const store::Store& db, const std::string& suite) {
  std::vector<std::string> names;
  for (const store::SuiteRecord& one : db.suites()) names.push_back(one.name);
  if (const auto known = db.suite(suite)) return known->protocol_hash;
  // A file or an installed name stands for the name inside the file.
  std::string inside;
  try {
    inside = load_suite(find_suite(suite)).name.value;
  } catch (const Error&) {
    if (std::filesystem::exists(suite)) throw;  // a broken file is told as such
  }
  if (!inside.empty()) {
    if (const auto known = db.suite(inside)) return known->protocol_hash;
    throw Error(Fault::bad_input, "suite '" + inside + "' has no results in " + db.file().string() + "; 'assay run " + suite + "' makes them");
  }
  const bool digits = suite.size() >= 6 && suite.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (digits) return db.protocol(suite).protocol_hash;
  throw Error(Fault::bad_input, "no results for suite '" + suite + "' in " + db.file().string() + suggestion(suite, names));
}

std::string short_key(const std::string& key) { return key.substr(0, 12); }

}  // namespace assay::cli
