// Ops that are expressions of other ops. There is one way: Op::compose. Emitting such an op emits its expression, on
// the tape as in programs, so that shape rule, gradient and cost follow from the parts, and the parts fuse with what is
// around them. Threading: const functions from any thread.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

// Fills infer (after `check`, which throws), compose and cost of `op`. The expression must emit the same ops whenever
// specs and attributes are the same.
void set_composite(Op& op, const std::function<void(Specs in, const Attrs& attrs)>& check, const ComposeFn& compose);

// For ops with kernels of their own whose gradient will be differentiated again: emits the definition `compose` and
// walks it backwards. Gradients of any order that the parts have.
std::vector<Value> composite_vjp(const ComposeFn& compose, const VjpArgs& v);

}  // namespace assay::engine
