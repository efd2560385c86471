#include "harness/engine/ops/unary.hpp"

#include "harness/engine/ops/bf16_loops.hpp"

namespace assay::engine {
namespace {

float param(const UnaryParam& p, const Attrs& attrs) {
  return p.name ? static_cast<float>(attrs.real(p.name, p.fallback)) : 0.0f;
}

Kernel prepare_unary(const UnaryOp& op, const PrepareRequest& request) {
  const float a = param(op.a, request.attrs), b = param(op.b, request.attrs);
  const float zero = 0.0f;
  float at_zero = 0.0f;
  op.loop(&zero, &at_zero, 1, a, b);
  if (stored_bf16(request)) {
    return bf16_elementwise_kernel(request, at_zero == 0.0f, [loop = op.loop, a, b](const auto* in, float* out, auto n) {
      loop(in[0], out, n, a, b);
    });
  }
  const Layout layout = shared_layout(request, at_zero == 0.0f);
  Kernel kernel;
  kernel.in = kernel.out = {layout};
  kernel.in_place = {0};
  const std::size_t n = physical_floats(layout);
  kernel.run = [loop = op.loop, n, a, b](const KernelArgs& args) {
    loop(floats(args, 0), floats_out(args, 0), n, a, b);
  };
  return kernel;
}

std::vector<OpCase> cases_of(const UnaryOp& op) {
  std::vector<OpCase> cases;
  for (const UnaryCase& c : op.cases) {
    OpCase item{.name = "values", .in = {make_spec({2, 3, 3, 7})}, .attrs = c.attrs};
    item.lo = c.lo, item.hi = c.hi, item.keep_away = c.keep_away, item.kink = c.kink;
    cases.push_back(item);
  }
  OpCase empty = cases.front();
  empty.name = "no elements";
  empty.in = {make_spec({0, 5})};
  cases.push_back(empty);
  return cases;
}

}  // namespace

void add_unary(Registry& registry, const UnaryOp& unary) {
  Op op;
  op.name = unary.name;
  op.onnx = unary.onnx;
  op.doc = unary.doc;
  op.infer = [name = op.name](Specs in, const Attrs&) {
    expect_count(name, in, 1, 1);
    expect_f32(name, in);
    return one(in[0]);
  };
  op.prepare = [unary](const PrepareRequest& request) { return prepare_unary(unary, request); };
  op.vjp = [vjp = unary.vjp](const VjpArgs& v) {
    return std::vector<Value>{vjp(v.in[0], v.out[0], v.cotangents[0], v.attrs)};
  };
  op.bf16 = bf16_everywhere;
  op.cases = cases_of(unary);
  registry.add(std::move(op));
}

}  // namespace assay::engine
