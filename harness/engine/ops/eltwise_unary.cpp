// Arithmetic and elementary functions of one tensor: one line of F and one table row an op.
#include <cmath>

#include "harness/engine/ops/unary.hpp"
#include "harness/engine/ops/vector_math.hpp"

namespace assay::engine {
namespace {

constexpr double kInf = INFINITY;
constexpr float kInfinity = INFINITY;

double sign_of(double x) { return (x > 0 ? 1.0 : 0.0) - (x < 0 ? 1.0 : 0.0); }
std::int64_t sign_of(std::int64_t x) { return (x > 0 ? 1 : 0) - (x < 0 ? 1 : 0); }

// Bounds of integers are compared as reals, which holds them exactly up to 2^53.
template <class W>
W limited(W x, double low, double high) {
  if (static_cast<double>(x) < low) return saturated<W>(low);
  return static_cast<double>(x) > high ? saturated<W>(high) : x;
}

ASSAY_SCALAR_ANY(Neg, -x, wrap_sub(W{0}, x))
ASSAY_SCALAR_REAL(Affine, (x * a + b), (x * a + b))
ASSAY_SCALAR_REAL(Exp, vm::exp(x), std::exp(x))
ASSAY_SCALAR_REAL(Expm1, vm::expm1(x), std::expm1(x))
ASSAY_SCALAR_REAL(Log, vm::log(x), std::log(x))
ASSAY_SCALAR_REAL(Log1p, std::log1p(x), std::log1p(x))
ASSAY_SCALAR_REAL(Sqrt, __builtin_sqrtf(x), std::sqrt(x))
ASSAY_SCALAR_REAL(Rsqrt, 1.0f / __builtin_sqrtf(x), 1.0 / std::sqrt(x))
ASSAY_SCALAR_ANY(Abs, vm::absolute(x), x < 0 ? wrap_sub(W{0}, x) : x)
ASSAY_SCALAR_ANY(Sign, (x > 0.0f ? 1.0f : 0.0f) - (x < 0.0f ? 1.0f : 0.0f), sign_of(x))
ASSAY_SCALAR_ANY(Step, x > 0.0f ? 1.0f : 0.0f, static_cast<W>(x > 0 ? 1 : 0))
ASSAY_SCALAR_ANY(Square, (x * x), wrap_mul(x, x))
ASSAY_SCALAR_REAL(Reciprocal, 1.0f / x, 1.0 / x)
ASSAY_SCALAR_REAL(SafeReciprocal, x == 0.0f ? 0.0f : 1.0f / x, x == 0.0 ? 0.0 : 1.0 / x)
ASSAY_SCALAR_REAL(Erf, vm::erf(x), std::erf(x))
ASSAY_SCALAR_REAL(Sin, std::sin(x), std::sin(x))
ASSAY_SCALAR_REAL(Cos, std::cos(x), std::cos(x))
ASSAY_SCALAR_REAL(Floor, __builtin_floorf(x), std::floor(x))
ASSAY_SCALAR_REAL(Ceil, __builtin_ceilf(x), std::ceil(x))
ASSAY_SCALAR_REAL(Round, std::nearbyint(x), std::nearbyint(x))
ASSAY_SCALAR_REAL(Trunc, __builtin_truncf(x), std::trunc(x))
ASSAY_SCALAR_ANY(Clamp, x < a ? a : (x > b ? b : x), limited(x, a, b))
ASSAY_SCALAR_ANY(InRange, (x >= a ? 1.0f : 0.0f) * (x <= b ? 1.0f : 0.0f),
                 static_cast<W>(static_cast<double>(x) >= a && static_cast<double>(x) <= b ? 1 : 0))
ASSAY_SCALAR_REAL(IsNan, x != x ? 1.0f : 0.0f, x != x ? 1.0 : 0.0)
// a and b: whether -inf and inf count.
ASSAY_SCALAR_REAL(IsInf, (x == -kInfinity ? a : 0.0f) + (x == kInfinity ? b : 0.0f),
                  (x == -kInf ? a : 0.0) + (x == kInf ? b : 0.0))

constexpr double kTwoOverRootPi = 1.1283791670955126;

Value no_gradient(Value, Value, Value, const Attrs&) { return {}; }

void add_arithmetic(Registry& r) {
  add_unary(
      r, {"neg", "Neg", "-x", unary<Neg>(), {}, {}, [](Value, Value, Value g, const Attrs&) { return -g; }, {{}}});
  add_unary(r, {"affine",
                "",
                "x * scale + shift; attributes scale (1), shift (0)",
                unary<Affine>(),
                {"scale", 1},
                {"shift", 0},
                [](Value, Value, Value g, const Attrs& at) { return g * at.real("scale", 1); },
                {{.attrs = {{"scale", 3.0}, {"shift", -0.5}}}, {.attrs = {{"scale", -2.0}}}}});
  add_unary(r, {"abs",
                "Abs",
                "|x|",
                unary<Abs>(),
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("sign", {x}); },
                {{.keep_away = 0.05}}});
  add_unary(r, {"sign", "Sign", "-1, 0 or 1", unary<Sign>(), {}, {}, no_gradient, {{.keep_away = 0.05}}});
  add_unary(r, {"step", "", "1 where x > 0, else 0", unary<Step>(), {}, {}, no_gradient, {{.keep_away = 0.05}}});
  add_unary(r, {"square",
                "",
                "x^2",
                unary<Square>(),
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * x * 2.0; },
                {{}}});
  add_unary(r, {"reciprocal",
                "Reciprocal",
                "1 / x",
                unary<Reciprocal>(),
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return -(g * y * y); },
                {{.lo = 0.5, .hi = 2}}});
  add_unary(r, {"safe_reciprocal",
                "",
                "1 / x, and 0 where x is 0",
                unary<SafeReciprocal>(),
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return -(g * y * y); },
                {{.lo = 0.5, .hi = 2}}});
  add_unary(r, {"floor",
                "Floor",
                "largest integer not above x",
                unary<Floor>(),
                {},
                {},
                no_gradient,
                {{.lo = 0.1, .hi = 0.9}}});
  add_unary(r, {"ceil",
                "Ceil",
                "smallest integer not below x",
                unary<Ceil>(),
                {},
                {},
                no_gradient,
                {{.lo = 0.1, .hi = 0.9}}});
  add_unary(r, {"trunc",
                "",
                "the integer part of x",
                unary<Trunc>(),
                {},
                {},
                no_gradient,
                {{.lo = 0.1, .hi = 0.9}, {.lo = -1.9, .hi = -1.1}}});
  add_unary(r, {"round",
                "Round",
                "nearest integer, halves to even",
                unary<Round>(),
                {},
                {},
                no_gradient,
                {{.lo = 0.6, .hi = 1.4}}});
}

