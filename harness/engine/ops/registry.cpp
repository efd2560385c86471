// Attrs, and the registry that ops.def fills.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/engine/ops/op.hpp"
#include "harness/engine/ops/register.hpp"

namespace assay::engine {
namespace {

[[noreturn]] void wrong_kind(std::string_view key, const char* wanted) {
  throw Error(Fault::bad_input, "attribute '" + std::string(key) + "' must be " + wanted);
}

Json item_json(const Attrs::Item& item) {
  return std::visit([](const auto& v) { return Json(v); }, item);
}

Attrs::Item item_from_array(const Json::Array& items) {
  const bool reals = std::any_of(items.begin(), items.end(), [](const Json& v) { return !v.is_int(); });
  if (reals) {
    std::vector<double> values;
    for (const Json& v : items) values.push_back(v.as_real());
    return values;
  }
  std::vector<std::int64_t> values;
  for (const Json& v : items) values.push_back(v.as_int());
  return values;
}

Attrs::Item item_from(const std::string& key, const Json& json) {
  if (json.is_int()) return json.as_int();
  if (json.is_bool()) return static_cast<std::int64_t>(json.as_bool());
  if (json.is_real()) return json.as_real();
  if (json.is_string()) return json.as_string();
  if (json.is_array()) return item_from_array(json.as_array());
  wrong_kind(key, "an integer, a real, a string or a list of numbers");
}

}  // namespace

bool Attrs::has(std::string_view key) const { return items_.find(key) != items_.end(); }

std::int64_t Attrs::integer(std::string_view key, std::int64_t fallback) const {
  const auto it = items_.find(key);
  if (it == items_.end()) return fallback;
  if (const auto* v = std::get_if<std::int64_t>(&it->second)) return *v;
  wrong_kind(key, "an integer");
}

double Attrs::real(std::string_view key, double fallback) const {
  const auto it = items_.find(key);
  if (it == items_.end()) return fallback;
  if (const auto* v = std::get_if<double>(&it->second)) return *v;
  if (const auto* v = std::get_if<std::int64_t>(&it->second)) return static_cast<double>(*v);
  wrong_kind(key, "a number");
}

std::string Attrs::text(std::string_view key, std::string_view fallback) const {
  const auto it = items_.find(key);
  if (it == items_.end()) return std::string(fallback);
  if (const auto* v = std::get_if<std::string>(&it->second)) return *v;
  wrong_kind(key, "a string");
}

std::vector<std::int64_t> Attrs::ints(std::string_view key, std::vector<std::int64_t> fallback) const {
  const auto it = items_.find(key);
  if (it == items_.end()) return fallback;
  if (const auto* v = std::get_if<std::vector<std::int64_t>>(&it->second)) return *v;
  if (const auto* v = std::get_if<std::int64_t>(&it->second)) return {*v};
  wrong_kind(key, "an integer or a list of integers");
}

std::vector<double> Attrs::reals(std::string_view key, std::vector<double> fallback) const {
  const auto it = items_.find(key);
  if (it == items_.end()) return fallback;
  if (const auto* v = std::get_if<std::vector<double>>(&it->second)) return *v;
  if (const auto* v = std::get_if<std::vector<std::int64_t>>(&it->second)) return {v->begin(), v->end()};
  if (const auto* v = std::get_if<double>(&it->second)) return {*v};
  if (const auto* v = std::get_if<std::int64_t>(&it->second)) return {static_cast<double>(*v)};
  wrong_kind(key, "a number or a list of numbers");
}

Json Attrs::to_json() const {
  Json json = Json::object({});
  for (const auto& [key, item] : items_) json[key] = item_json(item);
  return json;
}

Attrs Attrs::from_json(const Json& json) {
  Attrs attrs;
  for (const auto& [key, value] : json.as_object()) attrs.set(key, item_from(key, value));
  return attrs;
}

const Registry& Registry::get() {
  static const Registry* instance = [] {
    auto* registry = new Registry;
#define ASSAY_OP_FAMILY(family) register_##family(*registry);
#include "harness/engine/ops/ops.def"
#undef ASSAY_OP_FAMILY
    return registry;
  }();
  return *instance;
}

OpId Registry::id(std::string_view name) const {
  const auto it = ids_.find(name);
  if (it != ids_.end()) return it->second;
  std::vector<std::string> names;
  for (const auto& [known, id] : ids_) names.push_back(known);
  throw Error(Fault::bad_input, "unknown op '" + std::string(name) + "'" + suggestion(name, names));
}

void Registry::add(Op op) {
  if (!op.infer || !op.prepare == !op.compose) {
    throw Error(Fault::internal, "op '" + op.name + "' needs infer, and either prepare or compose");
  }
  const auto [it, fresh] = ids_.emplace(op.name, static_cast<OpId>(ops_.size()));
  if (!fresh) throw Error(Fault::internal, "op '" + op.name + "' is registered twice");
  ops_.push_back(std::move(op));
}

OpCost op_cost(const Op& op, std::span<const Spec> in, std::span<const Spec> out, const Attrs& attrs) {
  OpCost cost = op.cost ? op.cost(in, out, attrs) : OpCost{};
  if (cost.bytes == 0) {
    for (const Spec& s : in) cost.bytes += static_cast<double>(s.bytes());
    for (const Spec& s : out) cost.bytes += static_cast<double>(s.bytes());
  }
  return cost;
}

}  // namespace assay::engine
