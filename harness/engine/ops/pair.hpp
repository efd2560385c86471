// One entry a binary elementwise op that broadcasts: a function of two scalars, and its derivatives. Shared by the
// families that have such ops.
#pragma once

#include "harness/engine/ops/bf16_pairs.hpp"
#include "harness/engine/ops/broadcast.hpp"
#include "harness/engine/ops/dtypes.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {

// A function of two f32.
#define ASSAY_PAIR(Name, expression)                                     \
  struct Name {                                                          \
    static ASSAY_INLINE float f(float a, float b) { return expression; } \
  };
// With a form for every other dtype, where a and b are Ws, double or int64_t.
#define ASSAY_PAIR_ANY(Name, single, wide)                           \
  struct Name {                                                      \
    static ASSAY_INLINE float f(float a, float b) { return single; } \
    template <class W>                                               \
    static W wide_f(W a, W b) {                                      \
      return wide;                                                   \
    }                                                                \
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

// The generic path: one row with operand steps of 0 or 1.
struct PairRow {
  std::int64_t length, a_step, b_step;
};

template <class F, class T, class Out>
void typed_row(const void* a, const void* b, void* out, const PairRow& row) {
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  Out* z = static_cast<Out*>(out);
  for (std::int64_t i = 0; i < row.length; ++i) {
    z[i] = static_cast<Out>(F::wide_f(widened(x[i * row.a_step]), widened(y[i * row.b_step])));
  }
}

using RowsLoop = void (*)(const float*, const float*, float*, const Rows&);
using TypedRow = void (*)(const void*, const void*, void*, const PairRow&);

struct PairOp {
  const char* name;
  const char* onnx;
  const char* doc;
  RowsLoop loops[2][2];  // by the steps of a and b along a row; null when f32 takes the generic path too
  bool keeps_zero;       // f(0, 0) == 0
  DTypeSet dtypes;       // of both operands, which are alike
  TypedRow (*typed)(DType);
  bool mask = false;                 // the result is f32, 0 or 1, whatever the operands
  std::int64_t integers_below = -9;  // of the cases with integer operands (OpCase)
  bool divides = false;              // the cases keep away from 0
  StoredPair stored = nullptr;       // on operands stored as BF16; null: the f32 loop on pieces
};

// F with f() for f32, and wide_f() for the other dtypes of the set; without wide_f it is an op of f32 alone.
template <class F, bool kMask = false>
PairOp pair_op(const char* name, const char* onnx, const char* doc, DTypeSet dtypes = kNumbers) {
  PairOp op{name,
            onnx,
            doc,
            {{rows_loop<F, 0, 0>, rows_loop<F, 0, 1>}, {rows_loop<F, 1, 0>, rows_loop<F, 1, 1>}},
            F::f(0.0f, 0.0f) == 0.0f,
            set_of(DType::f32),
            nullptr};
  if constexpr (requires { F::wide_f(0.0, 0.0); }) {
    op.dtypes = dtypes;
    op.typed = [](DType dtype) -> TypedRow {
      return with_number(dtype, [](auto type) -> TypedRow {
        using T = decltype(type);
        return typed_row<F, T, std::conditional_t<kMask, float, T>>;
      });
    };
  }
  op.mask = kMask;
  return op;
}

// Walks a dense broadcast loop row by row: body(byte address of each operand's row, of the result's row).
template <class Body>
void for_each_typed_row(const BroadcastLoop& loop, std::span<const std::size_t> sizes, std::size_t out_size,
                        const KernelArgs& args, const Body& body) {
  const std::size_t last = loop.extents.size() - 1, operands = sizes.size();
  for_each_plane(loop, operands, [&](const auto& offset, std::int64_t at) {
    for (std::int64_t r = 0; r < loop.extents[last - 1]; ++r) {
      std::array<const std::byte*, kMaxOperands> in{};
      for (std::size_t k = 0; k < operands; ++k) {
        const std::int64_t element = offset[k] + r * loop.steps[k][last - 1];
        in[k] = static_cast<const std::byte*>(args.in[k]) + static_cast<std::size_t>(element) * sizes[k];
      }
      const auto to = static_cast<std::size_t>(at + r * loop.extents[last]);
      body(in, static_cast<std::byte*>(args.out[0]) + to * out_size);
    }
  });
}

// Checks the operands and prepares their kernel; an op that is more than a row of a table uses these directly.
std::vector<Spec> infer_pair(const PairOp& op, Specs in);
Kernel prepare_pair(const PairOp& op, const PrepareRequest& request);
std::vector<OpCase> pair_cases(const PairOp& op);

void add_pair(Registry& registry, const PairOp& pair, VjpFn vjp);

using Partial = std::function<Value(const VjpArgs& v, Value g)>;  // dL/d(one operand), before it is reduced
VjpFn pair_vjp(const Partial& first, const Partial& second);
std::vector<Value> no_pair_vjp(const VjpArgs& v);

}  // namespace assay::engine
