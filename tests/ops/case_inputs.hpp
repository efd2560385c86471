// Operands of a case: drawn from a keyed stream, as tensors and as the same values in double.
#pragma once

#include "harness/engine/tape/eager.hpp"
#include "tests/ops/reference.hpp"

namespace assay::engine {

struct CaseInputs {
  std::vector<Tensor> tensors;
  reference::Arrays arrays;
  std::vector<bool> differentiable;  // f32 and not excluded by the case
};

CaseInputs draw(const Op& op, const OpCase& c);
Tensor to_tensor(const reference::Array& array, DType dtype = DType::f32);
reference::Array to_array(const Tensor& tensor);
// Values in [-1, 1] for directions and cotangents.
reference::Array direction(const Shape& shape, const std::string& purpose);
double dot(const reference::Array& a, const reference::Array& b);

}  // namespace assay::engine
