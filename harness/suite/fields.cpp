#include "harness/suite/fields.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace assay::suite {

void fail(const Place& place, const std::string& message, Fault fault) {
  throw Error(fault, place.str() + ": " + message);
}

Fields::Fields(const Toml& table, std::string path, const std::vector<std::string>& keys)
    : table_(table), path_(std::move(path)) {
  if (table.kind != Toml::Kind::table)
    fail(table.place, fmt::format("{}: expected a table, found {}", path_, Toml::kind_name(table.kind)));
  for (const auto& [key, value] : table.entries)
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      fail(value.key_place, fmt::format("unknown key '{}' in {}{}", key, path_, suggestion(key, keys)));
}

std::string Fields::name(std::string_view key) const { return fmt::format("{}.{}", path_, key); }

const Toml& Fields::need(std::string_view key, const char* what) const {
  const Toml* value = table_.find(key);
  if (!value) fail(table_.place, fmt::format("{}: key '{}' is missing; expected {}", path_, key, what));
  return *value;
}

void Fields::expect(std::string_view key, const Toml& value, Toml::Kind kind) const {
  if (value.kind != kind)
    fail(value.place,
         fmt::format("{}: expected {}, found {}", name(key), Toml::kind_name(kind), Toml::kind_name(value.kind)));
}

Located<std::string> Fields::text(std::string_view key, const char* fallback) const {
  const Toml* value = table_.find(key);
  if (!value) return {fallback, {}};
  expect(key, *value, Toml::Kind::string);
  return {value->string, value->place};
}

Located<std::string> Fields::need_text(std::string_view key, const char* what) const {
  need(key, what);
  Located<std::string> found = text(key);
  if (found.value.empty()) fail(found.place, fmt::format("{}: expected {}, found empty text", name(key), what));
  return found;
}

void check_id(const Located<std::string>& id, const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  const bool starts_well = !id.value.empty() && id.value[0] != '-' && id.value[0] != '.';
  if (starts_well && std::all_of(id.value.begin(), id.value.end(), allowed)) return;
  fail(id.place, fmt::format("{}: expected lower-case letters, digits, '-', '_' or '.', found '{}'", name, id.value));
}

Located<std::string> Fields::need_id(std::string_view key, const char* what) const {
  Located<std::string> found = need_text(key, what);
  check_id(found, name(key));
  return found;
}

Located<std::string> Fields::choice(std::string_view key, const std::vector<std::string>& choices,
                                    const char* fallback) const {
  Located<std::string> found = text(key, fallback);
  if (found.given() && std::find(choices.begin(), choices.end(), found.value) == choices.end())
    fail(found.place, fmt::format("{}: unknown value '{}'{}", name(key), found.value, suggestion(found.value, choices)));
  return found;
}

std::int64_t Fields::integer(std::string_view key, std::int64_t fallback, IntRange range) const {
  const Toml* value = table_.find(key);
  if (!value) return fallback;
  expect(key, *value, Toml::Kind::integer);
  if (value->integer < range.min || value->integer > range.max)
    fail(value->place, fmt::format("{}: expected an integer from {} to {}, found {}", name(key), range.min, range.max,
                                   value->integer));
  return value->integer;
}

double Fields::real(std::string_view key, double fallback, RealRange range) const {
  const Toml* value = table_.find(key);
  if (!value) return fallback;
  if (value->kind != Toml::Kind::integer) expect(key, *value, Toml::Kind::real);
  const double number = value->kind == Toml::Kind::integer ? static_cast<double>(value->integer) : value->real;
  if (!(number >= range.min && number <= range.max))
    fail(value->place,
         fmt::format("{}: expected a number from {} to {}, found {}", name(key), range.min, range.max, number));
  return number;
}

bool Fields::flag(std::string_view key, bool fallback) const {
  const Toml* value = table_.find(key);
  if (!value) return fallback;
  expect(key, *value, Toml::Kind::boolean);
  return value->boolean;
}

std::vector<Located<std::string>> Fields::texts(std::string_view key) const {
  std::vector<Located<std::string>> found;
  const Toml* value = table_.find(key);
  if (!value) return found;
  expect(key, *value, Toml::Kind::array);
  for (const Toml& item : value->items) {
    expect(key, item, Toml::Kind::string);
    for (const auto& earlier : found)
      if (earlier.value == item.string)
        fail(item.place, fmt::format("{}: '{}' stands twice, first at {}", name(key), item.string, earlier.place.str()));
    found.push_back({item.string, item.place});
  }
  return found;
}