Value in_range_like(Value x, const Attrs& at) {
  return call("in_range", {x}, {{"min", at.real("min", -kInf)}, {"max", at.real("max", kInf)}});
}

void add_elementary(Registry& r) {
  add_unary(r, {"exp",
                "Exp",
                "e^x",
                unary<Exp>(),
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g * y; },
                {{}}});
  add_unary(r, {"log",
                "Log",
                "natural logarithm",
                unary<Log>(),
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g / x; },
                {{.lo = 0.5, .hi = 3}}});
  add_unary(r, {"expm1",
                "",
                "e^x - 1, accurate near 0",
                unary<Expm1>(),
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g * (y + 1.0); },
                {{}, {.lo = -1e-3, .hi = 1e-3}}});
  add_unary(r, {"log1p",
                "",
                "log(1 + x), accurate near 0",
                unary<Log1p>(),
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g / (x + 1.0); },
                {{.lo = -0.5, .hi = 3}}});
  add_unary(r, {"sqrt",
                "Sqrt",
                "square root",
                unary<Sqrt>(),
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g / y * 0.5; },
                {{.lo = 0.5, .hi = 3}}});
  add_unary(r, {"rsqrt",
                "",
                "1 / sqrt(x)",
                unary<Rsqrt>(),
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g * y * y * y * -0.5; },
                {{.lo = 0.5, .hi = 3}}});
  add_unary(r, {"erf",
                "Erf",
                "error function",
                unary<Erf>(),
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("exp", {-(x * x)}) * kTwoOverRootPi; },
                {{}}});
  add_unary(r, {"sin",
                "Sin",
                "sine",
                unary<Sin>(),
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("cos", {x}); },
                {{}}});
  add_unary(r, {"cos",
                "Cos",
                "cosine",
                unary<Cos>(),
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return -(g * call("sin", {x})); },
                {{}}});
}

void add_limits(Registry& r) {
  add_unary(r, {"clamp",
                "Clip",
                "x limited to [min, max]; attributes min (-inf), max (inf)",
                unary<Clamp>(),
                {"min", -kInf},
                {"max", kInf},
                [](Value x, Value, Value g, const Attrs& at) { return g * in_range_like(x, at); },
                {{.lo = -0.45, .hi = 2, .attrs = {{"min", -0.5}, {"max", 2.5}}},
                 {.keep_away = 0.05, .attrs = {{"min", 0.0}}}}});
  add_unary(r, {"in_range",
                "",
                "1 where min <= x <= max, else 0; attributes min (-inf), max (inf)",
                unary<InRange>(),
                {"min", -kInf},
                {"max", kInf},
                no_gradient,
                {{.keep_away = 0.05, .attrs = {{"min", 0.0}, {"max", 3.0}}}}});
  add_unary(r, {"isnan", "IsNaN", "f32 mask: 1 where x is NaN", unary<IsNan, true>(), {}, {}, no_gradient, {{}}});
  add_unary(r, {"isinf",
                "IsInf",
                "f32 mask: 1 where x is infinite; attributes detect_negative (1), detect_positive (1)",
                unary<IsInf, true>(),
                {"detect_negative", 1},
                {"detect_positive", 1},
                no_gradient,
                {{}}});
}

}  // namespace

void register_eltwise_unary(Registry& registry) {
  add_arithmetic(registry);
  add_elementary(registry);
  add_limits(registry);
}

}  // namespace assay::engine
