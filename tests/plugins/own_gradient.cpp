// Objectives whose loss passes through a function with a gradient of the method's own, sound and broken ones.
#include <stdexcept>
#include <string>

#include "assay/sdk.hpp"

namespace {

using assay::Tensor;
using assay::VjpCall;
using Grads = std::vector<Tensor>;

struct OwnGradient {
  std::string form;

  static constexpr assay::Info info{.id = "own-gradient",
                                    .version = "1.0.0",
                                    .summary = "an objective through functions with gradients of their own",
                                    .title = "Estimating or Propagating Gradients Through Stochastic Neurons",
                                    .year = 2013,
                                    .arxiv = "1308.3432"};
  static constexpr auto params =
      assay::params(assay::choice("form", &OwnGradient::form,
                                  {.fallback = "cube",
                                   .choices = {"cube", "straight-through", "pair", "no-gradient", "broken", "numeric",
                                               "wrong-shape", "wrong-count", "wrong-op"},
                                   .doc = "which function"}));

  // x^3, its slope in ops: twice differentiable.
  static Tensor cubed(const Tensor& x) {
    return assay::with_gradient({x}, detach(x * x * x), [](const VjpCall& call) {
      return Grads{call.cotangents[0] * (3.0 * square(call.inputs[0]))};
    });
  }
  // round(2 x) / 2 with half the identity's gradient where |x| <= 1 (a scaled, clipped straight-through estimate).
  static Tensor rounded(const Tensor& x) {
    return assay::with_gradient({x}, 0.5 * round(2.0 * x), [](const VjpCall& call) {
      return Grads{0.5 * call.cotangents[0] * step(1.0 - abs(call.inputs[0]))};
    });
  }
  // (x y, x + y) of the two halves of the columns, one node with two inputs and two outputs.
  static Tensor paired(const Tensor& x) {
    const std::int64_t n = x.dim(0), half = x.dim(1) / 2;
    const Tensor a = slice(x, {0, 0}, {n, half}), b = slice(x, {0, half}, {n, half});
    const std::vector<Tensor> in{a, b}, values{detach(a) * detach(b), detach(a) + detach(b)};
    const std::vector<Tensor> out = assay::with_gradient(in, values, [](const VjpCall& c) {
      return Grads{c.cotangents[0] * c.inputs[1] + c.cotangents[1], c.cotangents[0] * c.inputs[0] + c.cotangents[1]};
    });
    return assay::concat(out, 1);
  }
  // The identity with whatever is said to be its gradient.
  static Tensor with(const Tensor& x, assay::Vjp vjp) { return assay::with_gradient({x}, x, std::move(vjp)); }
  static Tensor broken(const std::string& form, const Tensor& x) {
    if (form == "no-gradient") return with(x, [](const VjpCall&) { return Grads{Tensor()}; });
    if (form == "broken")
      return with(x, [](const VjpCall&) -> Grads { throw std::runtime_error("the table of slopes is empty"); });
    if (form == "numeric")
      return with(x, [](const VjpCall&) -> Grads { assay::fail(ASSAY_NUMERIC, "the slope is not finite"); });
    if (form == "wrong-shape")
      return with(x, [](const VjpCall& call) { return Grads{sum(call.cotangents[0], {.axes = {1}})}; });
    if (form == "wrong-count")
      return with(x, [](const VjpCall& call) { return Grads{call.cotangents[0], call.cotangents[0]}; });
    return with(x, [](const VjpCall& call) { return Grads{assay::apply1("no_such_op", {call.cotangents[0]})}; });
  }

  Tensor of(const Tensor& x) const {
    if (form == "cube") return cubed(x);
    if (form == "straight-through") return rounded(x);
    return form == "pair" ? paired(x) : broken(form, x);
  }

  Tensor objective(assay::Run&, const assay::Step& step) const { return sum(of(step.logits) * (step.logits + 2.0)); }
};

}  // namespace

ASSAY_PLUGIN(OwnGradient)
