#include "harness/worker/answers.hpp"

#include <fmt/format.h>

#include <cmath>

#include "harness/base/error.hpp"
#include "harness/engine/ops/op.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"
#include "harness/graph/train.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "harness/include/assay/plugin.h"
#include "harness/plugin/library.hpp"
#include "harness/record/descriptor.hpp"
#include "harness/record/job.hpp"
#include "harness/validate/validate.hpp"
#include "harness/worker/model_answers.hpp"

namespace assay::worker {

namespace {

constexpr int kJudgeVersion = 3;  // raised when a judge's rules change: old outcomes are then judged again

std::string type_of(const Json& value) {
  if (value.is_bool()) return "bool";
  if (value.is_int()) return "int";
  if (value.is_real()) return "real";
  return value.is_array() ? "list" : "text";
}

Json numerics() {
  Numerics machine;
  machine.isa = engine::native::effective_isa();
  machine.dnnl = engine::native::library_version();
  return machine.to_json();
}

Json models() {
  Json items = Json::array();
  for (const zoo::Architecture& arch : zoo::architectures()) {
    Descriptor entry;
    entry.id = arch.name;
    entry.version = "1";
    entry.summary = arch.summary;
    entry.title = arch.citation;
    entry.roles = {"architecture"};
    for (const zoo::ParamSpec& param : arch.params) {
      ParamSchema schema;
      schema.key = param.name;
      schema.doc = param.doc;
      schema.type = type_of(param.fallback);
      schema.fallback = param.fallback;
      schema.min = param.min;
      schema.max = param.max;
      entry.params.push_back(std::move(schema));
    }
    items.push_back(entry.to_json());
  }
  return items;
}

std::string type_of(const graph::RecipeField& field, const Json& value) {
  if (!field.choices.empty()) return "choice";
  return std::holds_alternative<Rational graph::Recipe::*>(field.member) ? "real" : type_of(value);
}

ParamSchema recipe_param(const graph::RecipeField& field, const graph::Recipe& recipe) {
  static const graph::Recipe neutral;
  ParamSchema schema;
  schema.key = field.name;
  schema.doc = field.doc;
  schema.fallback = graph::field_value(recipe, field);
  schema.type = type_of(field, schema.fallback);
  if (std::isfinite(field.min)) schema.min = field.min;
  if (std::isfinite(field.max)) schema.max = field.max;
  schema.choices = field.choices;
  if (!field.first_version) schema.silent_at = graph::field_value(neutral, field);
  return schema;
}

Json recipes() {
  Json items = Json::array();
  for (const std::string& name : graph::recipe_names()) {
    const graph::Recipe recipe = graph::recipe(name);
    Descriptor entry;
    entry.id = name;
    entry.version = "1";
    entry.summary = "training recipe";
    for (const graph::RecipeField& field : graph::recipe_fields()) entry.params.push_back(recipe_param(field, recipe));
    items.push_back(entry.to_json());
  }
  return items;
}

Json ops() {
  Json items = Json::array();
  const engine::Registry& registry = engine::Registry::get();
  for (engine::OpId id = 0; id < static_cast<engine::OpId>(registry.size()); ++id) {
    const engine::Op& op = registry.op(id);
    items.push_back(Json::object({{"id", op.name}, {"doc", op.doc}, {"vjp", op.differentiable()}, {"onnx", op.onnx}}));
  }
  return items;
}

Json precisions() {
  Json items = Json::array();
  for (const graph::Precision one : {graph::Precision::f32, graph::Precision::bf16, graph::Precision::int8}) {
    items.push_back(Json::object({{"id", graph::precision_name(one)}, {"unsupported", graph::unsupported_reason(one)}}));
  }
  return items;
}

Json planning() {
  return Json::object({{"numerics", numerics()},
                       {"precisions", precisions()},
                       {"models", models()},
                       {"recipes", recipes()},
                       {"certificates", validate::certificates_by_role()},
                       {"judge_version", kJudgeVersion}});
}

Json describe(const std::string& file) {
  Json descriptors = Json::array();
  for (const Descriptor& descriptor : plugin::PluginLibrary::open(file).descriptors()) {
    descriptors.push_back(descriptor.to_json());
  }
  return Json::object({{"abi", fmt::format("{}.{}", ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR)}, {"descriptors", descriptors}});
}

Json info(const std::string& topic) {
  if (topic == "planning") return planning();
  if (topic == "models") return models();
  if (topic == "recipes") return recipes();
  if (topic == "ops") return ops();
  if (topic == "numerics") return numerics();
  if (topic == "precisions") return precisions();
  throw Error(Fault::bad_input, "info: unknown topic '" + topic + "'" +
                                    suggestion(topic, {"planning", "models", "recipes", "ops", "numerics", "precisions"}));
}

}  // namespace

Json answer(const std::vector<std::string>& words) {
  const std::string& verb = words.at(0);
  if (verb == "describe" && words.size() == 2) return describe(words[1]);
  if (verb == "info" && words.size() == 2) return info(words[1]);
  if (verb == "checks" && words.size() == 2) return validate::list_checks(words[1]);
  if (verb == "model" && words.size() == 3) return model_answer(words[1], Json::parse(words[2], "options"));
  if (verb == "check" && words.size() == 4) return validate::check_to_json(words[1], words[2], words[3]);
  throw Error(Fault::bad_input, "usage: assay-worker JOB.json | describe FILE.so | info TOPIC | checks FILE.so | check FILE.so ID CHECK | model VERB OPTIONS");
}

}  // namespace assay::worker