Rational to_rational(const Toml& value, const std::string& name) {
  std::optional<Rational> parsed;
  if (value.kind == Toml::Kind::integer) return Rational{value.integer, 1};
  if (value.kind == Toml::Kind::string) parsed = Rational::parse(value.string);
  // A TOML real has lost its text; the shortest text that reads back to it is what was meant.
  if (value.kind == Toml::Kind::real) parsed = Rational::parse(Json(value.real).dump());
  if (parsed) return *parsed;
  const std::string found =
      value.kind == Toml::Kind::string ? fmt::format("'{}'", value.string) : Toml::kind_name(value.kind);
  fail(value.place, fmt::format("{}: expected a number or a fraction as text such as \"8/255\", found {}", name, found));
}

std::vector<Rational> Fields::rationals(std::string_view key) const {
  std::vector<Rational> found;
  const Toml* value = table_.find(key);
  if (!value) return found;
  if (value->kind != Toml::Kind::array) return {to_rational(*value, name(key))};
  if (value->items.empty()) fail(value->place, name(key) + ": expected at least one value, found an empty list");
  for (const Toml& item : value->items) {
    const Rational number = to_rational(item, name(key));
    if (!found.empty() && !(found.back().value() < number.value()))
      fail(item.place, fmt::format("{}: expected increasing values, found {} after {}", name(key), number.str(),
                                   found.back().str()));
    found.push_back(number);
  }
  return found;
}

Rational pick_rank(const Fields& fields, const char* key, const char* list, const std::vector<Rational>& values) {
  const Toml* written = fields.find(key);
  if (!written) {
    if (values.size() == 1) return values[0];
    fail(fields.place(), fmt::format("key '{}' is missing; expected one of the values of {}", fields.name(key), fields.name(list)));
  }
  const Rational rank = to_rational(*written, fields.name(key));
  if (std::find(values.begin(), values.end(), rank) != values.end()) return rank;
  std::vector<std::string> names;
  names.reserve(values.size());
  for (const Rational& value : values) names.push_back(value.str());
  fail(written->place, fmt::format("{}: expected one of the values of {} ({}), found {}", fields.name(key), fields.name(list),
                                   fmt::join(names, ", "), rank.str()));
}

static const Toml* find_date(const Toml& value) {
  if (value.kind == Toml::Kind::other) return &value;
  for (const Toml& item : value.items)
    if (const Toml* date = find_date(item)) return date;
  for (const auto& [key, item] : value.entries)
    if (const Toml* date = find_date(item)) return date;
  return nullptr;
}

ParamTable to_params(const Toml& table, const std::string& name, const std::vector<std::string>& skip) {
  ParamTable out;
  if (table.kind != Toml::Kind::table)
    fail(table.place, fmt::format("{}: expected a table, found {}", name, Toml::kind_name(table.kind)));
  out.place = table.place;
  for (const auto& [key, value] : table.entries) {
    if (std::find(skip.begin(), skip.end(), key) != skip.end()) continue;
    if (const Toml* date = find_date(value))
      fail(date->place, fmt::format("{}.{}: expected a number, text, boolean or list, found a date or time", name, key));
    out.entries.push_back({key, value.to_json(), value.place, value.key_place});
  }
  return out;
}

ParamTable Fields::params(std::string_view key) const {
  const Toml* value = table_.find(key);
  return value ? to_params(*value, name(key)) : ParamTable{};
}

std::vector<const Toml*> blocks(const Toml& root, std::string_view name) {
  std::vector<const Toml*> found;
  const Toml* value = root.find(name);
  if (!value) return found;
  if (value->kind != Toml::Kind::array)
    fail(value->place, fmt::format("{}: expected blocks headed [[{}]], found {}", name, name, Toml::kind_name(value->kind)));
  for (const Toml& item : value->items) {
    if (item.kind != Toml::Kind::table)
      fail(item.place, fmt::format("{}: expected a block headed [[{}]], found {}", name, name, Toml::kind_name(item.kind)));
    found.push_back(&item);
  }
  return found;
}

}  // namespace assay::suite
