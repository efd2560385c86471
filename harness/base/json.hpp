// A JSON value whose objects are sorted by key, so dump() is canonical: equal values give equal text and hash.
// Integers and reals are kept apart; reals print with the shortest text that reads back to the same bits.
// Only json.cpp knows the parser library.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace assay {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json>;

  Json();
  // Out of line: g++ 12 warns of uninitialised members when it inlines the variant's moves, and the code is smaller.
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();
  Json(std::nullptr_t) : Json() {}
  Json(bool v) : value_(v) {}
  Json(int v) : value_(static_cast<std::int64_t>(v)) {}
  Json(unsigned v) : value_(static_cast<std::int64_t>(v)) {}
  Json(std::int64_t v) : value_(v) {}
  Json(std::uint64_t v) : value_(static_cast<std::int64_t>(v)) {}
  Json(double v) : value_(v) {}
  Json(const char* v) : value_(std::string(v)) {}
  Json(std::string v) : value_(std::move(v)) {}
  Json(std::string_view v) : value_(std::string(v)) {}
  Json(Array v) : value_(std::move(v)) {}
  Json(Object v) : value_(std::move(v)) {}
  template <class T>
  Json(const std::vector<T>& items) : value_(Array(items.begin(), items.end())) {}

  // An object from pairs: Json::object({{"a", 1}, {"b", "x"}}).
  static Json object(std::initializer_list<Object::value_type> items) { return Json(Object(items)); }
  static Json array() { return Json(Array{}); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_real() const { return std::holds_alternative<double>(value_); }
  bool is_number() const { return is_int() || is_real(); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // Typed reads; throw Error(bad_input) naming what was found. as_real accepts integers.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_real() const;
  const std::string& as_string() const;
  const Array& as_array() const;
  const Object& as_object() const;
  Array& array_ref();    // turns null into []
  Object& object_ref();  // turns null into {}

  // Object access. at() throws naming the key; get() gives a fallback when absent or null.
  bool has(std::string_view key) const;
  const Json& at(std::string_view key) const;
  const Json& at(std::size_t index) const;
  std::string get(std::string_view key, const char* fallback) const;
  std::string get(std::string_view key, const std::string& fallback) const;
  std::int64_t get(std::string_view key, std::int64_t fallback) const;
  std::int64_t get(std::string_view key, int fallback) const { return get(key, static_cast<std::int64_t>(fallback)); }
  double get(std::string_view key, double fallback) const;
  bool get(std::string_view key, bool fallback) const;
  Json& operator[](const std::string& key) { return object_ref()[key]; }
  void push_back(Json item) { array_ref().push_back(std::move(item)); }
  std::size_t size() const;

  bool operator==(const Json&) const = default;

  // indent < 0: one line, the canonical text that is hashed. NaN and infinities are written as strings
  // "nan", "inf", "-inf" and as_real() reads them back.
  std::string dump(int indent = -1) const;
  // Throws Error(bad_input) with origin, line and column.
  static Json parse(std::string_view text, std::string_view origin = "json");

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

}  // namespace assay
