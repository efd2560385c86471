// Binary elementwise ops with NumPy broadcasting, comparisons as 0/1 masks and relu_grad.
#include <bit>
#include <functional>

#include "harness/engine/ops/bf16_loops.hpp"
#include "harness/engine/ops/broadcast.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

#define ASSAY_PAIR(Name, expression)                                     \
  struct Name {                                                          \
    static ASSAY_INLINE float f(float a, float b) { return expression; } \
  };
ASSAY_PAIR(Add, a + b)
ASSAY_PAIR(Sub, a - b)
ASSAY_PAIR(Mul, (a * b))
ASSAY_PAIR(Div, a / b)
ASSAY_PAIR(Maximum, a > b ? a : b)
ASSAY_PAIR(Minimum, a < b ? a : b)
ASSAY_PAIR(Greater, a > b ? 1.0f : 0.0f)
ASSAY_PAIR(GreaterEqual, a >= b ? 1.0f : 0.0f)
ASSAY_PAIR(Less, a < b ? 1.0f : 0.0f)
ASSAY_PAIR(LessEqual, a <= b ? 1.0f : 0.0f)
ASSAY_PAIR(Equal, a == b ? 1.0f : 0.0f)
// Bits and a mask: a choice between b and 0 would become a conditional load.
ASSAY_PAIR(ReluGrad, std::bit_cast<float>(std::bit_cast<std::uint32_t>(b) & (a > 0.0f ? ~0u : 0u)))
ASSAY_PAIR(Relu6Grad, std::bit_cast<float>(std::bit_cast<std::uint32_t>(b) & (((a > 0.0f) & (a < 6.0f)) ? ~0u : 0u)))
struct ExpandLike {
  static ASSAY_INLINE float f([[maybe_unused]] float a, float b) { return b; }
};

// Rows of a plane: operand steps along a row are 0 or 1, fixed at compile time; steps between rows are free.
struct Rows {
  std::int64_t count, length, a_step, b_step;
};

template <class F, int kA, int kB>
ASSAY_WIDE void rows_loop(const float* a, const float* b, float* out, const Rows& rows) {
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const float* x = a + r * rows.a_step;
    const float* y = b + r * rows.b_step;
    float* z = out + r * rows.length;
    ASSAY_INDEPENDENT
    for (std::int64_t i = 0; i < rows.length; ++i) z[i] = F::f(x[i * kA], y[i * kB]);
  }
}

using RowsLoop = void (*)(const float*, const float*, float*, const Rows&);
struct PairOp {
  const char* name;
  const char* onnx;
  const char* doc;
  RowsLoop loops[2][2];  // by the steps of a and b along a row
  bool keeps_zero;       // f(0, 0) == 0
};

template <class F>
PairOp pair_op(const char* name, const char* onnx, const char* doc) {
  return {name,
          onnx,
          doc,
          {{rows_loop<F, 0, 0>, rows_loop<F, 0, 1>}, {rows_loop<F, 1, 0>, rows_loop<F, 1, 1>}},
          F::f(0.0f, 0.0f) == 0.0f};
}

Kernel prepare_pair(const PairOp& op, const PrepareRequest& request) {
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  if (stored_bf16(request)) {
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

std::vector<OpCase> pair_cases(bool divides) {
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{2, 3, 5, 7}, {2, 3, 5, 7}}, {{2, 3, 5, 7}, {1, 3, 1, 1}}, {{2, 3, 5}, {}},  {{1}, {4, 3}},
      {{3, 1, 4}, {2, 1}},          {{2, 3, 2, 2}, {2, 1, 1, 1}}, {{0, 3}, {1, 3}}, {{3, 5}, {3, 1}}};
  std::vector<OpCase> cases;
  for (const auto& [a, b] : shapes) {
    OpCase c{.name = shape_str(a) + " with " + shape_str(b), .in = {f32_spec(a), f32_spec(b)}, .attrs = {}};
    if (divides) c.lo = 0.5, c.hi = 2;
    cases.push_back(c);
  }
  return cases;
}

void add_pair(Registry& registry, const PairOp& pair, VjpFn vjp) {
  Op op;
  op.name = pair.name;
  op.onnx = pair.onnx;
  op.doc = pair.doc;
  op.infer = [name = op.name](Specs in, const Attrs&) {
    expect_count(name, in, 2, 2);
    expect_f32(name, in);
    return one(f32_spec(broadcast_shape(name, in)));
  };
  op.prepare = [pair](const PrepareRequest& request) { return prepare_pair(pair, request); };
  op.vjp = std::move(vjp);
  op.bf16 = bf16_when_alike;
  op.cases = pair_cases(op.name == "div");
  registry.add(std::move(op));
}

