// Elementwise ops of three operands that broadcast: where and clamp_between.
#include "harness/engine/ops/broadcast.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

struct Where {
  static ASSAY_INLINE float f(float mask, float a, float b) { return mask != 0.0f ? a : b; }
};
struct ClampBetween {
  static ASSAY_INLINE float f(float x, float lo, float hi) {
    const float above = x < lo ? lo : x;
    return above > hi ? hi : above;
  }
};

struct Row {
  std::int64_t length, steps[3];
};

template <class F>
ASSAY_WIDE void row_loop(const float* a, const float* b, const float* c, float* out, const Row& row) {
  if (row.steps[0] == 1 && row.steps[1] == 1 && row.steps[2] == 1) {
    ASSAY_INDEPENDENT
    for (std::int64_t i = 0; i < row.length; ++i) out[i] = F::f(a[i], b[i], c[i]);
    return;
  }
  for (std::int64_t i = 0; i < row.length; ++i) {
    out[i] = F::f(a[i * row.steps[0]], b[i * row.steps[1]], c[i * row.steps[2]]);
  }
}

using RowLoop = void (*)(const float*, const float*, const float*, float*, const Row&);

Kernel prepare_three(RowLoop body, const PrepareRequest& request) {
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  const BroadcastPlan plan = plan_broadcast(request, true);
  Kernel kernel;
  kernel.in = plan.in;
  kernel.out = {plan.out};
  kernel.in_place = {-1};
  kernel.run = [body, loop = plan.loop](const KernelArgs& args) {
    const std::size_t last = loop.extents.size() - 1;
    const Row row{loop.extents[last], {loop.steps[0][last], loop.steps[1][last], loop.steps[2][last]}};
    for_each_plane(loop, 3, [&](const auto& offset, std::int64_t at) {
      for (std::int64_t r = 0; r < loop.extents[last - 1]; ++r) {
        const float* in[3];
        for (std::size_t k = 0; k < 3; ++k) in[k] = floats(args, k) + offset[k] + r * loop.steps[k][last - 1];
        body(in[0], in[1], in[2], floats_out(args, 0) + at + r * row.length, row);
      }
    });
  };
  return kernel;
}

std::vector<OpCase> three_cases(double spread) {
  const std::vector<std::vector<Shape>> shapes = {{{2, 3, 5}, {2, 3, 5}, {2, 3, 5}},
                                                  {{2, 1, 5}, {3, 1}, {}},
                                                  {{2, 3, 4, 4}, {1, 3, 1, 1}, {2, 3, 4, 4}},
                                                  {{0, 3}, {3}, {1}}};
  std::vector<OpCase> cases;
  for (const auto& s : shapes) {
    OpCase c{.name = shape_str(s[0]), .in = {f32_spec(s[0]), f32_spec(s[1]), f32_spec(s[2])}};
    c.lo = -spread, c.hi = spread;
    cases.push_back(c);
  }
  return cases;
}

void add_three(Registry& registry, const char* name, RowLoop body, Op op) {
  op.name = name;
  op.infer = [name](Specs in, const Attrs&) {
    expect_count(name, in, 3, 3);
    expect_f32(name, in);
    return one(f32_spec(broadcast_shape(name, in)));
  };
  op.prepare = [body](const PrepareRequest& request) { return prepare_three(body, request); };
  op.cases = three_cases(1);
  registry.add(std::move(op));
}

std::vector<Value> where_vjp(const VjpArgs& v) {
  const Value mask = v.in[0], g = v.cotangents[0];
  const Value zero = mask.emitter->constant(Tensor::scalar(0.0f));
  std::vector<Value> grads(3);
  if (v.wanted[1]) grads[1] = reduce_to(call("where", {mask, g, zero}), shape_of(v.in[1]));
  if (v.wanted[2]) grads[2] = reduce_to(call("where", {mask, zero, g}), shape_of(v.in[2]));
  return grads;
}

// Where the bounds cross, hi wins, and takes the gradient.
std::vector<Value> clamp_vjp(const VjpArgs& v) {
  const Value x = v.in[0], lo = v.in[1], hi = v.in[2], g = v.cotangents[0];
  const Value above = call("greater", {call("maximum", {x, lo}), hi}), below = call("less", {x, lo});
  const Value kept = g * (-above + 1.0);
  std::vector<Value> grads(3);
  if (v.wanted[0]) grads[0] = reduce_to(kept * (-below + 1.0), shape_of(x));
  if (v.wanted[1]) grads[1] = reduce_to(kept * below, shape_of(lo));
  if (v.wanted[2]) grads[2] = reduce_to(g * above, shape_of(hi));
  return grads;
}

}  // namespace

void register_eltwise_ternary(Registry& registry) {
  Op where;
  where.onnx = "Where";
  where.doc = "mask, a, b -> a where mask is not 0, else b";
  where.vjp = where_vjp;
  add_three(registry, "where", row_loop<Where>, std::move(where));
  Op clamp;
  clamp.doc = "x, lo, hi -> x limited to [lo, hi], bounds that broadcast; hi wins where they cross";
  clamp.vjp = clamp_vjp;
  add_three(registry, "clamp_between", row_loop<ClampBetween>, std::move(clamp));
}

}  // namespace assay::engine
