// Ops that read or write slices of a tensor at computed places: the places are found first, then one of three kernels
// moves the slices, in the order of the indices. Operands are dense, of any dtype but BF16; indices are i64 or i32.
#pragma once

#include "harness/engine/ops/dtypes.hpp"

namespace assay::engine {

// Where `count` slices of `length` elements lie in the indexed tensor. `find` writes their offsets in elements and
// throws Error(bad_input) for an index outside.
struct Positions {
  std::int64_t count = 0, length = 1;
  std::function<void(const void* indices, std::int64_t* offsets)> find;
};

// ONNX's GatherElements: one element an index, which counts along `axis`; the other coordinates are the index's own.
Positions positions_along(const char* op, const Shape& x, const Spec& indices, std::size_t axis);
// ONNX's GatherND: the last axis of the indices [B.., I.., K] names a place on K axes after `batch_dims` shared ones.
Positions positions_nd(const char* op, const Shape& x, const Spec& indices, std::int64_t batch_dims);

enum class Scatter { replace, add, mul, max, min };
Scatter scatter_named(const char* op, Specs in, const Attrs& attrs);  // attribute reduction: none, add, mul, max, min

// x, indices -> slices.
Kernel take_kernel(const PrepareRequest& request, const Positions& positions);
// slices, indices -> zeros with the slices added.
Kernel put_add_kernel(const PrepareRequest& request, const Positions& positions);
// x, indices, slices -> x with the slices joined to it.
Kernel scatter_kernel(const PrepareRequest& request, const Positions& positions, Scatter how);

}  // namespace assay::engine
