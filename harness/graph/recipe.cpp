// Recipe: JSON, validation, schedules. One table row a field.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <variant>

#include "harness/base/error.hpp"
#include "harness/graph/losses.hpp"
#include "harness/graph/train.hpp"

namespace assay::graph {
namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();

using Member = std::variant<std::int64_t Recipe::*, double Recipe::*, bool Recipe::*, std::string Recipe::*,
                            std::vector<std::int64_t> Recipe::*>;
struct Field {
  const char* name;
  Member member;
  double min = -unbounded, max = unbounded;  // inclusive
};

const std::vector<Field>& fields() {
  static const std::vector<Field> table = {
      {"epochs", &Recipe::epochs, 1, 100000},
      {"batch", &Recipe::batch, 1, 65536},
      {"optimizer", &Recipe::optimizer},
      {"lr", &Recipe::lr, 0, 1000},
      {"momentum", &Recipe::momentum, 0, 0.9999},
      {"nesterov", &Recipe::nesterov},
      {"beta1", &Recipe::beta1, 0, 0.9999},
      {"beta2", &Recipe::beta2, 0, 0.999999},
      {"eps", &Recipe::eps, 1e-15, 1},
      {"weight_decay", &Recipe::weight_decay, 0, 100},
      {"decay_bias_and_norm", &Recipe::decay_bias_and_norm},
      {"schedule", &Recipe::schedule},
      {"milestones", &Recipe::milestones, 1, 100000},
      {"gamma", &Recipe::gamma, 0, 1},
      {"warmup", &Recipe::warmup, 0, 100000},
      {"label_smoothing", &Recipe::label_smoothing, 0, 0.999},
      {"flip", &Recipe::flip},
      {"crop", &Recipe::crop, 0, 64},
      {"loss", &Recipe::loss},
  };
  return table;
}

[[noreturn]] void bad(const std::string& where, const std::string& key, const std::string& why) {
  throw Error(Fault::bad_input, where + "." + key + ": " + why);
}

void check_range(const std::string& where, const Field& field, double value) {
  if (value >= field.min && value <= field.max) return;
  bad(where, field.name, "must be from " + Json(field.min).dump() + " to " + Json(field.max).dump() + ", not " + Json(value).dump());
}

void check_choice(const std::string& where, const char* key, const std::string& value, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    bad(where, key, "unknown value '" + value + "'" + suggestion(value, choices));
  }
}

void read(Recipe& recipe, std::int64_t Recipe::* member, const Json& json) { recipe.*member = json.as_int(); }
void read(Recipe& recipe, double Recipe::* member, const Json& json) { recipe.*member = json.as_real(); }
void read(Recipe& recipe, bool Recipe::* member, const Json& json) { recipe.*member = json.as_bool(); }
void read(Recipe& recipe, std::string Recipe::* member, const Json& json) { recipe.*member = json.as_string(); }
void read(Recipe& recipe, std::vector<std::int64_t> Recipe::* member, const Json& json) {
  (recipe.*member).clear();
  for (const Json& item : json.as_array()) (recipe.*member).push_back(item.as_int());
}

void read_field(Recipe& recipe, const Field& field, const Json& json, const std::string& where) {
  try {
    std::visit([&](auto member) { read(recipe, member, json); }, field.member);
  } catch (const Error& e) {
    bad(where, field.name, e.what());
  }
}

struct RangeCheck {
  const Recipe& recipe;
  const Field& field;
  const std::string& where;
  void operator()(std::int64_t Recipe::* m) const { check_range(where, field, static_cast<double>(recipe.*m)); }
  void operator()(double Recipe::* m) const { check_range(where, field, recipe.*m); }
  void operator()(bool Recipe::*) const {}
  void operator()(std::string Recipe::*) const {}
  void operator()(std::vector<std::int64_t> Recipe::* m) const {
    for (const std::int64_t v : recipe.*m) check_range(where, field, static_cast<double>(v));
  }
};

double scheduled(const Recipe& recipe, double epoch) {
  if (recipe.schedule == "constant") return 1.0;
  if (recipe.schedule == "step") {
    double factor = 1.0;
    for (const std::int64_t m : recipe.milestones) factor *= epoch >= static_cast<double>(m) ? recipe.gamma : 1.0;
    return factor;
  }
  const double span = static_cast<double>(recipe.epochs) - recipe.warmup;
  const double done = span <= 0 ? 1.0 : std::clamp((epoch - recipe.warmup) / span, 0.0, 1.0);
  return 0.5 * (1.0 + std::cos(std::numbers::pi * done));
}

}  // namespace

Json Recipe::to_json() const {
  Json json = Json::object({});
  for (const Field& field : fields()) {
    std::visit([&](auto member) { json[field.name] = Json(this->*member); }, field.member);
  }
  return json;
}

Recipe Recipe::from_json(const Json& json, const std::string& where) {
  if (!json.is_object()) throw Error(Fault::bad_input, where + ": must be a table");
  Recipe result;
  if (json.has("recipe")) {
    try {
      result = graph::recipe(json.at("recipe").as_string());
    } catch (const Error& e) {
      bad(where, "recipe", e.what());
    }
  }
  std::vector<std::string> names = {"recipe"};
  for (const Field& field : fields()) names.emplace_back(field.name);
  for (const auto& [key, value] : json.as_object()) {
    if (key == "recipe") continue;
    const auto field = std::find_if(fields().begin(), fields().end(), [&, k = key](const Field& f) { return k == f.name; });
    if (field == fields().end()) bad(where, key, "unknown key" + suggestion(key, names));
    read_field(result, *field, value, where);
  }
  result.validate(where);
  return result;
}

void Recipe::validate(const std::string& where) const {
  for (const Field& field : fields()) std::visit(RangeCheck{*this, field, where}, field.member);
  check_choice(where, "optimizer", optimizer, {"sgd", "adamw"});
  check_choice(where, "schedule", schedule, {"cosine", "step", "constant"});
  check_choice(where, "loss", loss, loss_names());
  if (warmup > static_cast<double>(epochs)) bad(where, "warmup", "is longer than the training (" + std::to_string(epochs) + " epochs)");
  if (label_smoothing > 0 && loss != "cross-entropy") bad(where, "label_smoothing", "works with loss 'cross-entropy' only");
  if (!std::is_sorted(milestones.begin(), milestones.end())) bad(where, "milestones", "must be ascending");
}

double Recipe::lr_at(double epoch) const {
  if (epoch < warmup) return lr * epoch / warmup;
  return lr * scheduled(*this, epoch);
}

std::vector<std::string> recipe_names() { return {"quick", "standard"}; }

Recipe recipe(const std::string& name) {
  Recipe result;
  if (name == "standard") {  // the field's usual CIFAR recipe (He et al., CVPR 2016), shortened, with cosine decay
    result.epochs = 30;
    result.crop = 4;
    result.flip = true;
    result.warmup = 1;
    return result;
  }
  if (name != "quick") throw Error(Fault::bad_input, "unknown recipe '" + name + "'" + suggestion(name, recipe_names()));
  result.epochs = 4;
  result.warmup = 0.5;
  return result;
}

}  // namespace assay::graph
