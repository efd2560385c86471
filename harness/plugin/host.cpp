// Host: handle table, accounting, error messages, and the table of services.
#include "harness/plugin/host.hpp"

#include <cmath>

#include "harness/base/log.hpp"

namespace assay::plugin {
namespace {

const void* find_service(const assay_host* abi, const char* id) noexcept {
  if (id == nullptr) return nullptr;
  const Host& host = Host::of(abi);
  const std::string_view name(id);
  if (host.context().faults.hidden_services.count(std::string(name)) > 0) return nullptr;
  if (name == ASSAY_OBJECT_SERVICE) return &object_service();
  if (name == ASSAY_TENSOR_SERVICE) return &tensor_service();
  if (name == ASSAY_GRAD_SERVICE) return &grad_service();
  if (name == ASSAY_LIST_SERVICE) return &list_service();
  if (name == ASSAY_BUNDLE_SERVICE) return &bundle_service();
  if (name == ASSAY_STATE_SERVICE) return &state_service();
  if (name == ASSAY_RECORDS_SERVICE) return &records_service();
  if (name == ASSAY_MODEL_SERVICE) return &model_service();
  if (name == ASSAY_GRAPH_SERVICE) return &graph_service();
  if (name == ASSAY_RUN_SERVICE) return &run_service();
  return nullptr;
}

assay_status fail_entry(const assay_host* abi, assay_status status, const char* message) noexcept {
  return Host::of(abi).fail(status, message == nullptr ? "" : message);
}

std::string per_sample(const char* name, double budget) {
  return std::string("budget exhausted: ") + name + " = " + fmt::format("{:g}", budget);
}

}  // namespace

Ref Ref::share(assay_object* object) {
  if (object != nullptr) object->host.retain(object);
  return Ref(object);
}
Ref::~Ref() {
  if (object_ != nullptr) object_->host.release(object_);
}

Host::Host(HostContext context) : context_(std::move(context)) {
  abi_.struct_size = sizeof abi_;
  abi_.abi_minor = ASSAY_ABI_MINOR;
  abi_.ctx = this;
  abi_.version = "0.1.0";
  abi_.service = &find_service;
  abi_.fail = &fail_entry;
}

Host::~Host() {
  forget_gradients();
  // Leaked objects hold references to each other: count down nothing, delete leaves last by emptying containers first.
  std::vector<assay_object*> left;
  {
    const std::lock_guard lock(live_mutex_);
    for (const assay_object* object : live_) left.push_back(const_cast<assay_object*>(object));
  }
  for (assay_object* object : left) object->references += 1;  // nothing below may reach zero by itself
  for (assay_object* object : left) {
    if (object->kind == ASSAY_LIST) static_cast<ListObject*>(object)->items.clear();
    if (object->kind == ASSAY_BUNDLE) static_cast<BundleObject*>(object)->values.clear();
    if (object->kind == ASSAY_GRAPH) static_cast<GraphObject*>(object)->attrs = Ref();
  }
  for (assay_object* object : left) delete object;
}

bool Host::known(const assay_object* object) const {
  const std::lock_guard lock(live_mutex_);
  return object != nullptr && live_.count(object) > 0;
}

void Host::retain(const assay_object* object) {
  if (object == nullptr) return;
  if (!known(object)) return misuse("retain() of a handle that is not alive");
  const_cast<assay_object*>(object)->references += 1;
}

void Host::release(const assay_object* object) {
  if (object == nullptr) return;
  if (!known(object)) return misuse("release() of a handle that is not alive");
  assay_object* counted = const_cast<assay_object*>(object);
  if (--counted->references > 0) return;
  {
    const std::lock_guard lock(live_mutex_);
    live_.erase(object);
  }
  delete counted;
}

std::vector<engine::Tensor> Host::tensors(const assay_object* const* items, std::size_t n, const char* what) {
  std::vector<engine::Tensor> result;
  result.reserve(n);
  for (std::size_t i = 0; i < n; ++i) result.push_back(tensor(required(items, what)[i], what));
  return result;
}

std::size_t Host::live_objects() const {
  const std::lock_guard lock(live_mutex_);
  return live_.size();
}

void Host::begin_call(std::int64_t rows) {
  rows_ = rows;
  call_forward_ = call_backward_ = 0;
  worker_ = std::this_thread::get_id();
}

void Host::check_time() const {
  if (!std::isfinite(context_.budget.seconds)) return;
  if (remaining("seconds") <= 0) throw ServiceError(ASSAY_BUDGET, per_sample("seconds", context_.budget.seconds));
}

void Host::charge_forward(const Model& model, std::int64_t rows) {
  const auto n = static_cast<double>(rows);
  const double limit = context_.budget.forward_per_sample * static_cast<double>(rows_);
  if (rows_ > 0 && call_forward_ + n > limit) {
    throw ServiceError(ASSAY_BUDGET, per_sample("forward_per_sample", context_.budget.forward_per_sample));
  }
  charge_op(0);
  if (counters_.model_macs + counters_.method_macs + n * model.macs_per_sample > context_.budget.macs) {
    throw ServiceError(ASSAY_BUDGET, per_sample("macs", context_.budget.macs));
  }
  call_forward_ += n;
  counters_.forward += n;
  counters_.model_macs += n * model.macs_per_sample;
  counters_.models[model.label].forward += n;
}

void Host::charge_backward(const Model& model, std::int64_t rows) {
  const auto n = static_cast<double>(rows);
  const double limit = context_.budget.backward_per_sample * static_cast<double>(rows_);
  if (rows_ > 0 && call_backward_ + n > limit) {
    throw ServiceError(ASSAY_BUDGET, per_sample("backward_per_sample", context_.budget.backward_per_sample));
  }
  call_backward_ += n;
  counters_.backward += n;
  counters_.model_macs += n * model.macs_per_sample;
  counters_.models[model.label].backward += n;
}

void Host::charge_op(double macs) {
  check_time();
  if (counters_.model_macs + counters_.method_macs + macs > context_.budget.macs) {
    throw ServiceError(ASSAY_BUDGET, per_sample("macs", context_.budget.macs));
  }
  counters_.method_macs += macs;
}

void Host::need(const Model& model, Access access, const char* what) const {
  if ((model.access & access) == access) return;
  std::string granted;
  for (const std::string& name : access_names(model.access)) granted += (granted.empty() ? "" : ", ") + name;
  throw ServiceError(ASSAY_DENIED, fmt::format("{} of model '{}' is not granted here; granted: {}", what, model.label,
                                               granted.empty() ? "nothing" : granted));
}

double Host::remaining(const std::string& budget) const {
  const auto rows = static_cast<double>(rows_);
  const auto left = [rows](double limit, double used) {
    return std::isfinite(limit) && rows > 0 ? std::floor((limit * rows - used) / rows) : kUnlimited;
  };
  if (budget == "forward_per_sample") return left(context_.budget.forward_per_sample, call_forward_);
  if (budget == "backward_per_sample") return left(context_.budget.backward_per_sample, call_backward_);
  if (budget == "macs") return context_.budget.macs - counters_.model_macs - counters_.method_macs;
  if (budget == "seconds") {
    const std::chrono::duration<double> used = std::chrono::steady_clock::now() - started_;
    return context_.budget.seconds - used.count();
  }
  return kUnlimited;
}

void Host::enter() {
  const std::int64_t call = calls_++;
  if (call == context_.faults.fail_call) throw ServiceError(ASSAY_INTERNAL, "injected failure of a host call");
  if (std::this_thread::get_id() != worker_) {
    misuse("a [worker] function was called from another thread");
    throw ServiceError(ASSAY_INVALID, "a [worker] function was called from another thread");
  }
  if (cancelled()) throw ServiceError(ASSAY_CANCELLED, "cancelled");
}

assay_status Host::fail(assay_status status, const std::string& message) {
  const std::lock_guard lock(message_mutex_);
  message_ = message;
  return status;
}

std::string Host::take_message() {
  const std::lock_guard lock(message_mutex_);
  return std::exchange(message_, std::string());
}

void Host::misuse(const std::string& what) {
  log::warn("plugin misuse: {}", what);
  const std::lock_guard lock(message_mutex_);
  if (misuses_.size() < 16) misuses_.push_back(what);
}

std::vector<std::string> Host::misuses() const {
  const std::lock_guard lock(message_mutex_);
  return misuses_;
}

Json Counters::to_json() const {
  Json by_model = Json::object({});
  for (const auto& [label, count] : models) {
    by_model[label] = Json::object({{"forward", count.forward}, {"backward", count.backward}});
  }
  return Json::object({{"forward", forward},
                       {"backward", backward},
                       {"macs", model_macs + method_macs},
                       {"model_macs", model_macs},
                       {"method_macs", method_macs},
                       {"ops", ops},
                       {"models", by_model}});
}

}  // namespace assay::plugin
