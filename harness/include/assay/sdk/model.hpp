// SDK models and gradients. A Model is immutable; every pass through it is counted by the host and refused where the
// threat model or protocol grants no access.
#pragma once

#include "assay/sdk/data.hpp"

namespace assay {

struct ForwardOptions {
  std::vector<std::string> taps = {};
  bool train = false;       // batch statistics and dropout
  bool stochastic = false;  // dropout only
  bool logits = true;       // false: only the taps are wanted
  Tensor ids = {};          // keys of the stochastic ops, one a row
  std::uint64_t draw = 0;   // which stochastic draw
  Bundle params = {};       // tensors that replace parameters and running statistics by name
  bool statistics = false;  // with `train`: the running statistics after this batch are wanted
};
struct ForwardResult {
  Tensor logits;
  std::vector<Tensor> taps;  // in the order asked for
  Bundle statistics;         // by name, of the norm layers that the pass went through
};
struct LossGrad {
  Tensor grad, loss, logits;  // [n, ...], [n], [n, classes]
};
struct LossOptions {
  Tensor targets = {};     // i64 [n], of losses towards a class
  Tensor ids = {};         // keys of the stochastic ops of a random model, one a row
  std::uint64_t draw = 0;  // which stochastic draw
};
struct Pulled {
  std::vector<Tensor> grads;  // [n, ...], one a cotangent
  Tensor logits;              // [n, classes]
};

class Model : public Object {
 public:
  Model() = default;
  explicit Model(Object object) : Object(std::move(object)) {}

  std::int64_t classes() const {
    std::int64_t value = 0;
    api().check(api().model().classes(host(), raw(), &value));
    return value;
  }
  Shape input_shape() const {
    assay_view view = sdk::empty_view();
    api().check(api().model().input(host(), raw(), &view));
    return Shape(view.shape, view.shape + view.ndim);
  }
  std::pair<Tensor, Tensor> range() const {  // lowest and highest valid input, broadcastable to one input
    assay_object *lo = nullptr, *hi = nullptr;
    api().check(api().model().range(host(), raw(), &lo, &hi));
    return {Tensor(Object::adopt(api(), lo)), Tensor(Object::adopt(api(), hi))};
  }
  bool allows(std::uint64_t access) const {
    std::uint64_t mask = 0;
    api().check(api().model().access(host(), raw(), &mask));
    return (mask & access) == access;
  }
  std::vector<std::string> taps() const { return names(api().model().tap_count, api().model().tap_at); }
  std::vector<std::string> params() const { return names(api().model().param_count, api().model().param_at); }
  Tensor param(const std::string& name) const {
    assay_object* out = nullptr;
    api().check(api().model().param(host(), raw(), name.c_str(), &out));
    return Tensor(Object::adopt(api(), out));
  }

