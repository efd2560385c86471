// A TOML document as a tree in which every node knows its place. Only toml.cpp knows the parser library.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/json.hpp"

namespace assay {

struct Place {
  std::string file;
  int line = 0, column = 0;  // from 1
  std::string str() const;   // "file:line:column"
};

struct Toml {
  // Out of line: a Toml holds pairs with Toml, which some compilers cannot complete inside the class.
  Toml();
  Toml(const Toml& other);
  Toml(Toml&& other) noexcept;
  Toml& operator=(const Toml& other);
  Toml& operator=(Toml&& other) noexcept;
  ~Toml();

  enum class Kind { boolean, integer, real, string, array, table, other };  // other: dates and times
  Kind kind = Kind::table;
  Place place;      // of the value; for a [table] header, of the header
  Place key_place;  // of the key that names it (equal to place for array items)
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string string;
  std::vector<Toml> items;                            // array
  std::vector<std::pair<std::string, Toml>> entries;  // table, in file order

  const Toml* find(std::string_view key) const;  // table only; nullptr when absent
  static const char* kind_name(Kind kind);       // "a string", "an integer", ...
  Json to_json() const;
};

Toml parse_toml(std::string_view text, const std::string& file);  // throws Error(bad_input) "file:line:col: ..."
Toml load_toml(const std::filesystem::path& file);

}  // namespace assay
