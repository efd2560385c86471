// assay.grad/1 over the eager tape, and the functions whose gradients a plugin defines.
#include <algorithm>

#include "harness/engine/tape/eager.hpp"
#include "harness/plugin/host.hpp"

namespace assay::plugin {

// The plugin's side of one recorded function. The tape's history owns it; the host empties it before the plugin goes.
class PluginGradient {
 public:
  PluginGradient(Host& host, const assay_vjp& vjp) : host_(&host), vjp_(vjp) {}
  ~PluginGradient() { release(); }
  PluginGradient(const PluginGradient&) = delete;
  PluginGradient& operator=(const PluginGradient&) = delete;

  // Gives the plugin its state back.
  void release() {
    if (vjp_.release != nullptr && host_ != nullptr) vjp_.release(vjp_.state);
    host_ = nullptr;
  }
  // The host goes without its plugin having been destroyed: its state cannot be freed any more.
  void forget() { host_ = nullptr; }

  std::vector<engine::Tensor> backward(const engine::CustomVjpCall& call) const {
    if (host_ == nullptr)
      throw PluginError(ASSAY_INVALID, "a gradient that a method defined was taken after the method had ended");
    const std::vector<Ref> inputs = handles(call.in), outputs = handles(call.out),
                           cotangents = handles(call.cotangents);
    const std::vector<const assay_object*> x = raw(inputs), y = raw(outputs), g = raw(cotangents);
    const assay_vjp_call request{sizeof request, call.create_graph ? 1U : 0U, x.data(), x.size(), y.data(), g.data(),
                                 y.size()};
    std::vector<assay_object*> grads(x.size(), nullptr);
    host_->take_message();
    const assay_status status = vjp_.backward(vjp_.state, &request, grads.data());
    if (status != ASSAY_OK) failed(status);
    return take(grads, call.in);
  }

 private:
  std::vector<Ref> handles(std::span<const engine::Tensor> tensors) const {
    std::vector<Ref> refs;
    refs.reserve(tensors.size());
    for (const engine::Tensor& tensor : tensors) refs.push_back(Ref::adopt(host_->give(tensor)));
    return refs;
  }
  static std::vector<const assay_object*> raw(const std::vector<Ref>& refs) {
    std::vector<const assay_object*> out;
    out.reserve(refs.size());
    for (const Ref& ref : refs) out.push_back(ref.get());
    return out;
  }

  [[noreturn]] void failed(assay_status status) const {
    const std::string message = host_->take_message();
    throw PluginError(status, "a gradient that the method defines failed with " + std::string(status_name(status)) +
                                  ": " + (message.empty() ? "no reason was given" : message));
  }

  // The results, checked; their references end here.
  std::vector<engine::Tensor> take(const std::vector<assay_object*>& grads,
                                   std::span<const engine::Tensor> inputs) const {
    std::vector<Ref> owned;
    owned.reserve(grads.size());
    for (assay_object* grad : grads) owned.push_back(Ref::adopt(host_->known(grad) ? grad : nullptr));
    std::vector<engine::Tensor> results(grads.size());
    for (std::size_t i = 0; i < grads.size(); ++i) {
      if (grads[i] == nullptr) continue;
      if (owned[i].get() == nullptr || grads[i]->kind != ASSAY_TENSOR)
        throw PluginError(ASSAY_INVALID, "a gradient that the method defines gave something that is no tensor");
      results[i] = host_->tensor(grads[i]);
      if (results[i].spec() == inputs[i].spec()) continue;
      throw PluginError(ASSAY_INVALID,
                        fmt::format("a gradient that the method defines gave {} for input {}, which is {}",
                                    results[i].spec().str(), i, inputs[i].spec().str()));
    }
    return results;
  }

