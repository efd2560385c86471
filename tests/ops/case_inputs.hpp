// Operands of a case: drawn from a keyed stream, as tensors and as the same values in double.
#pragma once

#include "harness/engine/ops/dtypes.hpp"
#include "harness/engine/tape/eager.hpp"
#include "tests/ops/reference.hpp"

namespace assay::engine {

struct CaseInputs {
  std::vector<Tensor> tensors;
  reference::Arrays arrays;
  std::vector<bool> differentiable;  // f32 or f64 and not excluded by the case
};

CaseInputs draw(const Op& op, const OpCase& c);
Tensor to_tensor(const reference::Array& array, DType dtype = DType::f32);
reference::Array to_array(const Tensor& tensor);
// What real results become in an integer dtype: cut towards zero, then modulo its range. Other dtypes are left alone.
void wrap_to(reference::Array& array, DType dtype);
// Values in [-1, 1] for directions and cotangents.
reference::Array direction(const Shape& shape, const std::string& purpose);
double dot(const reference::Array& a, const reference::Array& b);

}  // namespace assay::engine
