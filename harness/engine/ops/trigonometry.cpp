// Trigonometric and hyperbolic functions and their inverses, on the C library. Sine, cosine and tanh are beside
// their kin in eltwise_unary.cpp and activations.cpp.
#include <cmath>

#include "harness/engine/ops/unary.hpp"

namespace assay::engine {
namespace {

ASSAY_SCALAR_REAL(Tan, std::tan(x), std::tan(x))
ASSAY_SCALAR_REAL(Asin, std::asin(x), std::asin(x))
ASSAY_SCALAR_REAL(Acos, std::acos(x), std::acos(x))
ASSAY_SCALAR_REAL(Atan, std::atan(x), std::atan(x))
ASSAY_SCALAR_REAL(Sinh, std::sinh(x), std::sinh(x))
ASSAY_SCALAR_REAL(Cosh, std::cosh(x), std::cosh(x))
ASSAY_SCALAR_REAL(Asinh, std::asinh(x), std::asinh(x))
ASSAY_SCALAR_REAL(Acosh, std::acosh(x), std::acosh(x))
ASSAY_SCALAR_REAL(Atanh, std::atanh(x), std::atanh(x))

using Slope = Value (*)(Value x, Value y, Value g, const Attrs&);

void add_trigonometry(Registry& r, const char* name, const char* onnx, const UnaryLoops& loops, Slope vjp,
                      const UnaryCase& range) {
  static const std::map<std::string_view, const char*> docs = {{"tan", "tangent"},
                                                               {"asin", "inverse sine"},
                                                               {"acos", "inverse cosine"},
                                                               {"atan", "inverse tangent"},
                                                               {"sinh", "hyperbolic sine"},
                                                               {"cosh", "hyperbolic cosine"},
                                                               {"asinh", "inverse of sinh"},
                                                               {"acosh", "inverse of cosh, x >= 1"},
                                                               {"atanh", "inverse of tanh, |x| <= 1"}};
  add_unary(r, {name, onnx, docs.at(name), loops, {}, {}, vjp, {range}});
}

// g / sqrt(value)
Value over_root(Value g, Value value) { return g * call("rsqrt", {value}); }

}  // namespace

void register_trigonometry(Registry& r) {
  add_trigonometry(r, "tan", "Tan", unary<Tan>(),
                   [](Value, Value y, Value g, const Attrs&) { return g * (y * y + 1.0); }, {.lo = -1, .hi = 1});
  add_trigonometry(r, "asin", "Asin", unary<Asin>(),
                   [](Value x, Value, Value g, const Attrs&) { return over_root(g, -(x * x) + 1.0); },
                   {.lo = -0.8, .hi = 0.8});
  add_trigonometry(r, "acos", "Acos", unary<Acos>(),
                   [](Value x, Value, Value g, const Attrs&) { return -over_root(g, -(x * x) + 1.0); },
                   {.lo = -0.8, .hi = 0.8});
  add_trigonometry(r, "atan", "Atan", unary<Atan>(),
                   [](Value x, Value, Value g, const Attrs&) { return g / (x * x + 1.0); }, {});
  add_trigonometry(r, "sinh", "Sinh", unary<Sinh>(),
                   [](Value x, Value, Value g, const Attrs&) { return g * call("cosh", {x}); }, {});
  add_trigonometry(r, "cosh", "Cosh", unary<Cosh>(),
                   [](Value x, Value, Value g, const Attrs&) { return g * call("sinh", {x}); }, {});
  add_trigonometry(r, "asinh", "Asinh", unary<Asinh>(),
                   [](Value x, Value, Value g, const Attrs&) { return over_root(g, x * x + 1.0); }, {});
  add_trigonometry(r, "acosh", "Acosh", unary<Acosh>(),
                   [](Value x, Value, Value g, const Attrs&) { return over_root(g, x * x + -1.0); },
                   {.lo = 1.3, .hi = 3});
  add_trigonometry(r, "atanh", "Atanh", unary<Atanh>(),
                   [](Value x, Value, Value g, const Attrs&) { return g / (-(x * x) + 1.0); }, {.lo = -0.8, .hi = 0.8});
}

}  // namespace assay::engine
