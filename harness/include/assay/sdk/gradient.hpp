// SDK gradients of a method's own: a function that the method evaluated itself, with the gradient that it says.
//
//   // rounding whose gradient is that of the identity inside [0, 1]
//   assay::Tensor y = assay::with_gradient({x}, round(x), [](const assay::VjpCall& call) {
//     const assay::Tensor& x = call.inputs[0];
//     return std::vector<assay::Tensor>{call.cotangents[0] * step(x) * step(1.0 - x)};
//   });
#pragma once

#include <functional>

#include "assay/sdk/model.hpp"

namespace assay {

// Inputs and outputs of the function and the cotangents of its outputs, shaped like them. When create_graph, all of
// them carry history, so that a gradient made of ops can be differentiated again. Take inputs and outputs from here: a
// gradient that keeps a recorded output in a capture keeps its own history alive.
struct VjpCall {
  std::span<const Tensor> inputs, outputs, cotangents;
  bool create_graph = false;
};
// One gradient an input with its shape and dtype; an undefined one is zero. May throw: whoever takes the gradient
// fails.
using Vjp = std::function<std::vector<Tensor>(const VjpCall&)>;

namespace sdk {

struct VjpState {
  const Api* api;
  Vjp vjp;
};

inline std::vector<Tensor> borrowed(const Api& api, const assay_object* const* objects, std::size_t n) {
  std::vector<Tensor> tensors;
  tensors.reserve(n);
  for (std::size_t i = 0; i < n; ++i) tensors.emplace_back(Object::borrow(api, objects[i]));
  return tensors;
}

inline assay_status run_vjp(void* state, const assay_vjp_call* call, assay_object** grads) noexcept {
  const auto& own = *static_cast<const VjpState*>(state);
  const Api& api = *own.api;
  return guard(api.host(), [&] {
    const std::vector<Tensor> inputs = borrowed(api, call->inputs, call->n_inputs),
                              outputs = borrowed(api, call->outputs, call->n_outputs),
                              cotangents = borrowed(api, call->cotangents, call->n_outputs);
    const std::vector<Tensor> made = own.vjp({inputs, outputs, cotangents, call->create_graph != 0});
    if (made.size() != inputs.size()) {
      fail(ASSAY_INVALID, "a gradient must give one result an input: " + std::to_string(inputs.size()) + ", not " +
                              std::to_string(made.size()));
    }
    for (std::size_t i = 0; i < made.size(); ++i) {
      if (made[i].defined()) api.object().retain(api.host(), made[i].raw());
      grads[i] = made[i].raw();
    }
  });
}

inline void release_vjp(void* state) noexcept { delete static_cast<VjpState*>(state); }

inline std::vector<const assay_object*> raw_of(std::span<const Tensor> tensors) {
  std::vector<const assay_object*> raw;
  raw.reserve(tensors.size());
  for (const Tensor& tensor : tensors) raw.push_back(tensor.raw());
  return raw;
}

}  // namespace sdk

// The values as a function of the inputs whose gradient is what `vjp` says; the history that they have is cut.
inline std::vector<Tensor> with_gradient(std::span<const Tensor> inputs, std::span<const Tensor> values, Vjp vjp) {
  if (inputs.empty() || values.empty()) fail(ASSAY_INVALID, "with_gradient() needs inputs and values");
  const sdk::Api& api = inputs.front().api();
  const std::vector<const assay_object*> x = sdk::raw_of(inputs), y = sdk::raw_of(values);
  auto state = std::make_unique<sdk::VjpState>(sdk::VjpState{&api, std::move(vjp)});
  const assay_vjp own{sizeof(assay_vjp), 0, state.get(), &sdk::run_vjp, &sdk::release_vjp};
  const assay_record_call call{sizeof(assay_record_call), 0, x.data(), x.size(), y.data(), y.size(), &own};
  std::vector<assay_object*> out(values.size(), nullptr);
  api.check(api.grad().record(api.host(), &call, out.data()));
  static_cast<void>(state.release());  // the host's from here on
  std::vector<Tensor> results;
  results.reserve(out.size());
  for (assay_object* object : out) results.emplace_back(Object::adopt(api, object));
  return results;
}
inline Tensor with_gradient(const std::vector<Tensor>& inputs, const Tensor& value, Vjp vjp) {
  return with_gradient(std::span<const Tensor>(inputs), std::span<const Tensor>(&value, 1), std::move(vjp)).front();
}

}  // namespace assay
