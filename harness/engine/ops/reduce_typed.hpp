// Reductions of any dtype on dense operands, in f64 for reals and modulo 2^64 for integers, in row-major order.
#pragma once

#include "harness/engine/ops/dtypes.hpp"

namespace assay::engine {

enum class Fold { sum, mean, max, min, l1, l2, linf, sum_square, product, log_sum, log_sum_exp };

// log_sum and log_sum_exp are of reals; the others of numbers.
DTypeSet dtypes_of(Fold fold);
// `kept` is the shape of the result with the reduced axes as extents of 1.
Kernel prepare_typed_reduce(Fold fold, const PrepareRequest& request, const Shape& kept);

}  // namespace assay::engine
