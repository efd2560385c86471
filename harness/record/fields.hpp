// Reading structs from JSON objects: every error names the origin and the key; unknown keys are refused, since writer
// and reader are of one version. Private to harness/record.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/json.hpp"

namespace assay::record_detail {

class Fields {
 public:
  Fields(const Json& json, std::string origin) : json_(json), origin_(std::move(origin)) {
    if (!json.is_object()) throw Error(Fault::bad_input, origin_ + ": expected an object");
  }

  template <class T>
  void required(const char* key, T& out) {
    known_.emplace_back(key);
    guard(key, [&] { read(json_.at(key), out); });
  }
  template <class T>
  void optional(const char* key, T& out) {
    known_.emplace_back(key);
    if (json_.has(key)) guard(key, [&] { read(json_.at(key), out); });
  }
  // f(item, origin of the item) for every item of the array `key`, which may be absent.
  template <class F>
  void each(const char* key, F f) {
    known_.emplace_back(key);
    if (!json_.has(key)) return;
    const Json::Array* items = nullptr;
    guard(key, [&] { items = &json_.at(key).as_array(); });
    for (std::size_t i = 0; i < items->size(); ++i) f((*items)[i], origin_ + "." + key + "[" + std::to_string(i) + "]");
  }
  // f(name, item, origin of the item) for every member of the object `key`, which may be absent.
  template <class F>
  void each_member(const char* key, F f) {
    known_.emplace_back(key);
    if (!json_.has(key)) return;
    const Json::Object* items = nullptr;
    guard(key, [&] { items = &json_.at(key).as_object(); });
    for (const auto& [name, item] : *items) f(name, item, origin_ + "." + key + "." + name);
  }
  void finish() const {
    for (const auto& [key, value] : json_.as_object())
      if (std::find(known_.begin(), known_.end(), key) == known_.end())
        throw Error(Fault::bad_input, origin_ + ": unknown key '" + key + "'" + suggestion(key, known_));
  }

 private:
  static void read(const Json& json, std::string& out) { out = json.as_string(); }
  static void read(const Json& json, bool& out) { out = json.as_bool(); }
  static void read(const Json& json, std::int64_t& out) { out = json.as_int(); }
  static void read(const Json& json, double& out) { out = json.as_real(); }
  static void read(const Json& json, Json& out) { out = json; }
  static void read(const Json& json, int& out) {
    const std::int64_t value = json.as_int();
    out = static_cast<int>(value);
    if (out != value) throw Error(Fault::bad_input, "integer " + std::to_string(value) + " is out of range");
  }
  static void read(const Json& json, std::uint64_t& out) {
    if (json.as_int() < 0) throw Error(Fault::bad_input, "expected a number >= 0");
    out = static_cast<std::uint64_t>(json.as_int());
  }
  template <class T>
  static void read(const Json& json, std::vector<T>& out) {
    out.clear();
    for (const Json& item : json.as_array()) read(item, out.emplace_back());
  }

  template <class Read>
  void guard(const char* key, Read read_value) const {
    try {
      read_value();
    } catch (const Error& error) {
      throw Error(error.fault(), origin_ + ": key '" + key + "': " + error.what());
    }
  }

  const Json& json_;
  std::string origin_;
  std::vector<std::string> known_;
};

}  // namespace assay::record_detail
