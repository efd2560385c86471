// Elementwise operators of several operands: arithmetic, comparisons, logic, selection.
#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

// Before opset 7 the second operand was aligned by attribute axis, and only where attribute broadcast says so.
Operand aligned(Call& call, const Operand& a, Operand b) {
  if (call.opset >= 7 || !call.given("axis") || call.integer("broadcast", 0) == 0) return b;
  const std::int64_t at = call.axis(call.integer("axis", 0), a.rank());
  const std::int64_t behind = a.rank() - at - b.rank();
  if (behind < 0) call.bad("attribute axis leaves no room for the second operand");
  Shape shape = b.shape();
  shape.resize(shape.size() + static_cast<std::size_t>(behind), 1);
  return call.reshape(b, shape);
}

Operand pair(Call& call, const char* op) {
  const Operand &a = call.in(0), &b = call.in(1);
  if (a.spec.dtype != b.spec.dtype) call.bad("its operands are of different types");
  return call.emit(op, {a, aligned(call, a, b)});
}

#define ASSAY_PAIR(name, op) \
  Operands name(Call& call) { return {pair(call, op)}; }
#define ASSAY_TEST(name, op) \
  Operands name(Call& call) { return {Call::logical(pair(call, op))}; }
ASSAY_PAIR(add, "add")
ASSAY_PAIR(sub, "sub")
ASSAY_PAIR(mul, "mul")
ASSAY_PAIR(divide, "div")
ASSAY_TEST(equal, "equal")
ASSAY_TEST(less, "less")
ASSAY_TEST(less_equal, "less_equal")
ASSAY_TEST(greater, "greater")
ASSAY_TEST(greater_equal, "greater_equal")
ASSAY_TEST(logical_and, "and")
ASSAY_TEST(logical_or, "or")
ASSAY_TEST(logical_xor, "xor")
#undef ASSAY_PAIR
#undef ASSAY_TEST

Operands logical_not(Call& call) { return {Call::logical(call.emit("not", {call.in(0)}))}; }

// x^y, y of any numeric type; a known single exponent is an attribute.
Operands power(Call& call) {
  const Operand& x = call.in(0);
  const Operand given = aligned(call, x, call.in(1));
  const auto real = [](const Operand& v) { return v.spec.dtype == DType::f32 || v.spec.dtype == DType::f64; };
  if (!real(x) && real(given)) {  // the power is taken in reals and comes back in x's type
    return {call.cast(call.emit("pow", {call.cast(x, given.spec.dtype), given}), x.spec.dtype)};
  }
  const Operand y = call.cast(given, x.spec.dtype);
  if (y.known() && y.spec.count() == 1 && x.spec.dtype == DType::f32 && y.rank() <= x.rank()) {
    const double exponent = static_cast<double>(y.constant.to_f32()[0]);
    if (exponent == 2) return {call.emit("square", {x})};
    if (exponent == 0.5) return {call.emit("sqrt", {x})};
    return {call.emit("pow", {x}, {{"exponent", exponent}})};
  }
  return {call.emit("pow", {x, y})};
}

// fmod 0: the result has the divisor's sign; 1: the dividend's, as in C.
Operands mod(Call& call) { return {call.emit("mod", {call.in(0), call.in(1)}, {{"fmod", call.integer("fmod", 0)}})}; }

Operand variadic(Call& call, const char* op) {
  Operand sum = call.in(0);
  for (std::size_t i = 1; i < call.count(); ++i) sum = call.emit(op, {sum, call.in(i)});
  return sum;
}

Operands variadic_maximum(Call& call) { return {variadic(call, "maximum")}; }
Operands variadic_minimum(Call& call) { return {variadic(call, "minimum")}; }
Operands variadic_sum(Call& call) { return {variadic(call, "add")}; }
Operands variadic_mean(Call& call) {
  return {call.emit("affine", {variadic(call, "add")}, {{"scale", 1.0 / static_cast<double>(call.count())}})};
}

Operands where(Call& call) {
  return {Call::like(call.in(1), call.emit("where", {call.in(0), call.in(1), call.in(2)}))};
}

Operands bit_shift(Call& call) {
  return {call.emit("bit_shift", {call.in(0), call.in(1)}, {{"direction", call.text("direction", "LEFT")}})};
}

}  // namespace

Rows arithmetic_rows() {
  return {{"Add", add},
          {"And", logical_and},
          {"BitShift", bit_shift},
          {"Div", divide},
          {"Equal", equal},
          {"Greater", greater},
          {"GreaterOrEqual", greater_equal},
          {"Less", less},
          {"LessOrEqual", less_equal},
          {"Max", variadic_maximum},
          {"Mean", variadic_mean},
          {"Min", variadic_minimum},
          {"Mod", mod},
          {"Mul", mul},
          {"Not", logical_not},
          {"Or", logical_or},
          {"Pow", power},
          {"Sub", sub},
          {"Sum", variadic_sum},
          {"Where", where},
          {"Xor", logical_xor}};
}

}  // namespace assay::onnx
