// Recipe: JSON and validation.
#include "harness/graph/recipe.hpp"

#include <algorithm>

#include "harness/base/error.hpp"

namespace assay::graph {
namespace {

[[noreturn]] void bad_key(const std::string& where, const std::string& key, const std::string& why) {
  bad_input_in(where + "." + key, why);
}

void read(Recipe& recipe, std::int64_t Recipe::*member, const Json& json) { recipe.*member = json.as_int(); }
void read(Recipe& recipe, double Recipe::*member, const Json& json) { recipe.*member = json.as_real(); }
void read(Recipe& recipe, bool Recipe::*member, const Json& json) { recipe.*member = json.as_bool(); }
void read(Recipe& recipe, std::string Recipe::*member, const Json& json) { recipe.*member = json.as_string(); }
void read(Recipe& recipe, Rational Recipe::*member, const Json& json) {
  const std::optional<Rational> value = Rational::parse(json.is_string() ? json.as_string() : json.dump());
  if (!value) throw Error(Fault::bad_input, "must be a fraction such as \"8/255\" or a number, not " + json.dump());
  recipe.*member = *value;
}
void read(Recipe& recipe, std::vector<std::int64_t> Recipe::*member, const Json& json) {
  (recipe.*member).clear();
  for (const Json& item : json.as_array()) (recipe.*member).push_back(item.as_int());
}
void read(Recipe& recipe, std::vector<std::string> Recipe::*member, const Json& json) {
  (recipe.*member).clear();
  for (const Json& item : json.as_array()) (recipe.*member).push_back(item.as_string());
}

void read_field(Recipe& recipe, const RecipeField& field, const Json& json, const std::string& where) {
  try {
    std::visit([&](auto member) { read(recipe, member, json); }, field.member);
  } catch (const Error& e) {
    bad_key(where, field.name, e.what());
  }
}

// Ranges and choices of one field.
struct FieldCheck {
  const Recipe& recipe;
  const RecipeField& field;
  const std::string& where;
  void in_range(double value) const {
    if (value >= field.min && value <= field.max) return;
    bad_key(where, field.name,
            "must be from " + Json(field.min).dump() + " to " + Json(field.max).dump() + ", not " + Json(value).dump());
  }
  void operator()(std::int64_t Recipe::*m) const { in_range(static_cast<double>(recipe.*m)); }
  void operator()(double Recipe::*m) const { in_range(recipe.*m); }
  void operator()(Rational Recipe::*m) const { in_range((recipe.*m).value()); }
  void operator()(bool Recipe::*) const {}
  void operator()(std::vector<std::string> Recipe::*) const {}
  void operator()(std::string Recipe::*m) const {
    const std::string& value = recipe.*m;
    if (std::find(field.choices.begin(), field.choices.end(), value) != field.choices.end()) return;
    bad_key(where, field.name, "unknown value '" + value + "'" + suggestion(value, field.choices));
  }
  void operator()(std::vector<std::int64_t> Recipe::*m) const {
    for (const std::int64_t v : recipe.*m) in_range(static_cast<double>(v));
  }
};

void check_averages(const Recipe& r, const std::string& where) {
  if (r.ema > 0 && r.swa_start > 0)
    bad_key(where, "swa_start", "and ema are two averages of the same weights; expected one of them");
  if (r.swa_start >= r.epochs)
    bad_key(where, "swa_start",
            "must be smaller than epochs (" + std::to_string(r.epochs) + "), or nothing is averaged");
  if (r.swa_lr > 0 && r.swa_start == 0) bad_key(where, "swa_lr", "needs swa_start");
  if (r.swa_start > 0 && r.patience > 0)
    bad_key(where, "patience", "stops before swa_start has averaged; expected one of them");
}

// Soft targets and adversaries differentiate the cross-entropy themselves.
void check_adversary(const Recipe& r, const std::string& where) {
  if (!r.adversarial()) return;
  if (r.adv_eps.num == 0) bad_key(where, "adv_eps", "is 0: that is training without an adversary");
  if (r.adv_step.num == 0) bad_key(where, "adv_step", "is 0: the attack stands still");
  if (r.adversary == "free" && r.accumulate > 1)
    bad_key(where, "accumulate", "has no meaning with adversary 'free', which steps after every use of a batch");
  if (r.adversary == "free" && r.mixes())
    bad_key(where, "adversary", "'free' replays hard labels; expected neither mixup nor cutmix");
}

// The whole set at once, as a smooth function of the weights: nothing that draws, averages or steps has a meaning
// there.
void check_full_batch(const Recipe& r, const std::string& where) {
  if (r.optimizer != "lbfgs") return;
  const auto unless = [&](bool fine, const char* key) {
    if (!fine) bad_key(where, key, "has no meaning with optimizer 'lbfgs', which minimises over the whole set");
  };
  unless(!r.flip, "flip");
  unless(r.crop == 0, "crop");
  unless(r.erasing == 0, "erasing");
  unless(r.jitter == 0, "jitter");
  unless(!r.mixes(), r.mixup > 0 ? "mixup" : "cutmix");
  unless(!r.adversarial(), "adversary");
  unless(r.ema == 0, "ema");
  unless(r.swa_start == 0, "swa_start");
  unless(r.patience == 0, "patience");
  unless(r.schedule != "plateau", "schedule");
  unless(r.accumulate == 1, "accumulate");
  unless(r.clip_norm == 0, "clip_norm");
  unless(r.clip_value == 0, "clip_value");
  unless(r.precision == "f32", "precision");
}

}  // namespace

Json field_value(const Recipe& recipe, const RecipeField& field) {
  return std::visit(
      [&](auto member) {
        if constexpr (std::is_same_v<decltype(member), Rational Recipe::*>) {
          return Json((recipe.*member).str());
        } else {
          return Json(recipe.*member);
        }
      },
      field.member);
}

Json Recipe::to_json() const {
  Json json = Json::object({});
  for (const RecipeField& field : recipe_fields()) json[field.name] = field_value(*this, field);
  return json;
}

Json Recipe::canonical() const {
  static const Recipe neutral;
  Json json = Json::object({});
  for (const RecipeField& field : recipe_fields()) {
    Json value = field_value(*this, field);
    if (field.first_version || !(value == field_value(neutral, field))) json[field.name] = std::move(value);
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
      bad_key(where, "recipe", e.what());
    }
  }
  const std::vector<RecipeField>& fields = recipe_fields();
  std::vector<std::string> names = {"recipe"};
  for (const RecipeField& field : fields) names.emplace_back(field.name);
  for (const auto& [key, value] : json.as_object()) {
    if (key == "recipe") continue;
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&, k = key](const RecipeField& f) { return k == f.name; });
    if (field == fields.end()) bad_key(where, key, "unknown key" + suggestion(key, names));
    read_field(result, *field, value, where);
  }
  result.validate(where);
  return result;
}

void Recipe::validate(const std::string& where) const {
  for (const RecipeField& field : recipe_fields()) std::visit(FieldCheck{*this, field, where}, field.member);
  if (warmup > static_cast<double>(epochs))
    bad_key(where, "warmup", "is longer than the training (" + std::to_string(epochs) + " epochs)");
  if (!std::is_sorted(milestones.begin(), milestones.end())) bad_key(where, "milestones", "must be ascending");
  check_averages(*this, where);
  check_adversary(*this, where);
  check_full_batch(*this, where);
}

bool Recipe::watches_validation() const {
  return patience > 0 || (schedule == "plateau" && monitor == "validation-loss");
}

}  // namespace assay::graph