  Tensor operator()(const Tensor& x) const { return forward(x).logits; }
  ForwardResult forward(const Tensor& x, const ForwardOptions& options = {}) const {
    std::vector<const char*> taps;
    for (const std::string& tap : options.taps) taps.push_back(tap.c_str());
    taps.push_back(nullptr);
    assay_forward_call call{};
    call.struct_size = sizeof call;
    call.flags = static_cast<std::uint32_t>((options.train ? ASSAY_FORWARD_TRAIN : 0) |
                                            (options.stochastic ? ASSAY_FORWARD_STOCHASTIC : 0) |
                                            (options.logits ? 0 : ASSAY_FORWARD_NO_LOGITS));
    call.x = x.raw();
    call.taps = taps.data();
    call.ids = options.ids.raw();
    call.draw = options.draw;
    call.params = options.params.raw();
    assay_object* statistics = nullptr;
    if (options.statistics) {
      if (api().host()->abi_minor < 4) fail(ASSAY_UNSUPPORTED, "this host gives no running statistics (ABI 0.4)");
      call.statistics = &statistics;
    }
    std::vector<assay_object*> out(1 + options.taps.size(), nullptr);
    ForwardResult result;
    result.taps.reserve(options.taps.size());
    api().check(api().model().forward(host(), raw(), &call, out.data()));
    if (statistics != nullptr) result.statistics = Bundle(Object::adopt(api(), statistics));
    result.logits = Tensor(Object::adopt(api(), out[0]));
    for (std::size_t i = 1; i < out.size(); ++i) result.taps.emplace_back(Object::adopt(api(), out[i]));
    return result;
  }
  // Gradient of a named per-sample loss with respect to x; the compiled fast path. Of y: "cross-entropy", "cw-margin" or
  // "dlr"; of y and a target: "logit-difference" or "dlr-targeted".
  LossGrad loss_grad(const char* loss, const Tensor& x, const Tensor& y, const LossOptions& options = {}) const {
    const assay_loss_call call = loss_call(loss, x, y, options);
    assay_object *grad = nullptr, *losses = nullptr, *logits = nullptr;
    api().check(api().model().loss_grad(host(), raw(), &call, &grad, &losses, &logits));
    return {Tensor(Object::adopt(api(), grad)), Tensor(Object::adopt(api(), losses)),
            Tensor(Object::adopt(api(), logits))};
  }
  // As above, only the gradient is kept.
  Tensor gradient(const char* loss, const Tensor& x, const Tensor& y, const LossOptions& options = {}) const {
    const assay_loss_call call = loss_call(loss, x, y, options);
    assay_object* grad = nullptr;
    api().check(api().model().loss_grad(host(), raw(), &call, &grad, nullptr, nullptr));
    return Tensor(Object::adopt(api(), grad));
  }
  // Gradients with respect to x of <logits, c> for each cotangent c, f32 [n, classes]: one compiled pass forward and one
  // back for each.
  Pulled pull(const Tensor& x, std::span<const Tensor> cotangents, const LossOptions& options = {}) const {
    std::vector<const assay_object*> given;
    for (const Tensor& cotangent : cotangents) given.push_back(cotangent.raw());
    const assay_pull_call call{
        sizeof(assay_pull_call), 0, x.raw(), given.data(), given.size(), options.ids.raw(), options.draw};
    std::vector<assay_object*> grads(given.size(), nullptr);
    assay_object* logits = nullptr;
    Pulled result;
    result.grads.reserve(given.size());
    api().check(api().model().pull(host(), raw(), &call, grads.data(), &logits));
    result.logits = Tensor(Object::adopt(api(), logits));
    for (assay_object* grad : grads) result.grads.emplace_back(Object::adopt(api(), grad));
    return result;
  }
  Tensor predict(const Tensor& x) const {  // i64 [n]
    assay_object* labels = nullptr;
    api().check(api().model().predict(host(), raw(), x.raw(), &labels));
    return Tensor(Object::adopt(api(), labels));
  }

 private:
  static assay_loss_call loss_call(const char* loss, const Tensor& x, const Tensor& y, const LossOptions& options) {
    return {sizeof(assay_loss_call), 0, loss, x.raw(), y.raw(), options.targets.raw(), options.ids.raw(), options.draw};
  }
  template <class Count, class At>
  std::vector<std::string> names(Count count_of, At name_at) const {
    std::size_t count = 0;
    api().check(count_of(host(), raw(), &count));
    std::vector<std::string> result(count);
    for (std::size_t i = 0; i < count; ++i) {
      const char* name = nullptr;
      api().check(name_at(host(), raw(), i, &name));
      result[i] = name;
    }
    return result;
  }
};

inline Tensor watch(const Tensor& tensor) {
  assay_object* out = nullptr;
  tensor.api().check(tensor.api().grad().watch(tensor.host(), tensor.raw(), &out));
  return Tensor(Object::adopt(tensor.api(), out));
}
inline Tensor detach(const Tensor& tensor) {
  assay_object* out = nullptr;
  tensor.api().check(tensor.api().grad().detach(tensor.host(), tensor.raw(), &out));
  return Tensor(Object::adopt(tensor.api(), out));
}

// d sum_i <outputs_i, cotangents_i> / d inputs_j. No cotangents: ones, for outputs of one element.
inline std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                                std::span<const Tensor> cotangents = {}, bool create_graph = false) {
  if (outputs.empty() || inputs.empty()) fail(ASSAY_INVALID, "grad() needs outputs and inputs");
  const sdk::Api& api = outputs.front().api();
  std::vector<const assay_object*> y, x, c;
  for (const Tensor& tensor : outputs) y.push_back(tensor.raw());
  for (const Tensor& tensor : inputs) x.push_back(tensor.raw());
  for (const Tensor& tensor : cotangents) c.push_back(tensor.raw());
  if (!c.empty() && c.size() != y.size()) fail(ASSAY_INVALID, "grad() needs one cotangent an output");
  assay_grad_call call{
      sizeof(assay_grad_call), create_graph ? 1u : 0u, y.data(), y.size(), x.data(), x.size(), nullptr};
  if (!c.empty()) call.cotangents = c.data();
  std::vector<assay_object*> out(inputs.size(), nullptr);
  std::vector<Tensor> result;
  result.reserve(inputs.size());
  api.check(api.grad().grad(api.host(), &call, out.data()));
  for (assay_object* object : out) result.emplace_back(Object::adopt(api, object));
  return result;
}
inline Tensor grad(const Tensor& output, const Tensor& input, bool create_graph = false) {
  return grad(std::span<const Tensor>(&output, 1), std::span<const Tensor>(&input, 1), {}, create_graph).front();
}

}  // namespace assay
