// Typed, located reads of one TOML table. Private to harness/suite. A Fields refuses unknown keys when it is made, so
// a block's accepted keys stand in one list beside its parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/rational.hpp"
#include "harness/base/toml.hpp"
#include "harness/suite/suite.hpp"

namespace assay::suite {

[[noreturn]] void fail(const Place& place, const std::string& message, Fault fault = Fault::bad_input);

struct IntRange {
  std::int64_t min, max;
};
struct RealRange {
  double min, max;
};

class Fields {
 public:
  // `path` names the table in messages ("data.train"). Throws when `table` is no table or has a key outside `keys`.
  Fields(const Toml& table, std::string path, const std::vector<std::string>& keys);

  const Place& place() const { return table_.place; }
  std::string name(std::string_view key) const;  // "data.train.limit"
  const Toml* find(std::string_view key) const { return table_.find(key); }
  const Toml& need(std::string_view key, const char* what) const;  // throws when absent, saying what it must be

  Located<std::string> text(std::string_view key, const char* fallback = "") const;
  Located<std::string> need_text(std::string_view key, const char* what) const;
  // Lower-case letters, digits, '-', '_' and '.', so that ids can stand in labels, conditions and file names.
  Located<std::string> need_id(std::string_view key, const char* what) const;
  Located<std::string> choice(std::string_view key, const std::vector<std::string>& choices, const char* fallback) const;
  std::int64_t integer(std::string_view key, std::int64_t fallback, IntRange range) const;
  double real(std::string_view key, double fallback, RealRange range) const;
  bool flag(std::string_view key, bool fallback) const;
  std::vector<Located<std::string>> texts(std::string_view key) const;
  // One rational or a list of them, in increasing order and distinct.
  std::vector<Rational> rationals(std::string_view key) const;
  ParamTable params(std::string_view key) const;

 private:
  void expect(std::string_view key, const Toml& value, Toml::Kind kind) const;
  const Toml& table_;
  std::string path_;
};

void check_id(const Located<std::string>& id, const std::string& name);
Rational to_rational(const Toml& value, const std::string& name);
ParamTable to_params(const Toml& table, const std::string& name, const std::vector<std::string>& skip = {});
// The one of `values` that the board ranks at: the key's value, or the only value there is.
Rational pick_rank(const Fields& fields, const char* key, const char* list, const std::vector<Rational>& values);
// The items of [[name]], or none when absent; throws when it was written [name].
std::vector<const Toml*> blocks(const Toml& root, std::string_view name);

}  // namespace assay::suite
