// mod (the remainder with the sign of the divisor, or of the dividend) and bit_shift.
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/engine/ops/pair.hpp"

namespace assay::engine {
namespace {

// The sign of the dividend (C's fmod).
double truncated_mod(double a, double b) { return std::fmod(a, b); }
std::int64_t truncated_mod(std::int64_t a, std::int64_t b) {
  if (b == 0) throw Error(Fault::bad_input, "mod: an integer was divided by zero");
  return b == -1 ? 0 : a % b;
}
// The sign of the divisor (Python's %).
template <class W>
W floored_mod(W a, W b) {
  const W r = truncated_mod(a, b);
  return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
}
float floored_mod_f32(float a, float b) {
  const float r = std::fmod(a, b);
  return r != 0.0f && ((r < 0.0f) != (b < 0.0f)) ? r + b : r;
}

ASSAY_PAIR_ANY(TruncatedMod, std::fmod(a, b), truncated_mod(a, b))
ASSAY_PAIR_ANY(FlooredMod, floored_mod_f32(a, b), floored_mod(a, b))

// a - b * floor(a / b), or with the quotient cut towards zero: the quotient is constant almost everywhere.
std::vector<Value> mod_vjp(const VjpArgs& v) {
  const Value g = v.cotangents[0];
  std::vector<Value> grads(2);
  if (v.wanted[0]) grads[0] = reduce_to(g, shape_of(v.in[0]));
  if (v.wanted[1]) {
    const char* whole = v.attrs.integer("fmod", 0) != 0 ? "trunc" : "floor";
    grads[1] = reduce_to(-(g * call(whole, {v.in[0] / v.in[1]})), shape_of(v.in[1]));
  }
  return grads;
}

void add_mod(Registry& registry) {
  PairOp floored = pair_op<FlooredMod>("mod", "Mod", ""), truncated = pair_op<TruncatedMod>("mod", "Mod", "");
  floored.keeps_zero = truncated.keeps_zero = false;  // the remainder by 0 is NaN
  floored.divides = true;
  Op op;
  op.name = "mod";
  op.onnx = "Mod";
  op.doc = "a, b -> remainder of a / b with the sign of b; attribute fmod (0; 1: with the sign of a)";
  op.infer = [floored](Specs in, const Attrs&) { return infer_pair(floored, in); };
  op.prepare = [floored, truncated](const PrepareRequest& request) {
    return prepare_pair(request.attrs.integer("fmod", 0) != 0 ? truncated : floored, request);
  };
  op.vjp = mod_vjp;
  for (OpCase c : pair_cases(floored)) {
    if (is_real(c.in[0].dtype)) c.lo = -2, c.hi = 2, c.keep_away = 0.3;
    c.differentiable = {false, false};  // the quotient jumps where operands drawn alike come close
    op.cases.push_back(c);
    c.name += " fmod";
    c.attrs = {{"fmod", std::int64_t{1}}};
    op.cases.push_back(std::move(c));
  }
  // The quotient is 0 or 1, and jumps only where the operands meet.
  op.cases.push_back({.name = "gradient", .in = {make_spec({3, 5}), make_spec({1})}, .lo = 2.1, .hi = 2.9});
  registry.add(std::move(op));
}

constexpr std::int64_t kBits = 64;

struct ShiftLeft {
  template <class W>
  static W wide_f(W a, W b) {
    return b < 0 || b >= kBits ? W{0} : static_cast<W>(static_cast<std::uint64_t>(a) << b);
  }
};
struct ShiftRight {
  template <class W>
  static W wide_f(W a, W b) {
    return b < 0 || b >= kBits ? W{0} : static_cast<W>(a >> b);
  }
};

template <class F>
TypedRow shift_row(DType dtype) {
  return with_number(dtype, [](auto type) -> TypedRow {
    using T = decltype(type);
    if constexpr (std::is_integral_v<T>) return typed_row<F, T, T>;
    return nullptr;
  });
}

void add_shift(Registry& registry) {
  const PairOp left{"bit_shift", "BitShift", "", {}, true, kIntegers, shift_row<ShiftLeft>, false, 9};
  PairOp right = left;
  right.typed = shift_row<ShiftRight>;
  Op op;
  op.name = "bit_shift";
  op.onnx = "BitShift";
  op.doc = "integers a, b -> a shifted by b bits, 0 when they are 64 or more; attribute direction (LEFT or RIGHT)";
  op.infer = [left](Specs in, const Attrs& attrs) {
    const std::string direction = attrs.text("direction", "LEFT");
    if (direction != "LEFT" && direction != "RIGHT") op_error("bit_shift", in, "direction must be LEFT or RIGHT");
    return infer_pair(left, in);
  };
  op.prepare = [left, right](const PrepareRequest& request) {
    return prepare_pair(request.attrs.text("direction", "LEFT") == "LEFT" ? left : right, request);
  };
  op.cases = pair_cases(left);
  for (OpCase c : pair_cases(left)) {
    c.name += " right";
    c.attrs = {{"direction", std::string("RIGHT")}};
    op.cases.push_back(std::move(c));
  }
  registry.add(std::move(op));
}

}  // namespace

void register_modulo(Registry& registry) {
  add_mod(registry);
  add_shift(registry);
}

}  // namespace assay::engine