  Host* host_;
  assay_vjp vjp_;
};

void Host::adopt(const std::shared_ptr<PluginGradient>& gradient) {
  const std::lock_guard lock(live_mutex_);
  if (gradients_.size() == gradients_.capacity()) {  // those that ended go before the list grows
    const auto ended = [](const std::weak_ptr<PluginGradient>& g) { return g.expired(); };
    gradients_.erase(std::remove_if(gradients_.begin(), gradients_.end(), ended), gradients_.end());
  }
  gradients_.push_back(gradient);
}

void Host::release_gradients() {
  std::vector<std::weak_ptr<PluginGradient>> all;
  {
    const std::lock_guard lock(live_mutex_);
    all.swap(gradients_);
  }
  for (const auto& weak : all) {
    if (const auto gradient = weak.lock()) gradient->release();
  }
}

void Host::forget_gradients() {
  for (const auto& weak : gradients_) {
    if (const auto gradient = weak.lock()) gradient->forget();
  }
  gradients_.clear();
}

namespace {

assay_status grad_watch(const assay_host* abi, const assay_object* object, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = host.give(engine::watch(host.tensor(object))); });
}

assay_status grad_detach(const assay_host* abi, const assay_object* object, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = host.give(engine::detach(host.tensor(object))); });
}

assay_status grad_grad(const assay_host* abi, const assay_grad_call* call, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const assay_grad_call& request = *required(call, "call");
    if (request.struct_size < sizeof(assay_grad_call))
      throw ServiceError(ASSAY_INVALID, "call: struct_size is too small");
    const std::vector<engine::Tensor> outputs = host.tensors(request.outputs, request.n_outputs, "output");
    const std::vector<engine::Tensor> inputs = host.tensors(request.inputs, request.n_inputs, "input");
    std::vector<engine::Tensor> cotangents(outputs.size());
    for (std::size_t i = 0; i < outputs.size() && request.cotangents != nullptr; ++i) {
      if (request.cotangents[i] != nullptr) cotangents[i] = host.tensor(request.cotangents[i], "cotangent");
    }
    const Counters& counters = host.counters();
    const double before = engine::eager_macs(), counted = counters.model_macs + counters.method_macs;
    const auto gradients = engine::grad(outputs, inputs, cotangents, request.create_graph != 0);
    // Charged already: passes back through models at their gates, ops of the method's own gradients when applied.
    const double charged = counters.model_macs + counters.method_macs - counted;
    host.add_macs(std::max(0.0, engine::eager_macs() - before - charged));
    required(out, "out");
    host.charge_memory(gradients);
    for (std::size_t i = 0; i < gradients.size(); ++i) out[i] = host.give(gradients[i]);
  });
}

assay_status grad_record(const assay_host* abi, const assay_record_call* call, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const assay_record_call& request = *required(call, "call");
    if (request.struct_size < sizeof(assay_record_call))
      throw ServiceError(ASSAY_INVALID, "call: struct_size is too small");
    const assay_vjp& vjp = *required(request.vjp, "vjp");
    if (vjp.struct_size < sizeof(assay_vjp)) throw ServiceError(ASSAY_INVALID, "vjp: struct_size is too small");
    required(vjp.backward, "vjp.backward");
    required(out, "out");
    const std::vector<engine::Tensor> inputs = host.tensors(request.inputs, request.n_inputs, "input");
    const std::vector<engine::Tensor> values = host.tensors(request.values, request.n_values, "value");
    if (inputs.empty() || values.empty()) throw ServiceError(ASSAY_INVALID, "a function has inputs and values");
    const auto gradient = std::make_shared<PluginGradient>(host, vjp);
    try {
      host.adopt(gradient);
      const auto results = engine::record_custom(
          inputs, values, [gradient](const engine::CustomVjpCall& c) { return gradient->backward(c); });
      for (std::size_t i = 0; i < results.size(); ++i) out[i] = host.give(results[i]);
    } catch (...) {
      gradient->forget();  // the state stays the plugin's
      throw;
    }
  });
}

}  // namespace

const assay_grad_service& grad_service() {
  static constexpr assay_grad_service table{sizeof(table), 0, grad_watch, grad_detach, grad_grad, grad_record};
  return table;
}

}  // namespace assay::plugin
