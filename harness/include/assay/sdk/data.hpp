// SDK containers: List, Bundle (named values), State (named tensors that the host stores), Records (a data set).
#pragma once

#include <optional>

#include "assay/sdk/tensor.hpp"

namespace assay {

// A value that lives as long as its owner (bundle, list): typed reads that fail with the name of what was asked for.
class Value {
 public:
  Value(const sdk::Api& api, assay_value value, std::string name) : api_(&api), value_(value), name_(std::move(name)) {}
  assay_type type() const { return value_.type; }
  std::int64_t integer() const { return expect(ASSAY_INT, "an integer").i; }
  double real() const {
    return value_.type == ASSAY_INT ? static_cast<double>(value_.i) : expect(ASSAY_REAL, "a real").r;
  }
  bool flag() const { return expect(ASSAY_BOOL, "a bool").i != 0; }
  std::string text() const {
    return value_.type == ASSAY_CHOICE ? std::string(value_.s) : std::string(expect(ASSAY_TEXT, "a text").s);
  }
  Object object(assay_type kind, const char* what) const { return Object::borrow(*api_, expect(kind, what).o); }

 private:
  const assay_value& expect(assay_type type, const char* what) const {
    if (value_.type != type) fail(ASSAY_INVALID, "'" + name_ + "' is not " + what);
    return value_;
  }
  const sdk::Api* api_;
  assay_value value_;
  std::string name_;
};

class List : public Object {
 public:
  List() = default;
  explicit List(Object object) : Object(std::move(object)) {}
  std::size_t size() const {
    std::size_t count = 0;
    api().check(api().list().count(host(), raw(), &count));
    return count;
  }
  Value at(std::size_t index) const {
    assay_value value = sdk::value_none();
    api().check(api().list().at(host(), raw(), index, &value));
    return Value(api(), value, "list item");
  }
  static List of(const sdk::Api& api, std::span<const assay_value> items) {
    assay_object* out = nullptr;
    api.check(api.list().create(api.host(), items.data(), items.size(), &out));
    return List(Object::adopt(api, out));
  }
};

class Bundle : public Object {
 public:
  Bundle() = default;
  explicit Bundle(Object object) : Object(std::move(object)) {}
  static Bundle create(const sdk::Api& api) {
    assay_object* out = nullptr;
    api.check(api.bundle().create(api.host(), &out));
    return Bundle(Object::adopt(api, out));
  }

  std::optional<Value> find(const char* name) const {
    assay_value value = sdk::value_none();
    const assay_status status = api().bundle().get(host(), raw(), name, &value);
    if (status == ASSAY_NOT_FOUND) return std::nullopt;
    api().check(status);
    return Value(api(), value, name);
  }
  Value at(const char* name) const {
    std::optional<Value> value = find(name);
    if (!value) fail(ASSAY_NOT_FOUND, std::string("the host passed no '") + name + "'");
    return *value;
  }
  bool has(const char* name) const { return find(name).has_value(); }
  Tensor tensor(const char* name) const { return Tensor(at(name).object(ASSAY_TENSOR, "a tensor")); }
  std::int64_t integer(const char* name) const { return at(name).integer(); }
  double real(const char* name) const { return at(name).real(); }
  std::string text(const char* name) const { return at(name).text(); }
  bool flag(const char* name) const { return at(name).flag(); }
  std::vector<std::string> names() const {
    std::size_t count = 0;
    api().check(api().bundle().count(host(), raw(), &count));
    std::vector<std::string> names(count);
    for (std::size_t i = 0; i < count; ++i) {
      const char* name = nullptr;
      api().check(api().bundle().name_at(host(), raw(), i, &name));
      names[i] = name;
    }
    return names;
  }

  void set(const char* name, const Object& object) { put(name, sdk::value_object(object.kind(), object.raw())); }
  void set(const char* name, std::int64_t value) { put(name, sdk::value_int(value)); }
  void set(const char* name, double value) { put(name, sdk::value_real(value)); }
  void set(const char* name, const char* value) { put(name, sdk::value_text(value)); }
  void set(const char* name, const assay_value& value) { put(name, value); }

 private:
  void put(const char* name, const assay_value& value) { api().check(api().bundle().set(host(), raw(), name, &value)); }
};

class State : public Object {
 public:
  State() = default;
  explicit State(Object object) : Object(std::move(object)) {}
  static State create(const sdk::Api& api) {
    assay_object* out = nullptr;
    api.check(api.state().create(api.host(), &out));
    return State(Object::adopt(api, out));
  }
  void set(const char* name, const Tensor& tensor) {
    api().check(api().state().set(host(), raw(), name, tensor.raw()));
  }
  Tensor get(const char* name) const {
    assay_object* out = nullptr;
    api().check(api().state().get(host(), raw(), name, &out));
    return Tensor(Object::adopt(api(), out));
  }
};

// Rows of a data set: ids i64 [n] and named fields [n, ...].
struct Rows {
  Bundle fields;
  Tensor ids() const { return fields.tensor("ids"); }
  Tensor x() const { return fields.tensor("input"); }
  Tensor y() const { return fields.tensor("target"); }
};

class Records : public Object {
 public:
  Records() = default;
  explicit Records(Object object) : Object(std::move(object)) {}
  std::int64_t size() const { return number(api().records().count); }
  std::int64_t classes() const { return number(api().records().class_count); }
  Rows rows(std::int64_t start, std::int64_t count) const { return take(nullptr, start, count); }
  Rows rows(std::span<const std::int64_t> positions) const {
    return take(positions.data(), 0, static_cast<std::int64_t>(positions.size()));
  }
  // Calls body(Rows) for consecutive pieces of at most `batch` rows.
  template <class Body>
  void each(std::int64_t batch, Body&& body) const {
    const std::int64_t total = size();
    for (std::int64_t start = 0; start < total; start += batch) body(rows(start, std::min(batch, total - start)));
  }
  // A new data set from tensors of equal first dimension.
  static Records of(const Bundle& fields) {
    assay_object* out = nullptr;
    fields.api().check(fields.api().records().create(fields.host(), fields.raw(), &out));
    return Records(Object::adopt(fields.api(), out));
  }

 private:
  template <class Getter>
  std::int64_t number(Getter getter) const {
    std::int64_t value = 0;
    api().check(getter(host(), raw(), &value));
    return value;
  }
  Rows take(const std::int64_t* indices, std::int64_t start, std::int64_t count) const {
    const assay_batch_call call{sizeof(assay_batch_call), 0, nullptr, indices, start, count};
    assay_object* out = nullptr;
    api().check(api().records().batch(host(), raw(), &call, &out));
    return Rows{Bundle(Object::adopt(api(), out))};
  }
};

}  // namespace assay
