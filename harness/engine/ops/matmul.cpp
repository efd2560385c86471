// matmul: batched matrix products with broadcasting batch axes; either operand may be stored transposed.
#include "harness/engine/ops/op_tools.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine {
namespace {

struct Operand {
  Shape batch;
  std::int64_t rows, columns;  // after the transposition
  bool transposed;
};

Operand operand(Specs in, std::size_t index, bool transposed) {
  const Shape& s = in[index].shape;
  if (s.size() < 2) op_error("matmul", in, "input " + std::to_string(index) + " must have at least 2 axes");
  Operand o{Shape(s.begin(), s.end() - 2), s[s.size() - 2], s[s.size() - 1], transposed};
  if (transposed) std::swap(o.rows, o.columns);
  return o;
}

bool matmul_flag(const Attrs& attrs, const char* key) { return attrs.integer(key, 0) != 0; }

native::MatmulProblem matmul_problem_of(Specs in, const Attrs& attrs) {
  expect_count("matmul", in, 2, 2);
  expect_f32("matmul", in);
  Operand a = operand(in, 0, matmul_flag(attrs, "transpose_a")), b = operand(in, 1, matmul_flag(attrs, "transpose_b"));
  if (a.columns != b.rows) {
    op_error("matmul", in, "inner extents " + std::to_string(a.columns) + " and " + std::to_string(b.rows) + " differ");
  }
  const Spec batches[2] = {f32_spec(a.batch), f32_spec(b.batch)};
  native::MatmulProblem p;
  p.batch = broadcast_shape("matmul", batches);
  a.batch.insert(a.batch.begin(), p.batch.size() - a.batch.size(), 1);
  b.batch.insert(b.batch.begin(), p.batch.size() - b.batch.size(), 1);
  p.a_batch = a.batch, p.b_batch = b.batch;
  p.m = a.rows, p.k = a.columns, p.n = b.columns;
  p.transpose_a = a.transposed, p.transpose_b = b.transposed;
  return p;
}

std::vector<Spec> infer_matmul(Specs in, const Attrs& attrs) {
  const native::MatmulProblem p = matmul_problem_of(in, attrs);
  Shape out = p.batch;
  out.insert(out.end(), {p.m, p.n});
  return one(f32_spec(out));
}

Kernel prepare_matmul(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  native::MatmulProblem p = matmul_problem_of(logical_specs(request.in), request.attrs);
  p.type = request.in[0].spec.dtype, p.out_type = request.out[0].dtype;
  return native::make_matmul(p);
}

Value matmul_product(Value a, Value b, bool transpose_a, bool transpose_b) {
  const auto as_int = [](bool v) { return static_cast<std::int64_t>(v); };
  return call("matmul", {a, b}, {{"transpose_a", as_int(transpose_a)}, {"transpose_b", as_int(transpose_b)}});
}

std::vector<Value> matmul_vjp(const VjpArgs& v) {
  const bool ta = matmul_flag(v.attrs, "transpose_a"), tb = matmul_flag(v.attrs, "transpose_b");
  const Value a = v.in[0], b = v.in[1], g = v.cotangents[0];
  std::vector<Value> grads(2);
  if (v.wanted[0])
    grads[0] = reduce_to(ta ? matmul_product(b, g, tb, true) : matmul_product(g, b, false, !tb), shape_of(a));
  if (v.wanted[1])
    grads[1] = reduce_to(tb ? matmul_product(g, a, true, ta) : matmul_product(a, g, !ta, false), shape_of(b));
  return grads;
}

OpCost matmul_cost(Specs in, Specs, const Attrs& attrs) {
  const native::MatmulProblem p = matmul_problem_of(in, attrs);
  return {static_cast<double>(element_count(p.batch)) * static_cast<double>(p.m * p.k * p.n), 0};
}

std::vector<OpCase> matmul_cases() {
  const Attrs ta = {{"transpose_a", std::int64_t{1}}}, tb = {{"transpose_b", std::int64_t{1}}};
  Attrs both = ta;
  both.set("transpose_b", std::int64_t{1});
  return {{.name = "plain", .in = {make_spec({5, 7}), make_spec({7, 3})}, .attrs = {}},
          {.name = "transpose a", .in = {make_spec({7, 5}), make_spec({7, 3})}, .attrs = ta},
          {.name = "transpose b", .in = {make_spec({5, 7}), make_spec({3, 7})}, .attrs = tb},
          {.name = "transpose both", .in = {make_spec({7, 5}), make_spec({3, 7})}, .attrs = both},
          {.name = "batched", .in = {make_spec({2, 3, 4}), make_spec({2, 4, 5})}, .attrs = {}},
          {.name = "broadcast batch", .in = {make_spec({2, 3, 2, 4}), make_spec({3, 4, 5})}, .attrs = {}},
          {.name = "one matrix for all", .in = {make_spec({4, 3}), make_spec({2, 4, 5})}, .attrs = ta},
          {.name = "no rows", .in = {make_spec({0, 4}), make_spec({4, 5})}, .attrs = {}},
          {.name = "nothing to sum", .in = {make_spec({2, 0}), make_spec({0, 3})}, .attrs = {}}};
}

}  // namespace

void register_matmul(Registry& registry) {
  Op op;
  op.name = "matmul";
  op.onnx = "MatMul";
  op.doc = "a [.., M, K], b [.., K, N] -> [.., M, N]; attributes transpose_a (0), transpose_b (0)";
  op.infer = infer_matmul;
  op.prepare = prepare_matmul;
  op.vjp = matmul_vjp;
  op.cost = matmul_cost;
  op.bf16 = [](Specs in, Specs out, const Attrs&) {
    const bool empty = in[0].count() == 0 || out[0].count() == 0;
    return empty ? Bf16Use{} : Bf16Use{{true, true}, {true}, true};
  };
  op.cases = matmul_cases();
  registry.add(std::move(op));
}

}  // namespace assay::engine
