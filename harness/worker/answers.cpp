#include "harness/worker/answers.hpp"

#include <fmt/format.h>

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

constexpr int kJudgeVersion = 1;  // raised when a judge's rules change: old outcomes are then judged again

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

struct RecipeField {
  const char* key;
  const char* doc;
  double min, max;
  std::vector<std::string> choices;
};

// Ranges and wording of graph::Recipe's fields; the recipe itself checks combinations.
const std::vector<RecipeField>& recipe_fields() {
  static const std::vector<RecipeField> fields = {
      {"epochs", "passes over the training set", 1, 10000, {}},
      {"batch", "samples a step", 1, 65536, {}},
      {"optimizer", "update rule", 0, 0, {"sgd", "adamw"}},
      {"lr", "peak learning rate", 0, 100, {}},
      {"momentum", "of sgd", 0, 1, {}},
      {"nesterov", "look-ahead momentum of sgd", 0, 1, {}},
      {"beta1", "of adamw", 0, 1, {}},
      {"beta2", "of adamw", 0, 1, {}},
      {"eps", "of adamw", 0, 1, {}},
      {"weight_decay", "L2 for sgd, decoupled for adamw", 0, 10, {}},
      {"decay_bias_and_norm", "decay parameters of one axis too", 0, 1, {}},
      {"schedule", "learning rate over time", 0, 0, {"cosine", "step", "constant"}},
      {"milestones", "epochs after which the rate is multiplied by gamma", 0, 10000, {}},
      {"gamma", "factor of schedule step", 0, 1, {}},
      {"warmup", "epochs of linear warm-up", 0, 1000, {}},
      {"label_smoothing", "mass spread over all classes", 0, 0.999, {}},
      {"flip", "random horizontal flip", 0, 1, {}},
      {"crop", "random crop after padding by this many pixels", 0, 64, {}},
      {"loss", "training loss", 0, 0, {"cross-entropy"}},
  };
  return fields;
}

Json recipes() {
  Json items = Json::array();
  for (const std::string& name : graph::recipe_names()) {
    const Json values = graph::recipe(name).to_json();
    Descriptor entry;
    entry.id = name;
    entry.version = "1";
    entry.summary = "training recipe";
    for (const RecipeField& field : recipe_fields()) {
      ParamSchema schema;
      schema.key = field.key;
      schema.doc = field.doc;
      schema.fallback = values.at(field.key);
      schema.type = field.choices.empty() ? type_of(schema.fallback) : "choice";
      schema.min = field.min;
      schema.max = field.max;
      schema.choices = field.choices;
      entry.params.push_back(std::move(schema));
    }
    if (entry.params.size() != values.as_object().size()) {
      throw Error(Fault::internal, "recipe fields without a schema: recipe_fields() is out of step with graph::Recipe");
    }
    items.push_back(entry.to_json());
  }
  return items;
}

Json ops() {
  Json items = Json::array();
  const engine::Registry& registry = engine::Registry::get();
  for (engine::OpId id = 0; id < static_cast<engine::OpId>(registry.size()); ++id) {
    const engine::Op& op = registry.op(id);
    items.push_back(Json::object({{"id", op.name}, {"doc", op.doc}, {"vjp", op.vjp != nullptr}, {"onnx", op.onnx}}));
  }
  return items;
}

Json planning() {
  return Json::object({{"numerics", numerics()},
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
  throw Error(Fault::bad_input,
              "info: unknown topic '" + topic + "'" + suggestion(topic, {"planning", "models", "recipes", "ops", "numerics"}));
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
