// Host: handle table, accounting, error messages, and the table of services.
#include "harness/plugin/host.hpp"

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
  if (counted->kind == ASSAY_TENSOR) held_bytes_ -= static_cast<TensorObject*>(counted)->held;
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

void Host::need(const Model& model, Access access, const char* what) const {
  if ((model.access & access) == access) return;
  std::string granted;
  for (const std::string& name : access_names(model.access)) granted += (granted.empty() ? "" : ", ") + name;
  throw ServiceError(ASSAY_DENIED, fmt::format("{} of model '{}' is not granted here; granted: {}", what, model.label,
                                               granted.empty() ? "nothing" : granted));
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
  Json out = Json::object({{"forward", forward},
                           {"backward", backward},
                           {"macs", model_macs + method_macs},
                           {"model_macs", model_macs},
                           {"method_macs", method_macs},
                           {"ops", ops},
                           {"models", by_model}});
  if (asked_again > 0) out["asked_again"] = asked_again;
  return out;
}

}  // namespace assay::plugin
