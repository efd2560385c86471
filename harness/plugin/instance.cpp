// Role calls: bundles in, bundles out, statuses to exceptions.
#include <algorithm>
#include <cstring>

#include "assay/plugin.h"
#include "harness/plugin/host.hpp"
#include "harness/plugin/library.hpp"
#include "harness/plugin/read_descriptor.hpp"

namespace assay::plugin {
namespace {

// Where each call is found in its role's table.
struct Entry {
  const char *role, *function;
  std::size_t offset;
};
constexpr Entry kEntries[] = {{"attack", "perturb", offsetof(assay_attack, perturb)},
                              {"detector", "fit", offsetof(assay_detector, fit)},
                              {"detector", "score", offsetof(assay_detector, score)},
                              {"trainer", "train", offsetof(assay_trainer, train)},
                              {"trainer", "objective", offsetof(assay_trainer, objective)},
                              {"ensemble", "combine", offsetof(assay_ensemble, combine)},
                              {"ensemble", "predict", offsetof(assay_ensemble, predict)},
                              {"compressor", "compress", offsetof(assay_compressor, compress)},
                              {"architecture", "build", offsetof(assay_architecture, build)},
                              {"reducer", "reduce", offsetof(assay_reducer, reduce)},
                              {"analyzer", "analyze", offsetof(assay_analyzer, analyze)}};

// The entry, or NULL when the role is not answered, its table ends before, or the entry is not filled.
assay_call find_call(const assay_plugin* plugin, assay_instance* self, const std::string& role,
                     const std::string& function) {
  const void* table = plugin->role(self, role_id(role).c_str());
  if (table == nullptr) return nullptr;
  std::uint32_t struct_size = 0;
  std::memcpy(&struct_size, table, sizeof struct_size);
  for (const Entry& entry : kEntries) {
    if (role != entry.role || function != entry.function) continue;
    if (struct_size < entry.offset + sizeof(assay_call)) return nullptr;
    assay_call call = nullptr;
    std::memcpy(&call, static_cast<const std::byte*>(table) + entry.offset, sizeof call);
    return call;
  }
  return nullptr;
}

const assay_stateful* stateful_table(const assay_plugin* plugin, assay_instance* self) {
  const auto* table = static_cast<const assay_stateful*>(plugin->role(self, ASSAY_STATEFUL));
  const bool whole = table != nullptr && table->struct_size >= sizeof(assay_stateful);
  return whole && table->save != nullptr && table->load != nullptr ? table : nullptr;
}

std::int64_t batch_rows(const Bundle& in) {
  const auto x = in.values.find("x");
  if (x == in.values.end()) return 0;
  const auto* tensor = std::get_if<engine::Tensor>(&x->second.data);
  return tensor != nullptr && !tensor->shape().empty() ? tensor->dim(0) : 0;
}

std::vector<std::int64_t> batch_ids(const Bundle& in) {
  const auto found = in.values.find("ids");
  if (found == in.values.end()) return {};
  const auto* tensor = std::get_if<engine::Tensor>(&found->second.data);
  return tensor != nullptr && tensor->dtype() == engine::DType::i64 ? tensor->to_i64() : std::vector<std::int64_t>();
}

// Every required slot that the descriptor declares for the call must be in the bundle.
void need_slots(const Descriptor& descriptor, const std::string& function, const Bundle& bundle, bool output) {
  for (const SlotSchema& slot : descriptor.slots) {
    if (slot.call != function || slot.output != output || !slot.required || bundle.has(slot.name)) continue;
    const std::string what = "method '" + descriptor.id + "': " + function + "()";
    if (output) throw Error(Fault::constraint, what + " left no '" + slot.name + "', which its descriptor promises");
    throw Error(Fault::bad_input, what + " needs '" + slot.name + "' (" + slot.type + "), which the task does not give" +
                                      (slot.doc.empty() ? "" : ": " + slot.doc));
  }
}

// Runs `call` and turns what went wrong into one PluginError.
template <class Call>
void invoke(Host& host, const std::string& what, Call&& call) {
  assay_status status = ASSAY_INTERNAL;
  host.take_message();
  try {
    status = call();
  } catch (...) {
    host.end_call();
    throw PluginError(ASSAY_INTERNAL, what + " let a C++ exception cross the C boundary");
  }
  host.end_call();
  if (status == ASSAY_OK) return;
  const std::string message = host.take_message();
  throw PluginError(status, what + " failed with " + status_name(status) + ": " +
                                (message.empty() ? "no reason was given" : message));
}

}  // namespace

PluginError::PluginError(int status, const std::string& message)
    : Error(status == ASSAY_CANCELLED                          ? Fault::cancelled
            : status == ASSAY_BUDGET || status == ASSAY_DENIED ? Fault::constraint
                                                               : Fault::bad_input,
            message),
      status_(status) {}
bool PluginError::budget_exhausted() const noexcept { return status_ == ASSAY_BUDGET; }
bool PluginError::denied() const noexcept { return status_ == ASSAY_DENIED; }
bool PluginError::cancelled() const noexcept { return status_ == ASSAY_CANCELLED; }

const char* status_name(int status) {
  static constexpr const char* names[] = {"OK",        "INVALID", "NOT_FOUND", "UNSUPPORTED", "NO_MEMORY",
                                          "CANCELLED", "NUMERIC", "INTERNAL",  "BUDGET",      "DENIED"};
  return status >= 0 && status < 10 ? names[status] : "an unknown status";
}

Instance::Instance(Instance&& other) noexcept
    : plugin_(other.plugin_),
      descriptor_(std::move(other.descriptor_)),
      host_(std::move(other.host_)),
      self_(std::exchange(other.self_, nullptr)) {}
Instance& Instance::operator=(Instance&& other) noexcept {
  std::swap(plugin_, other.plugin_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(host_, other.host_);
  std::swap(self_, other.self_);
  return *this;
}
Instance::~Instance() {
  if (self_ == nullptr) return;
  host_->release_gradients();
  plugin_->destroy(static_cast<assay_instance*>(self_));
}

const Descriptor& Instance::descriptor() const { return *descriptor_; }
const Counters& Instance::counters() const { return host_->counters(); }
const std::vector<Exhausted>& Instance::exhausted() const { return host_->exhausted(); }

bool Instance::has(const std::string& role, const std::string& function) const {
  return find_call(plugin_, static_cast<assay_instance*>(self_), role, function) != nullptr;
}

Bundle Instance::call(const std::string& role, const std::string& function, const Bundle& in) {
  auto* self = static_cast<assay_instance*>(self_);
  const assay_call entry = find_call(plugin_, self, role, function);
  const std::string what = "method '" + descriptor_->id + "': " + function + "()";
  if (entry == nullptr)
    throw Error(Fault::bad_input, what + " is not answered: the plugin has no such call in role " + role);
  need_slots(*descriptor_, function, in, false);
  const Ref input = host_->bundle(in), output = host_->bundle({});
  host_->begin_call(batch_ids(in), batch_rows(in));
  const auto& left = *static_cast<BundleObject*>(output.get());
  try {
    invoke(*host_, what, [&] { return entry(self, input.get(), output.get()); });
  } catch (const PluginError&) {
    if (!left.values.empty()) host_->misuse(function + "() failed but had written to its output");
    throw;
  }
  Bundle result = host_->plain(left);
  need_slots(*descriptor_, function, result, true);
  return result;
}

bool Instance::stateful() const { return stateful_table(plugin_, static_cast<assay_instance*>(self_)) != nullptr; }

State Instance::save() {
  auto* self = static_cast<assay_instance*>(self_);
  const assay_stateful* table = stateful_table(plugin_, self);
  if (table == nullptr) throw Error(Fault::unsupported, "method '" + descriptor_->id + "' does not store its state");
  StateObject* object = host_->make<StateObject>();
  const Ref state = Ref::adopt(object);
  host_->begin_call({}, 0);
  invoke(*host_, "method '" + descriptor_->id + "': save()", [&] { return table->save(self, object); });
  return object->value;
}

void Instance::load(const State& state) {
  auto* self = static_cast<assay_instance*>(self_);
  const assay_stateful* table = stateful_table(plugin_, self);
  if (table == nullptr) throw Error(Fault::unsupported, "method '" + descriptor_->id + "' does not store its state");
  const Ref object = Ref::adopt(host_->make<StateObject>(state));
  host_->begin_call({}, 0);
  invoke(*host_, "method '" + descriptor_->id + "': load()", [&] { return table->load(self, object.get()); });
}

std::string Instance::destroy() {
  if (self_ != nullptr) {
    host_->release_gradients();
    plugin_->destroy(static_cast<assay_instance*>(std::exchange(self_, nullptr)));
  }
  std::string report;
  if (const std::size_t left = host_->live_objects(); left > 0) {
    report = fmt::format("{} handles were never released", left);
  }
  for (const std::string& misuse : host_->misuses()) report += (report.empty() ? "" : "; ") + misuse;
  return report;
}

}  // namespace assay::plugin
