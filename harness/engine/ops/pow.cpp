// pow with a constant or a tensor exponent, and safe_pow, whose gradient is finite everywhere.
#include <cmath>

#include "harness/engine/ops/bf16_loops.hpp"
#include "harness/engine/ops/pair.hpp"
#include "harness/engine/ops/unary.hpp"

namespace assay::engine {
namespace {

// By squaring, modulo 2^64; a negative exponent gives the reciprocal cut towards zero.
std::int64_t integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    return base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  }
  std::int64_t result = 1;
  for (; exponent > 0; exponent /= 2, base = wrap_mul(base, base)) {
    if (exponent % 2 == 1) result = wrap_mul(result, base);
  }
  return result;
}

ASSAY_SCALAR_REAL(Pow, std::pow(x, a), std::pow(x, a))
ASSAY_SCALAR_REAL(SafePow, x > 0.0f ? std::pow(x, a) : 0.0f, x > 0 ? std::pow(x, a) : 0.0)
ASSAY_PAIR(PairPow, std::pow(a, b))

// One row of the generic path: the base has the type of the result, the exponent any dtype.
template <class Base, class Exponent>
void power_row(const void* a, const void* b, void* out, const PairRow& row) {
  const Base* x = static_cast<const Base*>(a);
  const Exponent* y = static_cast<const Exponent*>(b);
  Base* z = static_cast<Base*>(out);
  for (std::int64_t i = 0; i < row.length; ++i) {
    const Base base = x[i * row.a_step];
    const Exponent exponent = y[i * row.b_step];
    if constexpr (std::is_integral_v<Base> && std::is_integral_v<Exponent>) {
      z[i] = static_cast<Base>(integer_power(widened(base), widened(exponent)));
    } else {
      z[i] = saturated<Base>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    }
  }
}

TypedRow power_row_for(DType base, DType exponent) {
  return with_number(base, [exponent](auto b) {
    return with_number(exponent,
                       [](auto e) -> TypedRow { return power_row<decltype(b), decltype(e)>; });
  });
}

Kernel prepare_power(const PairOp& reals, const PrepareRequest& request) {
  const DType base = request.in[0].spec.dtype, exponent = request.in[1].spec.dtype;
  if (stored_bf16(request) || (base == DType::f32 && exponent == DType::f32)) return prepare_pair(reals, request);
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  const BroadcastLoop loop = plan_dense_broadcast(request).loop;
  const std::size_t last = loop.extents.size() - 1;
  const PairRow row{loop.extents[last], loop.steps[0][last], loop.steps[1][last]};
  const std::array<std::size_t, 2> sizes = {dtype_size(base), dtype_size(exponent)};
  Kernel kernel = dense_kernel(request);
  kernel.run = [loop, row, sizes, body = power_row_for(base, exponent)](const KernelArgs& args) {
    for_each_typed_row(loop, sizes, sizes[0], args,
                       [&](const auto& in, std::byte* out) { body(in[0], in[1], out, row); });
  };
  return kernel;
}

// d/da a^b = b a^(b-1), 0 where b is 0; d/db a^b = a^b log a, 0 where a is 0 and b is not negative.
std::vector<Value> tensor_vjp(const VjpArgs& v) {
  const Value a = v.in[0], g = v.cotangents[0];
  const Value b = cast_like(v.in[1], a);
  const Value zero = scalar_like(a, 0.0), one = scalar_like(a, 1.0);
  std::vector<Value> grads(2);
  if (v.wanted[0]) {
    const Value constant = call("equal", {b, zero});
    const Value lowered = call("pow", {a, call("where", {constant, one, b + -1.0})});
    grads[0] = reduce_to(call("where", {constant, zero, g * b * lowered}), shape_of(a));
  }
  if (v.wanted[1]) {
    const Value flat = call("and", {call("equal", {a, zero}), call("greater_equal", {b, zero})});
    const Value log_a = call("log", {call("where", {flat, one, a})});
    grads[1] = reduce_to(g * v.out[0] * log_a, shape_of(v.in[1]));
    grads[1] = cast_like(grads[1], v.in[1]);
  }
  return grads;
}

