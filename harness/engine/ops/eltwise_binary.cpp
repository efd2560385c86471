// Binary elementwise ops with NumPy broadcasting, comparisons as 0/1 masks and relu_grad.
#include <bit>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/engine/ops/pair.hpp"

namespace assay::engine {
namespace {

double quotient(double a, double b) { return a / b; }
// Cut towards zero. The one quotient that leaves 64 bits wraps.
std::int64_t quotient(std::int64_t a, std::int64_t b) {
  if (b == 0) throw Error(Fault::bad_input, "div: an integer was divided by zero");
  return b == -1 ? wrap_sub(std::int64_t{0}, a) : a / b;
}

ASSAY_PAIR_ANY(Add, a + b, wrap_add(a, b))
ASSAY_PAIR_ANY(Sub, a - b, wrap_sub(a, b))
ASSAY_PAIR_ANY(Mul, (a * b), wrap_mul(a, b))
ASSAY_PAIR_ANY(Div, a / b, quotient(a, b))
// Without short cuts, so that loops stay free of branches. NaN wins.
ASSAY_PAIR_ANY(Maximum, ((a > b) | (a != a)) ? a : b, larger_of(a, b))
ASSAY_PAIR_ANY(Minimum, ((a < b) | (a != a)) ? a : b, smaller_of(a, b))
ASSAY_PAIR_ANY(Greater, a > b ? 1.0f : 0.0f, static_cast<W>(a > b ? 1 : 0))
ASSAY_PAIR_ANY(GreaterEqual, a >= b ? 1.0f : 0.0f, static_cast<W>(a >= b ? 1 : 0))
ASSAY_PAIR_ANY(Less, a < b ? 1.0f : 0.0f, static_cast<W>(a < b ? 1 : 0))
ASSAY_PAIR_ANY(LessEqual, a <= b ? 1.0f : 0.0f, static_cast<W>(a <= b ? 1 : 0))
ASSAY_PAIR_ANY(Equal, a == b ? 1.0f : 0.0f, static_cast<W>(a == b ? 1 : 0))
ASSAY_PAIR_ANY(NotEqual, a != b ? 1.0f : 0.0f, static_cast<W>(a != b ? 1 : 0))
// Bits and a mask: a choice between b and 0 would become a conditional load.
ASSAY_PAIR_ANY(ReluGrad, std::bit_cast<float>(std::bit_cast<std::uint32_t>(b) & (a > 0.0f ? ~0u : 0u)),
               a > 0 ? b : W{0})
ASSAY_PAIR_ANY(Prelu, a > 0.0f ? a : (a * b), a > 0 ? a : wrap_mul(a, b))
ASSAY_PAIR_ANY(Relu6Grad,
               std::bit_cast<float>(std::bit_cast<std::uint32_t>(b) & (((a > 0.0f) & (a < 6.0f)) ? ~0u : 0u)),
               a > 0 && a < 6 ? b : W{0})
struct ExpandLike {
  static ASSAY_INLINE float f([[maybe_unused]] float a, float b) { return b; }
  template <class W>
  static W wide_f(W, W b) {
    return b;
  }
};

// Ties give each operand half, so that the two always add up to g.
Partial larger_gets(const char* wins, std::size_t self) {
  return [wins, self](const VjpArgs& v, Value g) {
    const Value mine = v.in[self], other = v.in[1 - self];
    return g * cast_like(call(wins, {mine, other}) + call("equal", {mine, other}) * 0.5, g);
  };
}

void add_arithmetic(Registry& r) {
  const Partial same = [](const VjpArgs&, Value g) { return g; };
  PairOp add = pair_op<Add>("add", "Add", "a + b");
  add.stored = add_stored;
  add_pair(r, add, pair_vjp(same, same));
  add_pair(r, pair_op<Sub>("sub", "Sub", "a - b"), pair_vjp(same, [](const VjpArgs&, Value g) { return -g; }));
  add_pair(r, pair_op<Mul>("mul", "Mul", "a * b"),
           pair_vjp([](const VjpArgs& v, Value g) { return g * v.in[1]; },
                    [](const VjpArgs& v, Value g) { return g * v.in[0]; }));
  PairOp div = pair_op<Div>("div", "Div", "a / b; integers are cut towards zero, by zero is an error");
  div.divides = true;
  add_pair(r, div,
           pair_vjp([](const VjpArgs& v, Value g) { return g / v.in[1]; },
                    [](const VjpArgs& v, Value g) { return -(g * v.out[0] / v.in[1]); }));
  add_pair(r, pair_op<Maximum>("maximum", "Max", "the larger of a and b"),
           pair_vjp(larger_gets("greater", 0), larger_gets("greater", 1)));
  add_pair(r, pair_op<Minimum>("minimum", "Min", "the smaller of a and b"),
           pair_vjp(larger_gets("less", 0), larger_gets("less", 1)));
}

// PRelu of ONNX: the slope broadcasts to x, not the other way round.
void add_prelu(Registry& r) {
  const PairOp pair = pair_op<Prelu>("prelu", "PRelu", "x, slope that broadcasts to x -> x, or slope * x below 0");
  Op op;
  op.name = pair.name;
  op.onnx = pair.onnx;
  op.doc = pair.doc;
  op.infer = [pair](Specs in, const Attrs&) {
    std::vector<Spec> out = infer_pair(pair, in);
    if (out[0].shape != in[0].shape) op_error(pair.name, in, "the slope must broadcast to x");
    return out;
  };
  op.prepare = [pair](const PrepareRequest& request) { return prepare_pair(pair, request); };
  op.vjp = pair_vjp(
      [](const VjpArgs& v, Value g) {
        const Value positive = call("step", {v.in[0]});
        return g * (positive + (-positive + 1.0) * v.in[1]);
      },
      [](const VjpArgs& v, Value g) { return g * (v.in[0] * (-call("step", {v.in[0]}) + 1.0)); });
  for (OpCase c : pair_cases(pair)) {
    if (broadcast_shape(pair.name, c.in) != c.in[0].shape) continue;
    c.keep_away = 0.05;
    op.cases.push_back(std::move(c));
  }
  r.add(std::move(op));
}

VjpFn masked_vjp(const char* self) {
  return [self](const VjpArgs& v) {
    std::vector<Value> grads(2);
    if (v.wanted[1]) grads[1] = reduce_to(call(self, {v.in[0], v.cotangents[0]}), shape_of(v.in[1]));
    return grads;
  };
}

void add_comparisons(Registry& r) {
  const auto comparison = [&r](PairOp op) { add_pair(r, op, no_pair_vjp); };
  comparison(pair_op<Greater, true>("greater", "Greater", "f32 mask: 1 where a > b, else 0"));
  comparison(pair_op<GreaterEqual, true>("greater_equal", "GreaterOrEqual", "f32 mask: 1 where a >= b, else 0"));
  comparison(pair_op<Less, true>("less", "Less", "f32 mask: 1 where a < b, else 0"));
  comparison(pair_op<LessEqual, true>("less_equal", "LessOrEqual", "f32 mask: 1 where a <= b, else 0"));
  comparison(pair_op<Equal, true>("equal", "Equal", "f32 mask: 1 where a == b, else 0", kNumbersAndBool));
  comparison(pair_op<NotEqual, true>("not_equal", "", "f32 mask: 1 where a != b, else 0", kNumbersAndBool));
}

void add_relu_grad(Registry& r) {
  PairOp relu = pair_op<ReluGrad>("relu_grad", "", "b where a > 0, else 0: the gradient of relu from its output a");
  relu.stored = relu_grad_stored;
  add_pair(r, relu, masked_vjp("relu_grad"));
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
  add_prelu(registry);
  add_comparisons(registry);
  add_relu_grad(registry);
  add_expand_like(registry);
}

}  // namespace assay::engine
