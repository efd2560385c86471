// [[model]] and recipes.
#include <fmt/format.h>

#include "harness/suite/blocks.hpp"

namespace assay::suite {
namespace {

// Seeds of members are 1000 s + m.
constexpr std::int64_t max_members = 1000;

FromSpec parse_from(const Toml& value) {
  const Fields fields(value, "model.from", {"method", "model", "models", "members", "params"});
  FromSpec out;
  out.place = fields.place();
  out.method = fields.need_text("method", "a compressor, trainer or ensemble plugin");
  out.models = fields.texts("models");
  if (!out.models.empty() && fields.find("model"))
    fail(fields.find("models")->key_place, "model.from: expected `model` or `models`, found both");
  if (out.models.empty()) out.models = {fields.need_text("model", "the id of another [[model]], or `models`, a list of them")};
  out.members = fields.integer("members", 0, {1, max_members});
  if (const Toml* members = fields.find("members")) out.members_place = members->place;
  if (out.members > 0 && out.models.size() > 1)
    fail(out.members_place, "model.from.members: counts nets of one block; expected it beside `model`");
  out.params = fields.params("params");
  return out;
}

ModelSpec parse_model(const Toml& block) {
  const Fields fields(block, "model", {"id", "build", "params", "train", "members", "onnx", "from"});
  ModelSpec out;
  out.place = fields.place();
  out.id = fields.need_id("id", "a name for the model");
  if (const Located<std::string> onnx = fields.text("onnx"); onnx.given()) out.onnx = onnx;
  if (const Located<std::string> build = fields.text("build"); build.given()) out.build = build;
  out.params = fields.params("params");
  if (const Toml* train = fields.find("train")) out.train = parse_recipe(*train, "model.train");
  if (const Toml* from = fields.find("from")) out.from = parse_from(*from);
  out.members = fields.integer("members", 1, {1, max_members});
  if (const Toml* members = fields.find("members")) out.members_place = members->place;

  const int origins = (out.build ? 1 : 0) + (out.from ? 1 : 0) + (out.onnx ? 1 : 0);
  if (origins != 1) fail(out.place, fmt::format("model '{}': expected exactly one of `build`, `onnx` and `from`", out.id.value));
  if (out.onnx && (!out.params.entries.empty() || out.members != 1))
    fail(out.place, fmt::format("model '{}': a file is one net as it is; `onnx` takes no `params` and no `members`", out.id.value));
  if (out.onnx && out.train && out.train->trainer)
    fail(out.train->trainer->place, "model.train.trainer: a trainer plugin starts from an architecture; expected recipe fields only");
  if (out.from && (out.train || !out.params.entries.empty()))
    fail(out.place, fmt::format("model '{}': `from` takes no `train` and no `params` beside it; the model it names has them",
                                out.id.value));
  return out;
}

}  // namespace

RecipeSpec parse_recipe(const Toml& value, const std::string& name) {
  RecipeSpec out;
  if (value.kind != Toml::Kind::table)
    fail(value.place, fmt::format("{}: expected a table, found {}", name, Toml::kind_name(value.kind)));
  out.place = value.place;
  out.fields = to_params(value, name, {"recipe", "trainer", "params"});
  out.base = {"standard", {}};
  // The table's other keys are the recipe's; the planner knows which there are.
  std::vector<std::string> keys = {"recipe", "trainer", "params"};
  for (const ParamValue& entry : out.fields.entries) keys.push_back(entry.key);
  const Fields fields(value, name, keys);
  if (fields.find("recipe")) out.base = fields.need_text("recipe", "the name of a recipe, such as \"standard\"");
  if (fields.find("trainer")) out.trainer = fields.need_text("trainer", "a trainer plugin");
  out.trainer_params = fields.params("params");
  if (!out.trainer && fields.find("params"))
    fail(fields.find("params")->key_place, fmt::format("{}.params: only a `trainer` takes parameters", name));
  return out;
}

std::vector<ModelSpec> parse_models(const Toml& root) {
  std::vector<ModelSpec> out;
  for (const Toml* block : blocks(root, "model")) {
    ModelSpec model = parse_model(*block);
    for (const ModelSpec& earlier : out)
      if (earlier.id.value == model.id.value)
        fail(model.id.place, fmt::format("model.id: duplicate id '{}', first used at {}; expected another name",
                                         model.id.value, earlier.id.place.str()));
    out.push_back(std::move(model));
  }
  return out;
}

std::optional<RecipeSpec> parse_finetune(const Toml& root) {
  const Toml* table = root.find("finetune");
  if (!table) return std::nullopt;
  RecipeSpec recipe = parse_recipe(*table, "finetune");
  if (recipe.trainer)
    fail(recipe.trainer->place, "finetune.trainer: every method gets the host's own loop (rule 37); expected recipe fields only");
  return recipe;
}

}  // namespace assay::suite
