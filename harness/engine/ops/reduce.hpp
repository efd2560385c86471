// Reductions that other op files use.
#pragma once

#include "harness/engine/ops/op.hpp"

namespace assay::engine {

Kernel prepare_plane_mean(const PrepareRequest& request);  // over all axes from the third on

// Gradient rules (reduce_vjp.cpp): g with the reduced axes as extents of 1 -> dL/dx.
using ReduceVjp = Value (*)(const VjpArgs& v, Value g);
// `value` (a result of the op) with the reduced axes as extents of 1, so that it broadcasts against the operand.
Value with_kept_axes(const VjpArgs& v, Value value);
Value sum_vjp(const VjpArgs& v, Value g);
Value mean_vjp(const VjpArgs& v, Value g);
Value extreme_vjp(const VjpArgs& v, Value g);
Value l1_vjp(const VjpArgs& v, Value g);
Value l2_vjp(const VjpArgs& v, Value g);
Value linf_vjp(const VjpArgs& v, Value g);
Value sum_square_vjp(const VjpArgs& v, Value g);
Value product_vjp(const VjpArgs& v, Value g);
Value log_sum_vjp(const VjpArgs& v, Value g);
Value log_sum_exp_vjp(const VjpArgs& v, Value g);

}  // namespace assay::engine
