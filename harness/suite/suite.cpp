#include "harness/suite/suite.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/suite/blocks.hpp"

namespace assay {

const ParamValue* ParamTable::find(std::string_view key) const {
  for (const ParamValue& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

Json ParamTable::to_json() const {
  Json out = Json::Object{};
  for (const ParamValue& entry : entries) out[entry.key] = entry.value;
  return out;
}

std::string MethodSpec::id() const {
  if (!chain.empty()) return variant.value;
  return variant.value.empty() ? use.value : use.value + "#" + variant.value;
}

const ModelSpec* SuiteSpec::model(std::string_view id) const {
  for (const ModelSpec& model : models)
    if (model.id.value == id) return &model;
  return nullptr;
}

const std::vector<std::string>& available_tasks() {
  static const std::vector<std::string> tasks = {"attack", "detect", "predict", "compress", "reduce", "falsify"};
  return tasks;
}

const std::vector<std::string>& planned_tasks() {
  static const std::vector<std::string> tasks = {"represent", "generate", "search", "rank", "explain", "study"};
  return tasks;
}

SuiteSpec parse_suite(std::string_view text, const std::string& file) {
  const Toml root = parse_toml(text, file);
  const suite::Fields top(root, "the suite",
                          {"suite", "data", "model", "threat", "region", "method", "target", "finetune", "budget", "limits",
                           "numerics", "claim"});
  SuiteSpec out;
  out.file = file;
  out.sha256 = sha256(text);
  suite::parse_header(root, out);
  out.data = suite::parse_data(root);
  out.models = suite::parse_models(root);
  out.threat = suite::parse_threat(root);
  out.region = suite::parse_region(root);
  out.methods = suite::parse_methods(root);
  out.target = suite::parse_target(root);
  out.finetune = suite::parse_finetune(root);
  out.budget = suite::parse_budget(root);
  out.limits = suite::parse_limits(root);
  out.numerics = suite::parse_numerics(root);
  out.claims = suite::parse_claims(root);
  suite::cross_check(out);
  return out;
}

SuiteSpec load_suite(const std::filesystem::path& file) {
  SuiteSpec spec = parse_suite(read_text(file), file.string());
  for (ModelSpec& model : spec.models) {
    if (!model.onnx) continue;
    const std::filesystem::path path = std::filesystem::absolute(file).parent_path() / model.onnx->value;
    if (!std::filesystem::is_regular_file(path))
      throw Error(Fault::bad_input, fmt::format("{}: model.onnx: no file '{}'; expected a path relative to the suite's folder",
                                                model.onnx->place.str(), path.string()));
    model.onnx_path = path.lexically_normal().string();
    model.onnx_sha256 = sha256_file(path);
  }
  return spec;
}

}  // namespace assay
