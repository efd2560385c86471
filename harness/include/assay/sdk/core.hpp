// SDK core: failures, the host's tables, reference-counted handles. A handle is a value: copying retains, destroying
// releases. Not thread-safe: one role call runs on one thread.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/plugin.h"

namespace assay {

using Shape = std::vector<std::int64_t>;

// The only exception that the SDK throws. `reported`: the host has its message already.
class Failure : public std::exception {
 public:
  Failure(assay_status status, std::string message, bool reported = false)
      : status_(status), reported_(reported), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  assay_status status() const noexcept { return status_; }
  bool reported() const noexcept { return reported_; }

 private:
  assay_status status_;
  bool reported_;
  std::string message_;
};

// For `throw` sites in plugins: assay::fail(ASSAY_NUMERIC, "covariance is singular").
[[noreturn]] inline void fail(assay_status status, const std::string& message) { throw Failure(status, message); }

namespace sdk {

// Service ids by table type.
template <class Table>
inline constexpr const char* service_id = nullptr;
template <>
inline constexpr const char* service_id<assay_object_service> = ASSAY_OBJECT_SERVICE;
template <>
inline constexpr const char* service_id<assay_tensor_service> = ASSAY_TENSOR_SERVICE;
template <>
inline constexpr const char* service_id<assay_grad_service> = ASSAY_GRAD_SERVICE;
template <>
inline constexpr const char* service_id<assay_list_service> = ASSAY_LIST_SERVICE;
template <>
inline constexpr const char* service_id<assay_bundle_service> = ASSAY_BUNDLE_SERVICE;
template <>
inline constexpr const char* service_id<assay_state_service> = ASSAY_STATE_SERVICE;
template <>
inline constexpr const char* service_id<assay_records_service> = ASSAY_RECORDS_SERVICE;
template <>
inline constexpr const char* service_id<assay_model_service> = ASSAY_MODEL_SERVICE;
template <>
inline constexpr const char* service_id<assay_graph_service> = ASSAY_GRAPH_SERVICE;
template <>
inline constexpr const char* service_id<assay_run_service> = ASSAY_RUN_SERVICE;

// One service, asked for at first use. A table that ends before what this SDK knows counts as missing.
template <class Table>
class Service {
 public:
  const Table* find(const assay_host* host) const {
    if (asked_) return table_;
    asked_ = true;
    const auto* table = static_cast<const Table*>(host->service(host, service_id<Table>));
    table_ = table != nullptr && table->struct_size >= sizeof(Table) ? table : nullptr;
    return table_;
  }
  const Table& get(const assay_host* host) const {
    const Table* table = find(host);
    if (table == nullptr) {
      fail(ASSAY_UNSUPPORTED, std::string("the host does not offer the service ") + service_id<Table>);
    }
    return *table;
  }

 private:
  mutable bool asked_ = false;
  mutable const Table* table_ = nullptr;
};

// The host as an instance sees it. Lives as long as the instance, so handles may be kept in the method's members.
class Api {
 public:
  explicit Api(const assay_host* host) : host_(host) {}
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  const assay_host* host() const { return host_; }
  const assay_object_service& object() const { return object_.get(host_); }
  const assay_object_service* object_or_null() const { return object_.find(host_); }
  const assay_tensor_service& tensor() const { return tensor_.get(host_); }
  const assay_grad_service& grad() const { return grad_.get(host_); }
  const assay_list_service& list() const { return list_.get(host_); }
  const assay_bundle_service& bundle() const { return bundle_.get(host_); }
  const assay_state_service& state() const { return state_.get(host_); }
  const assay_records_service& records() const { return records_.get(host_); }
  const assay_model_service& model() const { return model_.get(host_); }
  const assay_graph_service& graph() const { return graph_.get(host_); }
  const assay_run_service& run() const { return run_.get(host_); }

  // A host error: the host has the message, so it is not reported again on the way out.
  void check(assay_status status) const {
    if (status != ASSAY_OK) throw Failure(status, "a call of the host failed", true);
  }

