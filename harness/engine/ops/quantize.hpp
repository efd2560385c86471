// What the quantisation ops share: their parameters (scale, zero point) are scalars or vectors along one axis of x.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

// x as [outer][slices][inner], one parameter a slice; one slice when the parameter is a scalar.
struct Slices {
  std::int64_t outer = 1, slices = 1, inner = 1;
};
Slices slices_along(const Shape& x, std::size_t axis);

// The parameter [] or [C] so that it broadcasts against x, and its gradient out of terms shaped like x. `axis` may be
// negative.
Value along_axis(Value parameter, const Shape& x, std::int64_t axis);
Value sum_to_parameter(Value terms, Value parameter, std::int64_t axis);

}  // namespace assay::engine
