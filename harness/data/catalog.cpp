// The catalogue's TOML, read with a place in every error.
#include "harness/data/catalog.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/base/toml.hpp"

namespace assay::data {
namespace {

[[noreturn]] void refuse(const Place& place, const std::string& what) { bad_input_in(place.str(), what); }

// A table whose keys are read one by one; what nobody asked for is refused.
class Table {
 public:
  Table(const Toml& toml, std::string what) : toml_(toml), what_(std::move(what)) {
    if (toml.kind != Toml::Kind::table)
      refuse(toml.place, what_ + " is " + Toml::kind_name(toml.kind) + ", expected a table");
  }

  const Toml* get(const std::string& key, Toml::Kind kind) {
    known_.push_back(key);
    const Toml* value = toml_.find(key);
    if (value != nullptr && value->kind != kind)
      refuse(value->place, "key '" + key + "' of " + what_ + " is " + Toml::kind_name(value->kind) + ", expected " +
                               Toml::kind_name(kind));
    return value;
  }
  const Toml& need(const std::string& key, Toml::Kind kind) {
    const Toml* value = get(key, kind);
    if (value == nullptr) refuse(toml_.place, what_ + " lacks the key '" + key + "'");
    return *value;
  }
  std::string text(const std::string& key) { return need(key, Toml::Kind::string).string; }
  std::string text_or_empty(const std::string& key) {
    const Toml* value = get(key, Toml::Kind::string);
    return value == nullptr ? std::string() : value->string;
  }
  std::int64_t positive(const std::string& key) {
    const Toml& value = need(key, Toml::Kind::integer);
    if (value.integer < 1) refuse(value.place, "key '" + key + "' of " + what_ + " must be at least 1");
    return value.integer;
  }
  std::vector<std::string> texts(const std::string& key) {
    std::vector<std::string> out;
    if (const Toml* value = get(key, Toml::Kind::array))
      for (const Toml& item : value->items) {
        if (item.kind != Toml::Kind::string) refuse(item.place, "an item of '" + key + "' is no string");
        out.push_back(item.string);
      }
    return out;
  }
  std::vector<std::int64_t> dimensions(const std::string& key) {
    std::vector<std::int64_t> out;
    if (const Toml* value = get(key, Toml::Kind::array))
      for (const Toml& item : value->items) {
        if (item.kind != Toml::Kind::integer || item.integer < 1)
          refuse(item.place, "an item of '" + key + "' is no positive integer");
        out.push_back(item.integer);
      }
    return out;
  }
  void each(const std::string& key, const std::function<void(const Toml&)>& read) {
    if (const Toml* value = get(key, Toml::Kind::array))
      for (const Toml& item : value->items) read(item);
  }
  void finish() const {
    for (const auto& [key, value] : toml_.entries)
      if (std::find(known_.begin(), known_.end(), key) == known_.end())
        refuse(value.key_place, "unknown key '" + key + "' of " + what_ + suggestion(key, known_));
  }
  const Place& place() const { return toml_.place; }
  const Place& place_of(const std::string& key) const {
    const Toml* value = toml_.find(key);
    return value == nullptr ? toml_.place : value->place;
  }