  std::int32_t op_id(std::string_view op) const {
    for (const KnownOp& known : ops_) {
      if (known.name == op) return known.id;
    }
    KnownOp found{std::string(op), 0};
    check(tensor().op_id(host_, found.name.c_str(), &found.id));
    ops_.push_back(std::move(found));
    return ops_.back().id;
  }

 private:
  struct KnownOp {
    std::string name;
    std::int32_t id;
  };

  const assay_host* host_;
  Service<assay_object_service> object_;
  Service<assay_tensor_service> tensor_;
  Service<assay_grad_service> grad_;
  Service<assay_list_service> list_;
  Service<assay_bundle_service> bundle_;
  Service<assay_state_service> state_;
  Service<assay_records_service> records_;
  Service<assay_model_service> model_;
  Service<assay_graph_service> graph_;
  Service<assay_run_service> run_;
  mutable std::vector<KnownOp> ops_;  // a method uses a few dozen: a search is no slower than a map, and compiles faster
};

// Turns every exception into a status; the host keeps the first message.
template <class Body>
assay_status guard(const assay_host* host, Body&& body) noexcept {
  try {
    body();
    return ASSAY_OK;
  } catch (const Failure& failure) {
    return failure.reported() ? failure.status() : host->fail(host, failure.status(), failure.what());
  } catch (const std::bad_alloc&) {
    return host->fail(host, ASSAY_NO_MEMORY, "out of memory in the plugin");
  } catch (const std::exception& error) {
    return host->fail(host, ASSAY_INTERNAL, error.what());
  } catch (...) {
    return host->fail(host, ASSAY_INTERNAL, "the plugin threw something that is no std::exception");
  }
}

}  // namespace sdk

// Base of all handles.
class Object {
 public:
  Object() = default;
  // Takes over one reference.
  static Object adopt(const sdk::Api& api, assay_object* object) { return Object(&api, object); }
  // Adds one.
  static Object borrow(const sdk::Api& api, const assay_object* object) {
    if (object != nullptr) api.object().retain(api.host(), object);
    return Object(&api, const_cast<assay_object*>(object));
  }
  Object(const Object& other) : Object(other.object_ ? borrow(*other.api_, other.object_) : Object()) {}
  Object(Object&& other) noexcept
      : api_(std::exchange(other.api_, nullptr)), object_(std::exchange(other.object_, nullptr)) {}
  Object& operator=(Object other) noexcept {
    std::swap(api_, other.api_);
    std::swap(object_, other.object_);
    return *this;
  }
  ~Object() {
    if (object_ == nullptr) return;
    if (const auto* service = api_->object_or_null()) service->release(api_->host(), object_);
  }

  bool defined() const { return object_ != nullptr; }
  assay_object* raw() const { return object_; }
  const sdk::Api& api() const {
    if (api_ == nullptr) fail(ASSAY_INVALID, "an undefined handle was used");
    return *api_;
  }
  const assay_host* host() const { return api().host(); }
  assay_type kind() const { return object_ ? api().object().kind(host(), object_) : ASSAY_NONE; }

 private:
  Object(const sdk::Api* api, assay_object* object) : api_(api), object_(object) {}
  const sdk::Api* api_ = nullptr;
  assay_object* object_ = nullptr;
};

namespace sdk {

// A typed handle over a checked kind.
template <class Handle>
Handle as(Object object, assay_type kind, const char* what) {
  if (!object.defined() || object.kind() != kind) fail(ASSAY_INVALID, std::string("expected ") + what);
  return Handle(std::move(object));
}

inline assay_value value_none() { return {ASSAY_NONE, 0, 0, 0, nullptr, nullptr}; }
inline assay_value value_int(std::int64_t i) { return {ASSAY_INT, 0, i, 0, nullptr, nullptr}; }
inline assay_value value_real(double r) { return {ASSAY_REAL, 0, 0, r, nullptr, nullptr}; }
inline assay_value value_bool(bool b) { return {ASSAY_BOOL, 0, b ? 1 : 0, 0, nullptr, nullptr}; }
inline assay_value value_text(const char* s) { return {ASSAY_TEXT, 0, 0, 0, s, nullptr}; }
inline assay_value value_object(assay_type type, assay_object* o) { return {type, 0, 0, 0, nullptr, o}; }

}  // namespace sdk
}  // namespace assay
