#include "tests/fuzz/plant.hpp"

#include <cstring>
#include <functional>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/engine/ops/emit.hpp"

namespace assay::fuzz {
namespace {

using engine::Attrs;
using engine::Kernel;
using engine::KernelArgs;
using engine::Op;
using engine::PrepareRequest;
using engine::Registry;
using engine::Value;
using engine::VjpArgs;

// The registry is built as a mutable object and only handed out as const.
Op& op(const char* name) {
  const Registry& registry = Registry::get();
  return const_cast<Op&>(registry.op(registry.id(name)));  // NOLINT(cppcoreguidelines-pro-type-const-cast): see above
}

using AfterRun = std::function<void(const KernelArgs&)>;
void after_run(const char* name, const std::function<AfterRun(const PrepareRequest&)>& make) {
  Op& it = op(name);
  it.prepare = [inner = it.prepare, make](const PrepareRequest& request) {
    Kernel kernel = inner(request);
    kernel.run = [run = kernel.run, after = make(request)](const KernelArgs& args) {
      run(args);
      after(args);
    };
    return kernel;
  };
}

using AfterVjp = std::function<void(const VjpArgs&, std::vector<Value>&)>;
void after_vjp(const char* name, const AfterVjp& change) {
  Op& it = op(name);
  it.vjp = [inner = it.vjp, change](const VjpArgs& v) {
    std::vector<Value> grads = inner(v);
    change(v, grads);
    return grads;
  };
}

void forgotten_tail() {
  after_run("relu", [](const PrepareRequest& r) -> AfterRun {
    const std::size_t n = r.in[0].layout.bytes() / sizeof(float);
    if (n % 8 == 0 || n == 0) return [](const KernelArgs&) {};
    return [n](const KernelArgs& args) { static_cast<float*>(args.out[0])[n - 1] = -0.125F; };
  });
}

void unreduced_mean() {
  after_run("reduce_mean", [](const PrepareRequest& r) -> AfterRun {
    const std::size_t n = static_cast<std::size_t>(r.out[0].count());
    const bool odd = r.in[0].spec.count() % 2 == 1;
    return [n, odd](const KernelArgs& args) {
      for (std::size_t i = 0; odd && i < n; ++i) static_cast<float*>(args.out[0])[i] *= 1.01F;
    };
  });
}

// Reads its operand after it has begun to overwrite it: right until a plan lets them share memory.
void shared_in_place() {
  Op& it = op("transpose");
  it.prepare = [inner = it.prepare](const PrepareRequest& request) {
    Kernel kernel = inner(request);
    kernel.in_place = {0};
    return kernel;
  };
}

// Leaves what was in the memory where zeros belong.
void stale_memory() {
  Op& it = op("unslice");
  it.prepare = [inner = it.prepare](const PrepareRequest& request) {
    Kernel kernel = inner(request);
    const std::size_t n = static_cast<std::size_t>(request.out[0].count());
    kernel.run = [run = kernel.run, n](const KernelArgs& args) {
      auto* out = static_cast<float*>(args.out[0]);
      const std::vector<float> before(out, out + n);
      run(args);
      for (std::size_t i = 0; i < n; ++i) {
        if (out[i] == 0.0F) out[i] = before[i];
      }
    };
    return kernel;
  };
}

// A fused kernel that computes act(x w) + residual.
void residual_after_activation() {
  Op& it = op("conv2d");
  it.prepare = [inner = it.prepare](const PrepareRequest& request) {
    const bool both = request.attrs.integer("residual", 0) != 0 && !request.attrs.text("act", "").empty();
    if (!both) return inner(request);
    Attrs attrs = request.attrs;
    attrs.set("act", std::string());
    return inner({attrs, request.in, request.out, request.training});
  };
}

void halved_bias_gradient() {
  after_vjp("linear", [](const VjpArgs& v, std::vector<Value>& grads) {
    if (v.in.size() > 2 && grads[2].defined()) grads[2] = grads[2] * 0.5;
  });
}

void swapped_product_gradient() {
  after_vjp("mul", [](const VjpArgs& v, std::vector<Value>& grads) {
    if (grads[0].defined() && grads[1].defined() && engine::shape_of(v.in[0]) == engine::shape_of(v.in[1]))
      std::swap(grads[0], grads[1]);
  });
}

void one_sided_clamp_gradient() {
  after_vjp("clamp", [](const VjpArgs& v, std::vector<Value>& grads) {
    if (grads[0].defined()) grads[0] = v.cotangents[0];
  });
}

void lost_concat_gradient() {
  after_vjp("concat", [](const VjpArgs&, std::vector<Value>& grads) {
    if (grads.size() > 1 && grads.back().defined()) grads.back() = grads.back() * 0.0;
  });
}

void softmax_of_another_axis() {
  Op& it = op("softmax");
  it.prepare = [inner = it.prepare](const PrepareRequest& request) {
    Attrs attrs = request.attrs;
    const auto rank = static_cast<std::int64_t>(request.in[0].spec.shape.size());
    if (rank > 2) attrs.set("axis", rank - 1);
    return inner({attrs, request.in, request.out, request.training});
  };
}

}  // namespace

const std::vector<Plant>& plants() {
  static const std::vector<Plant> all = {
      {"forgotten-tail", "relu leaves the last element of odd lengths", forgotten_tail},
      {"wrong-mean", "reduce_mean divides by too little where the count is odd", unreduced_mean},
      {"shared-in-place", "transpose says it may write over its operand", shared_in_place},
      {"stale-memory", "unslice does not write its zeros", stale_memory},
      {"residual-after-activation", "the fused convolution forgets relu after a residual sum",
       residual_after_activation},
      {"halved-bias-gradient", "linear gives half the gradient of its bias", halved_bias_gradient},
      {"swapped-product-gradient", "mul gives each operand the other's gradient", swapped_product_gradient},
      {"clamp-gradient", "clamp passes the gradient outside its range", one_sided_clamp_gradient},
      {"lost-concat-gradient", "concat gives its last operand no gradient", lost_concat_gradient},
      {"softmax-axis", "softmax of three or more axes always takes the last", softmax_of_another_axis}};
  return all;
}

void plant(const std::string& name) {
  std::vector<std::string> names;
  for (const Plant& p : plants()) {
    if (p.name == name) return p.put();
    names.push_back(p.name);
  }
  throw Error(Fault::bad_input, "no planted bug '" + name + "'" + suggestion(name, names));
}

}  // namespace assay::fuzz
