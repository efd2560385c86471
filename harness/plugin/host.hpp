// Host: the services behind one instance. It owns the handle table, counters, budgets, the keyed random numbers and the
// last error message. One worker thread; cancelled, log, random and reference counting from any.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "harness/base/error.hpp"
#include "harness/plugin/context.hpp"
#include "harness/plugin/library.hpp"
#include "harness/plugin/object.hpp"

namespace assay::plugin {

// Thrown inside services; becomes the call's status and message.
class ServiceError : public std::runtime_error {
 public:
  ServiceError(assay_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  assay_status status() const { return status_; }

 private:
  assay_status status_;
};

class PluginGradient;  // service_grad.cpp

class Host {
 public:
  explicit Host(HostContext context);
  ~Host();  // deletes what the plugin leaked
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const assay_host* abi() const { return &abi_; }
  static Host& of(const assay_host* host) { return *static_cast<Host*>(host->ctx); }

  // ---- objects
  template <class T, class... Args>
  T* make(Args&&... args) {
    auto object = std::make_unique<T>(*this, std::forward<Args>(args)...);
    const std::lock_guard lock(live_mutex_);
    live_.insert(object.get());
    return object.release();
  }
  // The object as T; INVALID with `what` when NULL, stale or of another kind.
  template <class T>
  T& as(const assay_object* object, assay_type kind, const char* what) {
    if (!known(object)) throw ServiceError(ASSAY_INVALID, std::string(what) + ": not a live handle of this host");
    if (object->kind != kind) throw ServiceError(ASSAY_INVALID, std::string(what) + ": a handle of another kind");
    return *static_cast<T*>(const_cast<assay_object*>(object));
  }
  engine::Tensor& tensor(const assay_object* object, const char* what = "tensor") {
    return as<TensorObject>(object, ASSAY_TENSOR, what).value;
  }
  std::vector<engine::Tensor> tensors(const assay_object* const* items, std::size_t n, const char* what);
  assay_object* give(engine::Tensor tensor);  // counted as held by the plugin
  void charge_memory(std::span<const engine::Tensor> results);  // before they are given; BUDGET
  bool known(const assay_object* object) const;
  void retain(const assay_object* object);
  void release(const assay_object* object);
  std::size_t live_objects() const;

  // ---- values between tasks and plugin
  Held hold(const Value& value);
  Held hold(const assay_value& value);  // as a plugin passed it
  Value plain(const Held& held) const;
  Ref bundle(const Bundle& bundle);
  Bundle plain(const BundleObject& bundle) const;

  // ---- gradients that the plugin defines
  void adopt(const std::shared_ptr<PluginGradient>& gradient);
  void release_gradients();  // before the plugin is destroyed: frees their states, later uses are errors
  void forget_gradients();   // when there is no plugin left to free them

  // ---- accounting (budget.cpp). charge_* throw BUDGET and count nothing when the budget would be exceeded.
  void begin_call(std::span<const std::int64_t> ids, std::int64_t rows);  // of "x"; ids may be absent
  void end_call() { rows_ = 0; }
  // ids: one a row, or none (see Budget).
  void charge_forward(const Model& model, std::int64_t rows, std::span<const std::uint64_t> ids = {});
  void charge_backward(const Model& model, std::int64_t rows, std::span<const std::uint64_t> ids = {});
  void charge_op(double macs);
  void count_op() { ++counters_.ops; }
  void count_asked_again(std::int64_t rows) { counters_.asked_again += static_cast<double>(rows); }
  void add_macs(double macs) { counters_.method_macs += macs; }  // spent already: the next charge sees it
  void need(const Model& model, Access access, const char* what) const;  // DENIED
  double remaining(const std::string& budget) const;
  const std::vector<Exhausted>& exhausted() const { return exhausted_; }  // in the current or last call, each budget once
  const Counters& counters() const { return counters_; }
  // First line of every service that can fail and runs on the worker thread: injected faults, thread tag, cancellation.
  void enter();
  bool cancelled() const { return context_.cancelled && context_.cancelled(); }
  const HostContext& context() const { return context_; }

