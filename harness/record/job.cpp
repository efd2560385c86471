// Jobs and manifests to and from JSON and files.
#include "harness/record/job.hpp"

#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/record/fields.hpp"

namespace assay {
namespace {

using record_detail::Fields;

constexpr const char* manifest_name = "manifest.json";

Numerics read_numerics(const Json& json, const std::string& origin) {
  Numerics numerics;
  Fields fields(json, origin);
  fields.required("version", numerics.version);
  fields.required("isa", numerics.isa);
  fields.required("dnnl", numerics.dnnl);
  fields.required("threads", numerics.threads);
  fields.required("batch", numerics.batch);
  fields.finish();
  return numerics;
}

Seeds read_seeds(const Json& json, const std::string& origin) {
  Seeds seeds;
  if (!json.is_object()) throw Error(Fault::bad_input, origin + ": expected an object of integers");
  for (const auto& [name, value] : json.as_object()) {
    if (!value.is_int()) throw Error(Fault::bad_input, origin + ": key '" + name + "': expected an integer");
    seeds.values[name] = value.as_int();
  }
  return seeds;
}

JobInput read_input(const Json& json, const std::string& origin) {
  JobInput input;
  Fields fields(json, origin);
  fields.required("path", input.path);
  fields.required("sha256", input.sha256);
  fields.finish();
  return input;
}

ManifestFile read_manifest_file(const Json& json, const std::string& origin) {
  ManifestFile file;
  Fields fields(json, origin);
  fields.required("name", file.name);
  fields.required("sha256", file.sha256);
  fields.required("bytes", file.bytes);
  fields.finish();
  return file;
}

Manifest read_manifest(const Json& json, const std::string& origin) {
  Manifest manifest;
  Fields fields(json, origin);
  fields.required("key", manifest.key);
  fields.required("stage", manifest.stage);
  fields.required("label", manifest.label);
  fields.each("files", [&](const Json& item, const std::string& place) {
    manifest.files.push_back(read_manifest_file(item, place));
  });
  fields.finish();
  return manifest;
}

}  // namespace

std::string Numerics::str() const {
  return "n" + std::to_string(version) + "/dnnl" + dnnl + "/" + isa + "/t" + std::to_string(threads) + "/b" +
         std::to_string(batch);
}

Json Numerics::to_json() const {
  return Json::object({{"version", version}, {"isa", isa}, {"dnnl", dnnl}, {"threads", threads}, {"batch", batch}});
}

Numerics Numerics::from_json(const Json& json) { return read_numerics(json, "numerics"); }

std::uint64_t Seeds::get(const std::string& name) const {
  const auto found = values.find(name);
  return found == values.end() ? 0 : static_cast<std::uint64_t>(found->second);
}

Json Seeds::to_json() const {
  Json json = Json::object({});
  for (const auto& [name, value] : values) json[name] = value;
  return json;
}

Seeds Seeds::from_json(const Json& json) { return read_seeds(json, "seeds"); }

Json Job::to_json() const {
  Json files = Json::object({});
  for (const auto& [name, input] : inputs) files[name] = Json::object({{"path", input.path}, {"sha256", input.sha256}});
  return Json::object({{"stage", stage},
                       {"key", key},
                       {"attempt", attempt},
                       {"inputs", files},
                       {"plugin_path", plugin_path},
                       {"plugin_sha256", plugin_sha256},
                       {"plugin_id", plugin_id},
                       {"scratch", scratch},
                       {"numerics", numerics.to_json()},
                       {"seeds", seeds.to_json()},
                       {"spec", spec}});
}

Job Job::from_json(const Json& json, const std::string& origin) {
  Job job;
  Json numerics, seeds;
  Fields fields(json, origin);
  fields.required("stage", job.stage);
  fields.required("key", job.key);
  fields.required("attempt", job.attempt);
  fields.each_member("inputs", [&](const std::string& name, const Json& item, const std::string& place) {
    job.inputs[name] = read_input(item, place);
  });
  fields.optional("plugin_path", job.plugin_path);
  fields.optional("plugin_sha256", job.plugin_sha256);
  fields.optional("plugin_id", job.plugin_id);
  fields.required("scratch", job.scratch);
  fields.required("numerics", numerics);
  fields.required("seeds", seeds);
  fields.required("spec", job.spec);
  fields.finish();
  job.numerics = read_numerics(numerics, origin + ": numerics");
  job.seeds = read_seeds(seeds, origin + ": seeds");
  return job;
}

Job Job::load(const std::filesystem::path& file) {
  return from_json(Json::parse(read_text(file), file.string()), file.string());
}

const ManifestFile* Manifest::find(const std::string& name) const {
  for (const ManifestFile& file : files)
    if (file.name == name) return &file;
  return nullptr;
}

Json Manifest::to_json() const {
  Json list = Json::array();
  for (const ManifestFile& file : files)
    list.push_back(Json::object({{"name", file.name}, {"sha256", file.sha256}, {"bytes", file.bytes}}));
  return Json::object({{"key", key}, {"stage", stage}, {"label", label}, {"files", list}});
}

Manifest Manifest::from_json(const Json& json) { return read_manifest(json, "manifest"); }

Manifest Manifest::load(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / manifest_name;
  return read_manifest(Json::parse(read_text(file), file.string()), file.string());
}

Manifest Manifest::describe(const std::filesystem::path& folder, const std::string& key, const std::string& stage,
                            const std::string& label) {
  Manifest manifest{key, stage, label, {}};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).generic_string();
    if (!entry.is_regular_file() || name == manifest_name) continue;
    manifest.files.push_back({name, sha256_file(entry.path()), entry.file_size()});
  }
  std::sort(manifest.files.begin(), manifest.files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return manifest;
}

}  // namespace assay
