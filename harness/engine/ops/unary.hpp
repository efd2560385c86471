// One entry a unary elementwise op: a scalar function and its derivative. Shared by the families that have such ops.
#pragma once

#include <cstddef>

#include "harness/engine/ops/op_tools.hpp"
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
  UnaryLoop loop;
  UnaryParam a, b;
  // dL/dx from x, y and dL/dy; an undefined Value for a derivative that is zero.
  Value (*vjp)(Value x, Value y, Value g, const Attrs& attrs);
  std::vector<UnaryCase> cases;
};

void add_unary(Registry& registry, const UnaryOp& op);

}  // namespace assay::engine
