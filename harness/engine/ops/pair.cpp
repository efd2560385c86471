#include "harness/engine/ops/pair.hpp"

#include "harness/engine/ops/bf16_loops.hpp"

namespace assay::engine {
namespace {

Kernel prepare_typed(const PairOp& op, const PrepareRequest& request) {
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  const BroadcastPlan plan = plan_dense_broadcast(request);
  Kernel kernel = dense_kernel(request);
  const BroadcastLoop& loop = plan.loop;
  const std::size_t last = loop.extents.size() - 1;
  const PairRow row{loop.extents[last], loop.steps[0][last], loop.steps[1][last]};
  const DType dtype = request.in[0].spec.dtype;
  const std::size_t size = dtype_size(dtype), out_size = dtype_size(request.out[0].dtype);
  kernel.run = [loop, row, size, out_size, body = op.typed(dtype)](const KernelArgs& args) {
    const std::size_t sizes[2] = {size, size};
    for_each_typed_row(loop, sizes, out_size, args,
                       [&](const auto& in, std::byte* out) { body(in[0], in[1], out, row); });
  };
  return kernel;
}

}  // namespace

std::vector<Spec> infer_pair(const PairOp& op, Specs in) {
  expect_count(op.name, in, 2, 2);
  expect_alike(op.name, in, op.dtypes);
  return one({op.mask ? DType::f32 : in[0].dtype, broadcast_shape(op.name, in)});
}

Kernel prepare_pair(const PairOp& op, const PrepareRequest& request) {
  const bool bf16 = stored_bf16(request);
  if (!bf16 && (request.in[0].spec.dtype != DType::f32 || !op.loops[0][0])) return prepare_typed(op, request);
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  if (bf16 && op.stored) return stored_pair_kernel(request, op.keeps_zero, op.stored);
  if (bf16) {
    return bf16_elementwise_kernel(request, op.keeps_zero, [body = op.loops[1][1]](const auto* in, float* out, auto n) {
      body(in[0], in[1], out, {1, static_cast<std::int64_t>(n), 0, 0});
    });
  }
  const BroadcastPlan plan = plan_broadcast(request, op.keeps_zero);
  Kernel kernel;
  kernel.in = plan.in;
  kernel.out = {plan.out};
  const bool first_full = request.in[0].spec.shape == request.out[0].shape;
  const bool second_full = request.in[1].spec.shape == request.out[0].shape;
  kernel.in_place = {first_full ? 0 : (second_full ? 1 : -1)};
  const BroadcastLoop& loop = plan.loop;
  const std::size_t last = loop.extents.size() - 1;
  const RowsLoop body = op.loops[loop.steps[0][last]][loop.steps[1][last]];
  const Rows rows{loop.extents[last - 1], loop.extents[last], loop.steps[0][last - 1], loop.steps[1][last - 1]};
  kernel.run = [loop, body, rows](const KernelArgs& args) {
    const float* a = floats(args, 0);
    const float* b = floats(args, 1);
    float* out = floats_out(args, 0);
    for_each_plane(loop, 2,
                   [&](const auto& offset, std::int64_t at) { body(a + offset[0], b + offset[1], out + at, rows); });
  };
  return kernel;
}

std::vector<OpCase> pair_cases(const PairOp& op) {
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{2, 3, 5, 7}, {2, 3, 5, 7}}, {{2, 3, 5, 7}, {1, 3, 1, 1}}, {{2, 3, 5}, {}},  {{1}, {4, 3}},
      {{3, 1, 4}, {2, 1}},          {{2, 3, 2, 2}, {2, 1, 1, 1}}, {{0, 3}, {1, 3}}, {{3, 5}, {3, 1}}};
  std::vector<OpCase> cases;
  for (const auto& [a, b] : shapes) {
    OpCase c{.name = shape_str(a) + " with " + shape_str(b), .in = {f32_spec(a), f32_spec(b)}, .attrs = {}};
    if (op.divides) c.lo = 0.5, c.hi = 2;
    if (in_set(DType::f32, op.dtypes)) cases.push_back(c);
  }
  for (const DType dtype : {DType::f64, DType::i64, DType::i32, DType::u8, DType::s8, DType::boolean}) {
    if (!in_set(dtype, op.dtypes)) continue;
    for (const auto& [a, b] : {shapes[0], shapes[4]}) {
      OpCase c{.name = std::string(dtype_name(dtype)) + shape_str(a) + " with " + shape_str(b),
               .in = {{dtype, a}, {dtype, b}}};
      c.integers_below = dtype == DType::boolean ? 2 : op.integers_below;
      if (op.divides) c.lo = 0.5, c.hi = 2, c.keep_away = 0.25;
      cases.push_back(c);
    }
  }
  return cases;
}

void add_pair(Registry& registry, const PairOp& pair, VjpFn vjp) {
  Op op;
  op.name = pair.name;
  op.onnx = pair.onnx;
  op.doc = pair.doc;
  op.infer = [pair](Specs in, const Attrs&) { return infer_pair(pair, in); };
  op.prepare = [pair](const PrepareRequest& request) { return prepare_pair(pair, request); };
  op.vjp = std::move(vjp);
  op.bf16 = bf16_when_alike;
  op.cases = pair_cases(pair);
  registry.add(std::move(op));
}

VjpFn pair_vjp(const Partial& first, const Partial& second) {
  return [first, second](const VjpArgs& v) {
    std::vector<Value> grads(2);
    const Value g = v.cotangents[0];
    if (v.wanted[0]) grads[0] = reduce_to(first(v, g), shape_of(v.in[0]));
    if (v.wanted[1]) grads[1] = reduce_to(second(v, g), shape_of(v.in[1]));
    return grads;
  };
}

std::vector<Value> no_pair_vjp(const VjpArgs&) { return {Value{}, Value{}}; }

}  // namespace assay::engine