using Partial = std::function<Value(const VjpArgs& v, Value g)>;  // dL/d(one operand), before it is reduced

VjpFn pair_vjp(const Partial& first, const Partial& second) {
  return [first, second](const VjpArgs& v) {
    std::vector<Value> grads(2);
    const Value g = v.cotangents[0];
    if (v.wanted[0]) grads[0] = reduce_to(first(v, g), shape_of(v.in[0]));
    if (v.wanted[1]) grads[1] = reduce_to(second(v, g), shape_of(v.in[1]));
    return grads;
  };
}

std::vector<Value> no_vjp(const VjpArgs&) { return {Value{}, Value{}}; }

// Ties give each operand half, so that the two always add up to g.
Partial larger_gets(const char* wins, std::size_t self) {
  return [wins, self](const VjpArgs& v, Value g) {
    const Value mine = v.in[self], other = v.in[1 - self];
    return g * (call(wins, {mine, other}) + call("equal", {mine, other}) * 0.5);
  };
}

void add_arithmetic(Registry& r) {
  const Partial same = [](const VjpArgs&, Value g) { return g; };
  add_pair(r, pair_op<Add>("add", "Add", "a + b"), pair_vjp(same, same));
  add_pair(r, pair_op<Sub>("sub", "Sub", "a - b"), pair_vjp(same, [](const VjpArgs&, Value g) { return -g; }));
  add_pair(r, pair_op<Mul>("mul", "Mul", "a * b"),
           pair_vjp([](const VjpArgs& v, Value g) { return g * v.in[1]; },
                    [](const VjpArgs& v, Value g) { return g * v.in[0]; }));
  add_pair(r, pair_op<Div>("div", "Div", "a / b"),
           pair_vjp([](const VjpArgs& v, Value g) { return g / v.in[1]; },
                    [](const VjpArgs& v, Value g) { return -(g * v.out[0] / v.in[1]); }));
  add_pair(r, pair_op<Maximum>("maximum", "Max", "the larger of a and b"),
           pair_vjp(larger_gets("greater", 0), larger_gets("greater", 1)));
  add_pair(r, pair_op<Minimum>("minimum", "Min", "the smaller of a and b"),
           pair_vjp(larger_gets("less", 0), larger_gets("less", 1)));
}

VjpFn masked_vjp(const char* self) {
  return [self](const VjpArgs& v) {
    std::vector<Value> grads(2);
    if (v.wanted[1]) grads[1] = reduce_to(call(self, {v.in[0], v.cotangents[0]}), shape_of(v.in[1]));
    return grads;
  };
}

void add_comparisons(Registry& r) {
  add_pair(r, pair_op<Greater>("greater", "Greater", "1 where a > b, else 0"), no_vjp);
  add_pair(r, pair_op<GreaterEqual>("greater_equal", "GreaterOrEqual", "1 where a >= b, else 0"), no_vjp);
  add_pair(r, pair_op<Less>("less", "Less", "1 where a < b, else 0"), no_vjp);
  add_pair(r, pair_op<LessEqual>("less_equal", "LessOrEqual", "1 where a <= b, else 0"), no_vjp);
  add_pair(r, pair_op<Equal>("equal", "Equal", "1 where a == b, else 0"), no_vjp);
  add_pair(r, pair_op<ReluGrad>("relu_grad", "", "b where a > 0, else 0: the gradient of relu from its output a"),
           masked_vjp("relu_grad"));
  add_pair(r, pair_op<Relu6Grad>("relu6_grad", "", "b where 0 < a < 6, else 0: the gradient of clamp(0, 6) from its output a"),
           masked_vjp("relu6_grad"));
}

void add_expand_like(Registry& r) {
  add_pair(r, pair_op<ExpandLike>("expand_like", "", "b with the shape and the layout of a, which is not read"),
           [](const VjpArgs& v) {
             std::vector<Value> grads(2);
             if (v.wanted[1]) grads[1] = reduce_to(v.cotangents[0], shape_of(v.in[1]));
             return grads;
           });
}

}  // namespace

void register_eltwise_binary(Registry& registry) {
  add_arithmetic(registry);
  add_comparisons(registry);
  add_expand_like(registry);
}

}  // namespace assay::engine
