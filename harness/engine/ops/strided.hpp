// Copies between strided views of tensors of any dtype.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

Shape row_major(const Shape& shape);  // steps in elements

struct StridedCopy {
  Shape extents, from_steps, to_steps;  // in elements; merged by make_copy
  std::int64_t from_base = 0, to_base = 0;
  std::size_t element = 4;
  void operator()(const void* from, void* to) const;
};
StridedCopy make_copy(const StridedCopy& raw);

}  // namespace assay::engine