std::vector<OpCase> power_cases() {
  std::vector<OpCase> cases = {
      {.name = "real exponent", .in = {make_spec({2, 3, 3, 7})}, .attrs = {{"exponent", 2.5}}, .lo = 0.5, .hi = 2},
      {.name = "cube", .in = {make_spec({2, 3, 3, 7})}, .attrs = {{"exponent", 3.0}}, .lo = -2, .hi = 2},
      {.name = "no elements", .in = {make_spec({0, 5})}, .attrs = {{"exponent", 3.0}}},
      {.name = "F64", .in = {make_spec({3, 7}, DType::f64)}, .attrs = {{"exponent", 2.5}}, .lo = 0.5, .hi = 2},
      {.name = "tensor", .in = {make_spec({2, 3, 5, 7}), make_spec({2, 3, 5, 7})}, .lo = 0.5, .hi = 2},
      {.name = "broadcast", .in = {make_spec({3, 1, 4}), make_spec({2, 1})}, .lo = 0.5, .hi = 2},
      {.name = "channels", .in = {make_spec({2, 3, 2, 2}), make_spec({1, 3, 1, 1})}, .lo = 0.5, .hi = 2},
      {.name = "F64 tensor", .in = {make_spec({3, 5}, DType::f64), make_spec({5}, DType::f64)}, .lo = 0.5, .hi = 2},
      {.name = "no elements of both", .in = {make_spec({0, 3}), make_spec({1})}}};
  for (const DType base : {DType::f32, DType::i64, DType::i32}) {
    for (const DType exponent : {DType::i64, DType::i32, DType::f32}) {
      if (base == exponent && base == DType::f32) continue;
      OpCase c{.name = std::string(dtype_name(base)) + " to the " + dtype_name(exponent),
               .in = {make_spec({3, 5}, base), make_spec({5}, exponent)}};
      c.lo = 0.5, c.hi = 2, c.integers_below = 6;
      cases.push_back(c);
    }
  }
  return cases;
}

Op power_op() {
  PairOp reals = pair_op<PairPow>("pow", "Pow", "", kReals);
  reals.keeps_zero = false;
  const UnaryOp constant{"pow", "", "", unary<Pow>(), {"exponent", 2}, {}, nullptr, {}};
  Op op;
  op.name = "pow";
  op.onnx = "Pow";
  op.doc = "a, b -> a^b in the dtype of a; x alone -> x^exponent, attribute exponent (2)";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("pow", in, 1, 2);
    for (std::size_t i = 0; i < in.size(); ++i) expect_in("pow", in, i, in.size() == 2 ? kNumbers : kReals);
    return one({in[0].dtype, broadcast_shape("pow", in)});
  };
  op.prepare = [reals, constant](const PrepareRequest& request) {
    return request.in.size() == 2 ? prepare_power(reals, request) : prepare_unary(constant, request);
  };
  op.vjp = [](const VjpArgs& v) {
    if (v.in.size() == 2) return tensor_vjp(v);
    const double e = v.attrs.real("exponent", 2);
    return std::vector<Value>{v.cotangents[0] * call("pow", {v.in[0]}, {{"exponent", e - 1}}) * e};
  };
  op.bf16 = bf16_when_alike;
  op.cases = power_cases();
  return op;
}

}  // namespace

void register_pow(Registry& registry) {
  registry.add(power_op());
  add_unary(registry, {"safe_pow",
                       "",
                       "x^exponent where x > 0, else 0, and so its gradient; attribute exponent (2)",
                       unary<SafePow>(),
                       {"exponent", 2},
                       {},
                       [](Value x, Value, Value g, const Attrs& at) {
                         const double e = at.real("exponent", 2);
                         return g * call("safe_pow", {x}, {{"exponent", e - 1}}) * e;
                       },
                       {{.keep_away = 0.3, .attrs = {{"exponent", 2.5}}}, {.lo = 0.5, .attrs = {{"exponent", 0.5}}}}});
}

}  // namespace assay::engine
