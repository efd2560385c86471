// Arithmetic and elementary functions of one tensor: one line of F and one table row an op.
#include <cmath>

#include "harness/engine/ops/unary.hpp"
#include "harness/engine/ops/vector_math.hpp"

namespace assay::engine {
namespace {

#define ASSAY_SCALAR(Name, expression)                                                                              \
  struct Name {                                                                                                     \
    static ASSAY_INLINE float f(float x, [[maybe_unused]] float a, [[maybe_unused]] float b) { return expression; } \
  };
ASSAY_SCALAR(Neg, -x)
ASSAY_SCALAR(Affine, (x * a + b))
ASSAY_SCALAR(Exp, vm::exp(x))
ASSAY_SCALAR(Log, vm::log(x))
ASSAY_SCALAR(Sqrt, __builtin_sqrtf(x))
ASSAY_SCALAR(Rsqrt, 1.0f / __builtin_sqrtf(x))
ASSAY_SCALAR(Abs, vm::absolute(x))
ASSAY_SCALAR(Sign, (x > 0.0f ? 1.0f : 0.0f) - (x < 0.0f ? 1.0f : 0.0f))
ASSAY_SCALAR(Step, x > 0.0f ? 1.0f : 0.0f)
ASSAY_SCALAR(Square, (x * x))
ASSAY_SCALAR(Reciprocal, 1.0f / x)
ASSAY_SCALAR(SafeReciprocal, x == 0.0f ? 0.0f : 1.0f / x)
ASSAY_SCALAR(Pow, std::pow(x, a))
ASSAY_SCALAR(Erf, vm::erf(x))
ASSAY_SCALAR(Sin, std::sin(x))
ASSAY_SCALAR(Cos, std::cos(x))
ASSAY_SCALAR(Floor, __builtin_floorf(x))
ASSAY_SCALAR(Ceil, __builtin_ceilf(x))
ASSAY_SCALAR(Round, std::nearbyint(x))
ASSAY_SCALAR(Clamp, x < a ? a : (x > b ? b : x))
ASSAY_SCALAR(InRange, (x >= a ? 1.0f : 0.0f) * (x <= b ? 1.0f : 0.0f))

constexpr double kInf = INFINITY;
constexpr double kTwoOverRootPi = 1.1283791670955126;

Value no_gradient(Value, Value, Value, const Attrs&) { return {}; }

void add_arithmetic(Registry& r) {
  add_unary(
      r, {"neg", "Neg", "-x", unary_loop<Neg>, {}, {}, [](Value, Value, Value g, const Attrs&) { return -g; }, {{}}});
  add_unary(r, {"affine",
                "",
                "x * scale + shift; attributes scale (1), shift (0)",
                unary_loop<Affine>,
                {"scale", 1},
                {"shift", 0},
                [](Value, Value, Value g, const Attrs& at) { return g * at.real("scale", 1); },
                {{.attrs = {{"scale", 3.0}, {"shift", -0.5}}}, {.attrs = {{"scale", -2.0}}}}});
  add_unary(r, {"abs",
                "Abs",
                "|x|",
                unary_loop<Abs>,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("sign", {x}); },
                {{.keep_away = 0.05}}});
  add_unary(r, {"sign", "Sign", "-1, 0 or 1", unary_loop<Sign>, {}, {}, no_gradient, {{.keep_away = 0.05}}});
  add_unary(r, {"step", "", "1 where x > 0, else 0", unary_loop<Step>, {}, {}, no_gradient, {{.keep_away = 0.05}}});
  add_unary(r, {"square",
                "",
                "x^2",
                unary_loop<Square>,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * x * 2.0; },
                {{}}});
  add_unary(r, {"reciprocal",
                "Reciprocal",
                "1 / x",
                unary_loop<Reciprocal>,
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return -(g * y * y); },
                {{.lo = 0.5, .hi = 2}}});
  add_unary(r, {"safe_reciprocal",
                "",
                "1 / x, and 0 where x is 0",
                unary_loop<SafeReciprocal>,
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return -(g * y * y); },
                {{.lo = 0.5, .hi = 2}}});
  add_unary(r, {"floor",
                "Floor",
                "largest integer not above x",
                unary_loop<Floor>,
                {},
                {},
                no_gradient,
                {{.lo = 0.1, .hi = 0.9}}});
  add_unary(r, {"ceil",
                "Ceil",
                "smallest integer not below x",
                unary_loop<Ceil>,
                {},
                {},
                no_gradient,
                {{.lo = 0.1, .hi = 0.9}}});
  add_unary(r, {"round",
                "Round",
                "nearest integer, halves to even",
                unary_loop<Round>,
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
                unary_loop<Exp>,
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g * y; },
                {{}}});
  add_unary(r, {"log",
                "Log",
                "natural logarithm",
                unary_loop<Log>,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g / x; },
                {{.lo = 0.5, .hi = 3}}});
  add_unary(r, {"sqrt",
                "Sqrt",
                "square root",
                unary_loop<Sqrt>,
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g / y * 0.5; },
                {{.lo = 0.5, .hi = 3}}});
  add_unary(r, {"rsqrt",
                "",
                "1 / sqrt(x)",
                unary_loop<Rsqrt>,
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g * y * y * y * -0.5; },
                {{.lo = 0.5, .hi = 3}}});
  add_unary(r, {"pow",
                "",
                "x^exponent for a constant exponent; attribute exponent (2)",
                unary_loop<Pow>,
                {"exponent", 2},
                {},
                [](Value x, Value, Value g, const Attrs& at) {
                  const double e = at.real("exponent", 2);
                  return g * call("pow", {x}, {{"exponent", e - 1}}) * e;
                },
                {{.lo = 0.5, .hi = 2, .attrs = {{"exponent", 2.5}}}, {.attrs = {{"exponent", 3.0}}}}});
  add_unary(r, {"erf",
                "Erf",
                "error function",
                unary_loop<Erf>,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("exp", {-(x * x)}) * kTwoOverRootPi; },
                {{}}});
  add_unary(r, {"sin",
                "Sin",
                "sine",
                unary_loop<Sin>,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("cos", {x}); },
                {{}}});
  add_unary(r, {"cos",
                "Cos",
                "cosine",
                unary_loop<Cos>,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return -(g * call("sin", {x})); },
                {{}}});
  add_unary(r, {"clamp",
                "Clip",
                "x limited to [min, max]; attributes min (-inf), max (inf)",
                unary_loop<Clamp>,
                {"min", -kInf},
                {"max", kInf},
                [](Value x, Value, Value g, const Attrs& at) { return g * in_range_like(x, at); },
                {{.lo = -0.45, .hi = 2, .attrs = {{"min", -0.5}, {"max", 2.5}}},
                 {.keep_away = 0.05, .attrs = {{"min", 0.0}}}}});
  add_unary(r, {"in_range",
                "",
                "1 where min <= x <= max, else 0; attributes min (-inf), max (inf)",
                unary_loop<InRange>,
                {"min", -kInf},
                {"max", kInf},
                no_gradient,
                {{.keep_away = 0.05, .attrs = {{"min", 0.0}, {"max", 3.0}}}}});
}

}  // namespace

void register_eltwise_unary(Registry& registry) {
  add_arithmetic(registry);
  add_elementary(registry);
}

}  // namespace assay::engine
