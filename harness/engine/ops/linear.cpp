// linear: a dense layer, y = act(x w^T + bias + residual).
#include "harness/engine/ops/fusion.hpp"

namespace assay::engine {
namespace {

native::LinearProblem linear_problem_of(Specs in, const Attrs& attrs) {
  const Fusion fusion = fusion_of("linear", in, attrs);
  expect_rank("linear", in, 1, 2);
  const Shape& x = in[0].shape;
  const Shape& w = in[1].shape;
  if (x.empty() || x.back() != w[1]) op_error("linear", in, "x's last extent must be w's second");
  native::LinearProblem p;
  p.in = w[1], p.out = w[0];
  p.rows = element_count(Shape(x.begin(), x.end() - 1));
  p.bias = fusion.bias, p.residual = fusion.residual, p.act = fusion.act;
  return p;
}

std::vector<Spec> infer_linear(Specs in, const Attrs& attrs) {
  const native::LinearProblem p = linear_problem_of(in, attrs);
  Shape out = in[0].shape;
  out.back() = p.out;
  check_fusion("linear", in, {p.bias, p.residual, p.act}, out, p.out);
  return one(f32_spec(out));
}

Kernel prepare_linear(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  native::LinearProblem p = linear_problem_of(logical_specs(request.in), request.attrs);
  p.type = request.in[0].spec.dtype, p.out_type = request.out[0].dtype;
  if (stored_integers(request)) return native::make_integer_linear(p, requantization_of(request));
  p.pack_weights = !request.training;
  return native::make_linear(p);
}

std::vector<Value> linear_vjp(const VjpArgs& v) {
  const Value x = v.in[0], w = v.in[1], g = before_activation(v);
  const std::int64_t in = shape_of(w)[1], out = shape_of(w)[0];
  const std::int64_t rows = in > 0 ? element_count(shape_of(x)) / in : element_count(shape_of(g)) / out;
  const Value flat = reshape(g, {rows, out});
  std::vector<Value> grads(v.in.size());
  if (v.wanted[0]) grads[0] = reshape(call("matmul", {flat, w}), shape_of(x));
  if (v.wanted[1]) grads[1] = call("matmul", {flat, reshape(x, {rows, in})}, {{"transpose_a", std::int64_t{1}}});
  const bool residual = v.attrs.integer("residual", 0) != 0;
  if (residual) grads.back() = g;
  if (v.in.size() > (residual ? 3u : 2u) && v.wanted[2]) grads[2] = call("reduce_sum", {flat}, {{"axes", Shape{0}}});
  return grads;
}

Bf16Use bf16(Specs in, Specs out, const Attrs& attrs) {
  if (out[0].count() == 0) return {};
  const native::LinearProblem p = linear_problem_of(in, attrs);
  Bf16Use use{{true, true}, {true}, true};
  if (p.bias) use.in.push_back(false);
  if (p.residual) use.in.push_back(true);
  return use;
}

OpCost linear_cost(Specs in, Specs, const Attrs& attrs) {
  const native::LinearProblem p = linear_problem_of(in, attrs);
  return {static_cast<double>(p.rows) * static_cast<double>(p.in) * static_cast<double>(p.out), 0};
}

std::vector<OpCase> linear_cases() {
  const Spec x = make_spec({5, 7}), w = make_spec({3, 7}), b = make_spec({3});
  Attrs fused = {{"act", std::string("relu")}, {"residual", std::int64_t{1}}};
  return {{.name = "weights only", .in = {x, w}, .attrs = {}},
          {.name = "bias", .in = {x, w, b}, .attrs = {}},
          {.name = "fused", .in = {x, w, b, make_spec({5, 3})}, .attrs = fused},
          {.name = "more axes", .in = {make_spec({2, 3, 7}), w, b}, .attrs = {}},
          {.name = "no rows", .in = {make_spec({0, 7}), w, b}, .attrs = {}}};
}

}  // namespace

void register_linear(Registry& registry) {
  Op op;
  op.name = "linear";
  op.onnx = "Gemm";
  op.doc =
      "x [.., in], w [out, in], bias [out]?, residual [.., out]? -> [.., out]; attributes residual (0), act (\"\")";
  op.infer = infer_linear;
  op.prepare = prepare_linear;
  op.vjp = linear_vjp;
  op.cost = linear_cost;
  op.bf16 = bf16;
  op.cases = linear_cases();
  registry.add(std::move(op));
}

}  // namespace assay::engine
