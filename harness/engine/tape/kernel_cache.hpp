// Prepared kernels by (op, attributes, operand specs and layouts, training), with the reorders that bring operands
// into the layouts a kernel wants. One cache a thread, because a kernel belongs to one thread at a time.
#pragma once

#include "harness/engine/ops/op.hpp"

namespace assay::engine {

struct PreparedOp {
  std::vector<Spec> out;
  Kernel kernel;
  double macs = 0;                              // multiply-adds of one run
  std::vector<std::optional<Kernel>> reorders;  // one an operand
};

// The result stays valid until the next call on this thread.
const PreparedOp& prepared(OpId op, std::span<const Tensor> in, const Attrs& attrs, bool training);

}  // namespace assay::engine
