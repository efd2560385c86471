// One entry a unary elementwise op: a scalar function and its derivative. Shared by the families that have such ops.
#pragma once

#include <concepts>
#include <cstddef>

#include "harness/engine/ops/dtypes.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {

// Runs on any layout; padding of blocked layouts is kept zero because ops with f(0) != 0 refuse padded layouts.
using UnaryLoop = void (*)(const float* x, float* y, std::size_t n, float a, float b);

// F::f(x, a, b), where a and b are the op's two attributes.
template <class F>
ASSAY_WIDE void unary_loop(const float* x, float* y, std::size_t n, float a, float b) {
  ASSAY_INDEPENDENT
  for (std::size_t i = 0; i < n; ++i) y[i] = F::f(x[i], a, b);
}

// A scalar function of f32 x and the attributes a and b.
#define ASSAY_SCALAR(Name, expression)                                                                              \
  struct Name {                                                                                                     \
    static ASSAY_INLINE float f(float x, [[maybe_unused]] float a, [[maybe_unused]] float b) { return expression; } \
  };
// The same with a form for f64, where x, a and b are doubles.
#define ASSAY_SCALAR_REAL(Name, single, wide)                                                                     \
  struct Name {                                                                                                   \
    static ASSAY_INLINE float f(float x, [[maybe_unused]] float a, [[maybe_unused]] float b) { return single; }   \
    static double wide_f(double x, [[maybe_unused]] double a, [[maybe_unused]] double b) { return wide; }         \
  };
// With a form for f64 and every integer dtype: x is a W, double or int64_t; a and b are doubles.
#define ASSAY_SCALAR_ANY(Name, single, wide)                                                                      \
  struct Name {                                                                                                   \
    static ASSAY_INLINE float f(float x, [[maybe_unused]] float a, [[maybe_unused]] float b) { return single; }   \
    template <class W>                                                                                            \
    static W wide_f(W x, [[maybe_unused]] double a, [[maybe_unused]] double b) {                                  \
      return wide;                                                                                                \
    }                                                                                                             \
  };

// Dense elements of one dtype to elements of the same, or f32 for an op that gives masks.
using TypedUnaryLoop = void (*)(const void* x, void* y, std::int64_t n, double a, double b);

template <class F, class T, class Out>
void typed_unary_loop(const void* x, void* y, std::int64_t n, double a, double b) {
  const T* from = static_cast<const T*>(x);
  Out* to = static_cast<Out*>(y);
  for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<Out>(F::wide_f(widened(from[i]), a, b));
}

// The loops of one scalar function. `typed` gives that of a dtype other than f32.
struct UnaryLoops {
  UnaryLoop f32;
  DTypeSet dtypes = set_of(DType::f32);
  TypedUnaryLoop (*typed)(DType) = nullptr;
  bool mask = false;  // the result is f32, 0 or 1
  UnaryLoops(UnaryLoop loop) : f32(loop) {}  // NOLINT(google-explicit-constructor): a table row for f32 alone
  UnaryLoops(UnaryLoop loop, DTypeSet set, TypedUnaryLoop (*by_dtype)(DType), bool gives_mask)
      : f32(loop), dtypes(set), typed(by_dtype), mask(gives_mask) {}
};

// F made by one of the macros above, on the dtypes that it has a form for.
template <class F, bool kMask = false>
UnaryLoops unary() {
  constexpr bool integers = requires(std::int64_t x) { { F::wide_f(x, 0.0, 0.0) } -> std::same_as<std::int64_t>; };
  const auto typed = [](DType dtype) -> TypedUnaryLoop {
    if constexpr (integers) {
      return with_number(dtype, [](auto type) -> TypedUnaryLoop {
        using T = decltype(type);
        return typed_unary_loop<F, T, std::conditional_t<kMask, float, T>>;
      });
    }
    return typed_unary_loop<F, double, std::conditional_t<kMask, float, double>>;
  };
  return {unary_loop<F>, integers ? kNumbers : kReals, typed, kMask};
}

struct UnaryParam {
  const char* name = nullptr;  // null: not used
  double fallback = 0;
};

struct UnaryCase {
  double lo = -2, hi = 2, keep_away = 0, kink = 0;
  Attrs attrs = {};
};

struct UnaryOp {
  const char* name;
  const char* onnx;
  const char* doc;
  UnaryLoops loops;
  UnaryParam a, b;
  // dL/dx from x, y and dL/dy; an undefined Value for a derivative that is zero.
  Value (*vjp)(Value x, Value y, Value g, const Attrs& attrs);
  std::vector<UnaryCase> cases;
};

void add_unary(Registry& registry, const UnaryOp& op);
Kernel prepare_unary(const UnaryOp& op, const PrepareRequest& request);  // for an op that is more than a table row

}  // namespace assay::engine
