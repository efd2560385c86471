// expand: an operand repeated along axes of extent 1, to attribute shape.
#include <algorithm>

#include "harness/engine/ops/broadcast.hpp"
#include "harness/engine/ops/dtypes.hpp"
#include "harness/engine/ops/strided.hpp"

namespace assay::engine {
namespace {

void fill_row(const float* from, std::int64_t step, float* to, std::int64_t n) {
  if (step == 0) {
    std::fill_n(to, n, *from);
  } else {
    std::copy_n(from, n, to);
  }
}

Kernel expand_prepare_typed(const PrepareRequest& request) {
  const BroadcastLoop loop = plan_dense_broadcast(request).loop;
  const StridedCopy copy =
      make_copy({loop.extents, loop.steps[0], row_major(loop.extents), 0, 0, dtype_size(request.out[0].dtype)});
  Kernel kernel = dense_kernel(request);
  kernel.run = [copy](const KernelArgs& args) { copy(args.in[0], args.out[0]); };
  return kernel;
}

Kernel prepare_expand(const PrepareRequest& request) {
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  if (request.out[0].dtype != DType::f32) return expand_prepare_typed(request);
  const BroadcastPlan plan = plan_broadcast(request, true);
  Kernel kernel;
  kernel.in = plan.in;
  kernel.out = {plan.out};
  kernel.in_place = {request.in[0].spec.shape == request.out[0].shape ? 0 : -1};
  kernel.run = [loop = plan.loop](const KernelArgs& args) {
    const float* in = floats(args, 0);
    float* out = floats_out(args, 0);
    if (in == out) return;
    const std::size_t last = loop.extents.size() - 1;
    for_each_plane(loop, 1, [&](const auto& offset, std::int64_t at) {
      for (std::int64_t r = 0; r < loop.extents[last - 1]; ++r) {
        fill_row(in + offset[0] + r * loop.steps[0][last - 1], loop.steps[0][last], out + at + r * loop.extents[last],
                 loop.extents[last]);
      }
    });
  };
  return kernel;
}

}  // namespace

void register_expand(Registry& registry) {
  Op op;
  op.name = "expand";
  op.onnx = "Expand";
  op.doc = "x -> x broadcast to attribute shape";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("expand", in, 1, 1);
    expect_in("expand", in, 0, kAnyDType);
    const Shape shape = attrs.ints("shape", {});
    const Spec both[2] = {in[0], f32_spec(shape)};
    if (broadcast_shape("expand", both) != shape) op_error("expand", in, "cannot become shape " + shape_str(shape));
    return one({in[0].dtype, shape});
  };
  op.prepare = prepare_expand;
  op.vjp = [](const VjpArgs& v) { return std::vector<Value>{reduce_to(v.cotangents[0], shape_of(v.in[0]))}; };
  op.cases = {
      {.name = "scalar", .in = {make_spec({})}, .attrs = {{"shape", Shape{2, 3}}}},
      {.name = "rows", .in = {make_spec({3, 1})}, .attrs = {{"shape", Shape{3, 5}}}},
      {.name = "columns", .in = {make_spec({5})}, .attrs = {{"shape", Shape{2, 3, 5}}}},
      {.name = "channels", .in = {make_spec({1, 3, 1, 1})}, .attrs = {{"shape", Shape{2, 3, 2, 5}}}},
      {.name = "F64", .in = {make_spec({3, 1}, DType::f64)}, .attrs = {{"shape", Shape{2, 3, 5}}}},
      {.name = "I64",
       .in = {make_spec({2, 1, 3}, DType::i64)},
       .attrs = {{"shape", Shape{2, 5, 3}}},
       .integers_below = 9},
      {.name = "BOOL", .in = {make_spec({}, DType::boolean)}, .attrs = {{"shape", Shape{7}}}, .integers_below = 2},
      {.name = "same", .in = {make_spec({2, 3})}, .attrs = {{"shape", Shape{2, 3}}}},
      {.name = "no elements", .in = {make_spec({1, 3})}, .attrs = {{"shape", Shape{0, 3}}}}};
  registry.add(std::move(op));
}

}  // namespace assay::engine
