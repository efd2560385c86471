#include "harness/engine/ops/unary.hpp"

#include "harness/engine/ops/bf16_loops.hpp"

namespace assay::engine {
namespace {

float param(const UnaryParam& p, const Attrs& attrs) {
  return p.name ? static_cast<float>(attrs.real(p.name, p.fallback)) : 0.0f;
}

Kernel prepare_typed(const UnaryOp& op, const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec& x = request.in[0].spec;
  if (request.out[0].dtype == x.dtype) kernel.in_place = {0};
  const double a = op.a.name ? request.attrs.real(op.a.name, op.a.fallback) : 0.0;
  const double b = op.b.name ? request.attrs.real(op.b.name, op.b.fallback) : 0.0;
  kernel.run = [loop = op.loops.typed(x.dtype), n = x.count(), a, b](const KernelArgs& args) {
    loop(args.in[0], args.out[0], n, a, b);
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
  OpCase other = cases.front();
  other.integers_below = -9;
  for (const DType dtype : {DType::f64, DType::i64, DType::i32, DType::u8, DType::s8}) {
    if (!in_set(dtype, op.loops.dtypes)) continue;
    other.name = dtype_name(dtype);
    other.in = {make_spec({3, 7}, dtype)};
    cases.push_back(other);
  }
  return cases;
}

}  // namespace

Kernel prepare_unary(const UnaryOp& op, const PrepareRequest& request) {
  if (request.in[0].spec.dtype != DType::f32 && !stored_bf16(request)) return prepare_typed(op, request);
  const float a = param(op.a, request.attrs), b = param(op.b, request.attrs);
  const float zero = 0.0f;
  float at_zero = 0.0f;
  op.loops.f32(&zero, &at_zero, 1, a, b);
  if (stored_bf16(request)) {
    return bf16_elementwise_kernel(request, at_zero == 0.0f,
                                   [loop = op.loops.f32, a, b](const auto* in, float* out, auto n) {
                                     loop(in[0], out, n, a, b);
                                   });
  }
  const Layout layout = shared_layout(request, at_zero == 0.0f);
  Kernel kernel;
  kernel.in = kernel.out = {layout};
  kernel.in_place = {0};
  const std::size_t n = physical_floats(layout);
  kernel.run = [loop = op.loops.f32, n, a, b](const KernelArgs& args) {
    loop(floats(args, 0), floats_out(args, 0), n, a, b);
  };
  return kernel;
}

void add_unary(Registry& registry, const UnaryOp& unary) {
  Op op;
  op.name = unary.name;
  op.onnx = unary.onnx;
  op.doc = unary.doc;
  op.infer = [name = op.name, dtypes = unary.loops.dtypes, mask = unary.loops.mask](Specs in, const Attrs&) {
    expect_count(name, in, 1, 1);
    expect_in(name, in, 0, dtypes);
    return one({mask ? DType::f32 : in[0].dtype, in[0].shape});
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
