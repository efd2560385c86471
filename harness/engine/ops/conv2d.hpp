// What the plan compiler asks about convolutions.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

// Whether a conv2d (operands and attributes as for the op, F32) runs on integers here: x stored as u8 or s8, weights as
// s8, the result as `out` (u8, s8 or f32).
bool has_integer_conv2d(Specs in, const Attrs& attrs, DType x, DType out);

}  // namespace assay::engine