 private:
  const Toml& toml_;
  std::string what_;
  std::vector<std::string> known_;
};

void one_of(const Table& table, const std::string& key, const std::string& value,
            const std::vector<std::string>& valid) {
  if (std::find(valid.begin(), valid.end(), value) == valid.end())
    refuse(table.place_of(key), "unknown " + key + " '" + value + "'" + suggestion(value, valid));
}

// Names become folder and file names: nothing that could leave the data folder.
void check_name(const Place& place, const std::string& name, bool file) {
  const auto good = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           (file && ((c >= 'A' && c <= 'Z') || c == '_' || c == '.'));
  };
  if (name.empty() || name[0] == '.' || name[0] == '-' || !std::all_of(name.begin(), name.end(), good))
    refuse(place, "'" + name + "' is no good name: expected " +
                      (file ? "letters, digits, '.', '_' and '-'" : "lower-case letters, digits and '-'"));
}

CatalogFile read_file(const Toml& toml, const std::string& set) {
  Table table(toml, "a file of set '" + set + "'");
  CatalogFile file;
  file.name = table.text("name");
  file.file = table.text("file");
  file.sha256 = table.text("sha256");
  file.bytes = static_cast<std::uint64_t>(table.positive("bytes"));
  check_name(table.place_of("name"), file.name, false);
  check_name(table.place_of("file"), file.file, true);
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  constexpr std::size_t digits = 64;
  if (file.sha256.size() != digits || !std::all_of(file.sha256.begin(), file.sha256.end(), hex))
    refuse(table.place_of("sha256"), "expected 64 lower-case hexadecimal digits");
  table.finish();
  return file;
}

std::vector<std::string> file_names(const CatalogEntry& entry) {
  std::vector<std::string> names;
  for (const CatalogFile& file : entry.files) names.push_back(file.name);
  return names;
}

CatalogSplit read_split(const Toml& toml, const CatalogEntry& entry) {
  Table table(toml, "a split of set '" + entry.name + "'");
  CatalogSplit split;
  split.name = table.text("name");
  split.count = table.positive("count");
  split.files = table.texts("files");
  check_name(table.place_of("name"), split.name, false);
  if (split.files.empty()) refuse(table.place(), "split '" + split.name + "' names no files");
  for (const std::string& name : split.files)
    if (entry.find_file(name) == nullptr)
      refuse(table.place_of("files"),
             "split '" + split.name + "' names an unknown file '" + name + "'" + suggestion(name, file_names(entry)));
  table.finish();
  return split;
}

CatalogSource read_source(const Toml& toml, const CatalogEntry& entry) {
  Table table(toml, "a source of set '" + entry.name + "'");
  CatalogSource source;
  source.kind = table.text("kind");
  source.locator = table.text("locator");
  one_of(table, "kind", source.kind, {"generator", "path", "deb", "npm", "url"});
  const Toml& members = table.need("members", Toml::Kind::table);
  for (const auto& [name, path] : members.entries) {
    if (entry.find_file(name) == nullptr)
      refuse(path.key_place, "unknown file '" + name + "'" + suggestion(name, file_names(entry)));
    if (path.kind != Toml::Kind::string) refuse(path.place, "expected the path of '" + name + "' inside the source");
    source.members.emplace_back(name, path.string);
  }
  if (source.members.size() != entry.files.size())
    refuse(members.place, "the source has " + std::to_string(source.members.size()) + " of the set's " +
                              std::to_string(entry.files.size()) + " files");
  table.finish();
  return source;
}

template <class Item>
void refuse_twice(const std::vector<Item>& items, const Place& place, const std::string& what) {
  for (std::size_t i = 1; i < items.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (items[i].name == items[j].name) refuse(place, "the " + what + " '" + items[i].name + "' occurs twice");
}

CatalogEntry read_set(const Toml& toml) {
  Table table(toml, "a set");
  CatalogEntry entry;
  entry.name = table.text("name");
  check_name(table.place_of("name"), entry.name, false);
  entry.title = table.text("title");
  entry.task = table.text("task");
  entry.format = table.text("format");
  one_of(table, "task", entry.task, {"classification", "regression"});
  one_of(table, "format", entry.format, {"idx", "cifar-binary", "png-sheet", "csv"});
  entry.licence = table.text_or_empty("licence");
  entry.citation = table.text_or_empty("citation");
  entry.shape = table.dimensions("shape");
  entry.classes = table.texts("classes");
  if (const Toml* options = table.get("options", Toml::Kind::table)) entry.options = options->to_json();
  table.each("file", [&](const Toml& item) { entry.files.push_back(read_file(item, entry.name)); });
  table.each("split", [&](const Toml& item) { entry.splits.push_back(read_split(item, entry)); });
  table.each("source", [&](const Toml& item) { entry.sources.push_back(read_source(item, entry)); });
  refuse_twice(entry.files, table.place(), "file of set '" + entry.name + "'");
  refuse_twice(entry.splits, table.place(), "split of set '" + entry.name + "'");
  if (entry.files.empty() || entry.splits.empty())
    refuse(table.place(), "set '" + entry.name + "' needs files and splits");
  if (entry.shape.empty()) refuse(table.place(), "set '" + entry.name + "' lacks the key 'shape'");
  if (entry.task == "classification" && entry.classes.size() < 2)
    refuse(table.place_of("classes"), "set '" + entry.name + "' needs the names of at least two classes");
  table.finish();
  return entry;
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? nullptr : value;
}

}  // namespace

const CatalogEntry* Catalog::find(const std::string& name) const {
  for (const CatalogEntry& entry : entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

const CatalogEntry& Catalog::at(const std::string& name) const {
  if (const CatalogEntry* entry = find(name)) return *entry;
  throw Error(Fault::bad_input, "unknown data set '" + name + "'" + suggestion(name, names()));
}

std::vector<std::string> Catalog::names() const {
  std::vector<std::string> out;
  for (const CatalogEntry& entry : entries) out.push_back(entry.name);
  return out;
}

Catalog parse_catalog(std::string_view text, const std::string& file) {
  const Toml document = parse_toml(text, file);
  Table table(document, "the catalogue");
  Catalog catalog;
  table.each("set", [&](const Toml& item) {
    CatalogEntry entry = read_set(item);
    if (catalog.find(entry.name) != nullptr) refuse(item.place, "the set '" + entry.name + "' occurs twice");
    catalog.entries.push_back(std::move(entry));
  });
  table.finish();
  std::sort(catalog.entries.begin(), catalog.entries.end(),
            [](const CatalogEntry& a, const CatalogEntry& b) { return a.name < b.name; });
  return catalog;
}

Catalog load_catalog(const std::filesystem::path& file) {
  Catalog catalog = parse_catalog(read_text(file), file.string());
  const fs::path folder = fs::absolute(file).parent_path();
  for (CatalogEntry& entry : catalog.entries)
    for (CatalogSource& source : entry.sources)
      if (source.kind == "path") source.locator = (folder / source.locator).lexically_normal().string();
  return catalog;
}

Catalog load_catalog() {
  Catalog catalog;
  const fs::path built_in = installed_layout().catalog;
  const char* own = variable("ASSAY_CATALOG");
  if (built_in.empty() && own == nullptr)
    throw Error(Fault::io, "catalog.toml is not where it was installed; set ASSAY_ROOT to the installation's folder");
  if (own != nullptr) catalog = load_catalog(own);
  if (!built_in.empty())
    for (CatalogEntry& entry : load_catalog(built_in).entries)
      if (catalog.find(entry.name) == nullptr) catalog.entries.push_back(std::move(entry));
  std::sort(catalog.entries.begin(), catalog.entries.end(),
            [](const CatalogEntry& a, const CatalogEntry& b) { return a.name < b.name; });
  return catalog;
}

std::filesystem::path data_root() {
  if (const char* root = variable("ASSAY_DATA")) return root;
  return assay_home() / "data";
}

std::filesystem::path set_folder(const CatalogEntry& entry, const std::filesystem::path& root) {
  return root / entry.name;
}

std::filesystem::path file_path(const CatalogEntry& entry, const CatalogFile& file, const std::filesystem::path& root) {
  return set_folder(entry, root) / file.file;
}

std::string set_digest(const CatalogEntry& entry) {
  Json files = Json::object({});
  for (const CatalogFile& file : entry.files) files[file.name] = file.sha256;
  return sha256(files.dump());
}

}  // namespace assay::data
