// The one place that knows toml++: its tree is copied into ours, with places, tables back in file order.
#include "harness/base/toml.hpp"

#include <algorithm>
#include <toml++/toml.h>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"

namespace assay {
namespace {

Place place_of(const toml::source_region& region, const std::string& file) {
  return {file, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

Toml convert(const toml::node& node, const std::string& file);

void convert_table(const toml::table& table, const std::string& file, Toml& out) {
  out.kind = Toml::Kind::table;
  for (const auto& [key, value] : table) {
    Toml entry = convert(value, file);
    entry.key_place = place_of(key.source(), file);
    out.entries.emplace_back(std::string(key.str()), std::move(entry));
  }
  std::stable_sort(out.entries.begin(), out.entries.end(), [](const auto& a, const auto& b) {
    const Place &p = a.second.key_place, &q = b.second.key_place;
    return std::pair(p.line, p.column) < std::pair(q.line, q.column);
  });
}

Toml convert(const toml::node& node, const std::string& file) {
  Toml out;
  out.place = place_of(node.source(), file);
  out.key_place = out.place;
  if (const auto* table = node.as_table()) {
    convert_table(*table, file, out);
  } else if (const auto* array = node.as_array()) {
    out.kind = Toml::Kind::array;
    for (const toml::node& item : *array) out.items.push_back(convert(item, file));
  } else if (const auto* text = node.as_string()) {
    out.kind = Toml::Kind::string;
    out.string = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = Toml::Kind::integer;
    out.integer = integer->get();
  } else if (const auto* real = node.as_floating_point()) {
    out.kind = Toml::Kind::real;
    out.real = real->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = Toml::Kind::boolean;
    out.boolean = boolean->get();
  } else {
    out.kind = Toml::Kind::other;
  }
  return out;
}

}  // namespace

std::string Place::str() const { return file + ":" + std::to_string(line) + ":" + std::to_string(column); }

Toml::Toml() = default;
Toml::Toml(const Toml& other) = default;
Toml::Toml(Toml&& other) noexcept = default;
Toml& Toml::operator=(const Toml& other) = default;
Toml& Toml::operator=(Toml&& other) noexcept = default;
Toml::~Toml() = default;

const Toml* Toml::find(std::string_view key) const {
  for (const auto& [name, value] : entries)
    if (name == key) return &value;
  return nullptr;
}

const char* Toml::kind_name(Kind kind) {
  switch (kind) {
    case Kind::boolean: return "a boolean";
    case Kind::integer: return "an integer";
    case Kind::real: return "a real number";
    case Kind::string: return "a string";
    case Kind::array: return "an array";
    case Kind::table: return "a table";
    case Kind::other: return "a date or time";
  }
  return "a value";
}

Json Toml::to_json() const {
  switch (kind) {
    case Kind::boolean: return boolean;
    case Kind::integer: return integer;
    case Kind::real: return real;
    case Kind::string: return string;
    case Kind::array: {
      Json list = Json::array();
      for (const Toml& item : items) list.push_back(item.to_json());
      return list;
    }
    case Kind::table: {
      Json object = Json::object({});
      for (const auto& [name, value] : entries) object[name] = value.to_json();
      return object;
    }
    case Kind::other: break;
  }
  throw Error(Fault::bad_input, place.str() + ": dates and times have no meaning here");
}

Toml parse_toml(std::string_view text, const std::string& file) {
  try {
    return convert(toml::parse(text, file), file);
  } catch (const toml::parse_error& error) {
    throw Error(Fault::bad_input, place_of(error.source(), file).str() + ": " + std::string(error.description()));
  }
}

Toml load_toml(const std::filesystem::path& file) { return parse_toml(read_text(file), file.string()); }

}  // namespace assay
