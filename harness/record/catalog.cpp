// Catalogue entries to and from JSON.
#include "harness/record/catalog.hpp"

#include "harness/record/fields.hpp"

namespace assay {
namespace {

using record_detail::Fields;

Json file_json(const CatalogFile& file) {
  return Json::object({{"name", file.name}, {"file", file.file}, {"sha256", file.sha256}, {"bytes", file.bytes}});
}

CatalogFile read_file(const Json& json, const std::string& origin) {
  CatalogFile file;
  Fields fields(json, origin);
  fields.required("name", file.name);
  fields.required("file", file.file);
  fields.required("sha256", file.sha256);
  fields.required("bytes", file.bytes);
  fields.finish();
  return file;
}

Json split_json(const CatalogSplit& split) {
  return Json::object({{"name", split.name}, {"count", split.count}, {"files", split.files}});
}

CatalogSplit read_split(const Json& json, const std::string& origin) {
  CatalogSplit split;
  Fields fields(json, origin);
  fields.required("name", split.name);
  fields.required("count", split.count);
  fields.required("files", split.files);
  fields.finish();
  return split;
}

Json source_json(const CatalogSource& source) {
  Json members = Json::array();
  for (const auto& [name, path] : source.members) members.push_back(Json(Json::Array{name, path}));
  return Json::object({{"kind", source.kind}, {"locator", source.locator}, {"members", members}});
}

CatalogSource read_source(const Json& json, const std::string& origin) {
  CatalogSource source;
  Fields fields(json, origin);
  fields.required("kind", source.kind);
  fields.required("locator", source.locator);
  fields.each("members", [&](const Json& member, const std::string& place) {
    if (!member.is_array() || member.size() != 2)
      throw Error(Fault::bad_input, place + ": expected a pair [file name, path]");
    source.members.emplace_back(member.at(std::size_t{0}).as_string(), member.at(std::size_t{1}).as_string());
  });
  fields.finish();
  return source;
}

}  // namespace

const CatalogSplit* CatalogEntry::split(const std::string& wanted) const {
  for (const CatalogSplit& one : splits)
    if (one.name == wanted) return &one;
  return nullptr;
}

const CatalogFile* CatalogEntry::find_file(const std::string& wanted) const {
  for (const CatalogFile& one : files)
    if (one.name == wanted) return &one;
  return nullptr;
}

Json CatalogEntry::to_json() const {
  Json json = Json::object({{"name", name},       {"title", title},       {"task", task},   {"format", format},
                            {"licence", licence}, {"citation", citation}, {"shape", shape}, {"classes", classes},
                            {"options", options}});
  json["files"] = json["splits"] = json["sources"] = Json::array();
  for (const CatalogFile& file : files) json["files"].push_back(file_json(file));
  for (const CatalogSplit& one : splits) json["splits"].push_back(split_json(one));
  for (const CatalogSource& source : sources) json["sources"].push_back(source_json(source));
  return json;
}

CatalogEntry CatalogEntry::from_json(const Json& json) {
  CatalogEntry entry;
  Fields fields(json, "catalogue entry '" + (json.is_object() ? json.get("name", "?") : "?") + "'");
  fields.required("name", entry.name);
  fields.optional("title", entry.title);
  fields.optional("task", entry.task);
  fields.required("format", entry.format);
  fields.optional("licence", entry.licence);
  fields.optional("citation", entry.citation);
  fields.optional("shape", entry.shape);
  fields.optional("classes", entry.classes);
  fields.optional("options", entry.options);
  fields.each("files", [&](const Json& item, const std::string& origin) { entry.files.push_back(read_file(item, origin)); });
  fields.each("splits",
              [&](const Json& item, const std::string& origin) { entry.splits.push_back(read_split(item, origin)); });
  fields.each("sources",
              [&](const Json& item, const std::string& origin) { entry.sources.push_back(read_source(item, origin)); });
  fields.finish();
  return entry;
}

}  // namespace assay