  // ---- errors
  assay_status fail(assay_status status, const std::string& message);
  std::string take_message();  // and forgets it
  void misuse(const std::string& what);
  std::vector<std::string> misuses() const;
  std::int64_t calls() const { return calls_; }  // of services that can fail, so far

 private:
  // Passes of the rows of "x" in the current call.
  struct PassLedger {
    std::vector<double> spent;
    double most = 0;
  };
  struct Pass {
    std::int64_t rows;
    std::span<const std::uint64_t> ids;
  };
  std::vector<std::size_t> named_rows(const Pass& pass) const;  // empty: all alike
  void charge_rows(PassLedger& ledger, const Pass& pass, const char* budget, double limit);
  void check_time();
  void check_macs(double more);
  [[noreturn]] void exhaust(const char* budget, double limit);
  HostContext context_;
  assay_host abi_{};
  Counters counters_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::thread::id worker_ = std::this_thread::get_id();
  std::int64_t rows_ = 0;  // of the current call's "x"; 0: no per-sample budget
  std::unordered_map<std::uint64_t, std::size_t> row_of_;  // sample id -> row of the current call's "x"
  PassLedger forward_, backward_;
  std::vector<Exhausted> exhausted_;
  std::atomic<std::int64_t> held_bytes_{0};  // of tensors given; released from any thread
  std::int64_t calls_ = 0;
  mutable std::mutex live_mutex_, message_mutex_;
  std::unordered_set<const assay_object*> live_;
  std::vector<std::weak_ptr<PluginGradient>> gradients_;
  std::string message_;
  std::vector<std::string> misuses_;
};

// Body of a service entry: exceptions become statuses.
template <class Body>
assay_status serve(const assay_host* abi, Body&& body) noexcept {
  Host& host = Host::of(abi);
  try {
    host.enter();
    body(host);
    return ASSAY_OK;
  } catch (const ServiceError& error) {
    return host.fail(error.status(), error.what());
  } catch (const PluginError& error) {
    return host.fail(error.status(), error.what());
  } catch (const Error& error) {
    const assay_status status = error.fault() == Fault::cancelled     ? ASSAY_CANCELLED
                                : error.fault() == Fault::internal    ? ASSAY_INTERNAL
                                : error.fault() == Fault::unsupported ? ASSAY_UNSUPPORTED
                                                                      : ASSAY_INVALID;
    return host.fail(status, error.what());
  } catch (const std::bad_alloc&) {
    return host.fail(ASSAY_NO_MEMORY, "the host is out of memory");
  } catch (const std::exception& error) {
    return host.fail(ASSAY_INTERNAL, error.what());
  }
}
// A name or pointer that must not be NULL.
template <class T>
T* required(T* pointer, const char* what) {
  if (pointer == nullptr) throw ServiceError(ASSAY_INVALID, std::string(what) + " is NULL");
  return pointer;
}

// Engine dtype <-> DLPack code and bits; INVALID for a pair that is none of ours.
engine::DType dtype_of(const assay_view& view);
void describe(const engine::Spec& spec, const void* data,
              assay_view& out);  // keeps struct_size; shape stays owned by spec
engine::Attrs attrs_of(Host& host, const assay_arg* const* attrs, std::size_t n);
engine::Attrs attrs_of(Host& host, const BundleObject& bundle);

// The tables (service_*.cpp).
const assay_object_service& object_service();
const assay_tensor_service& tensor_service();
const assay_grad_service& grad_service();
const assay_list_service& list_service();
const assay_bundle_service& bundle_service();
const assay_state_service& state_service();
const assay_records_service& records_service();
const assay_model_service& model_service();
const assay_graph_service& graph_service();
const assay_run_service& run_service();

}  // namespace assay::plugin
