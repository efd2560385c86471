// The prepare stage: a job in, record files out.
#include <algorithm>
#include <string_view>

#include "harness/base/error.hpp"
#include "harness/data/prepare.hpp"

namespace assay::data {
namespace {

namespace fs = std::filesystem;

FileMap raw_files(const Job& job, const CatalogEntry& entry) {
  constexpr std::string_view prefix = "raw:";
  FileMap files;
  for (const auto& [name, input] : job.inputs) {
    if (name.rfind(prefix, 0) != 0) throw Error(Fault::bad_input, "prepare split: unexpected input '" + name + "'");
    const std::string wanted = name.substr(prefix.size());
    const auto found = std::find_if(entry.files.begin(), entry.files.end(), [&](const CatalogFile& file) {
      return file.name == wanted || file.file == wanted;
    });
    if (found == entry.files.end())
      throw Error(Fault::bad_input, "prepare split: set '" + entry.name + "' has no file '" + wanted + "'");
    if (found->sha256 != input.sha256)
      throw Error(Fault::bad_input, "prepare split: '" + wanted + "' was given with digest " + input.sha256 +
                                        ", the catalogue says " + found->sha256);
    files[found->name] = input.path;
  }
  return files;
}

RecordSet input_records(const Job& job, const std::string& label) {
  const auto found = job.inputs.find("records:" + label);
  if (found == job.inputs.end()) throw Error(Fault::bad_input, "prepare: the input 'records:" + label + "' is missing");
  return RecordSet::load(found->second.path);
}

std::vector<std::string> prepare_split(const Job& job, const fs::path& out) {
  const CatalogEntry entry = CatalogEntry::from_json(job.spec.at("source"));
  Selection selection;
  selection.first = job.spec.get("first", 0);
  selection.limit = job.spec.get("limit", 0);
  selection.balanced = job.spec.get("balanced", false);
  if (job.spec.has("classes"))
    for (const Json& one : job.spec.at("classes").as_array()) selection.classes.push_back(one.as_int());
  selection.resize = job.spec.get("resize", 0);
  const RecordSet all = load_split(entry, job.spec.at("split").as_string(), raw_files(job, entry));
  take(all, selection).save(out / "records.safetensors");
  return {"records.safetensors"};
}

std::vector<std::string> save_both(const Blinded& both, const fs::path& out, const std::string& visible) {
  both.visible.save(out / visible);
  both.truth.save(out / "truth.safetensors");
  return {visible, "truth.safetensors"};
}

std::vector<std::string> prepare_blind(const Job& job, const fs::path& out) {
  if (job.inputs.size() != 1) throw Error(Fault::bad_input, "prepare blind: expected one input");
  return save_both(blind(RecordSet::load(job.inputs.begin()->second.path)), out, "blind.safetensors");
}

std::vector<std::string> prepare_stream(const Job& job, const fs::path& out) {
  StreamSpec spec;
  spec.id_label = job.spec.at("id").as_string();
  spec.id = input_records(job, spec.id_label);
  for (const Json& item : job.spec.at("ood").as_array()) {
    const std::string label = item.at("label").as_string();
    spec.ood.push_back({label, item.at("group").as_string(), input_records(job, label)});
  }
  RecordSet fit;
  if (job.spec.has("fit")) {
    fit = input_records(job, job.spec.at("fit").as_string());
    spec.fit = &fit;
  }
  spec.key = job.seeds.get("evaluation");
  return save_both(make_stream(spec), out, "stream.safetensors");
}

}  // namespace

std::vector<std::string> run_prepare(const Job& job, const std::filesystem::path& out) {
  const std::string recipe = job.spec.get("recipe", "");
  if (recipe == "split") return prepare_split(job, out);
  if (recipe == "blind") return prepare_blind(job, out);
  if (recipe == "stream") return prepare_stream(job, out);
  throw Error(Fault::bad_input, "unknown recipe '" + recipe + "' of the prepare stage" +
                                    suggestion(recipe, {"split", "blind", "stream"}));
}

}  // namespace assay::data
