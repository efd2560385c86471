// Ops that are expressions of other ops: shape rule, kernel, gradient and cost follow from the expression. For ops
// whose speed is that of their parts, and for gradients of gradients of ops that have kernels of their own. Threading:
// const functions from any thread; a kernel by one thread at a time.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

// Writes the expression with the emitter of `in`; must emit the same ops whenever specs and attributes are the same.
using Compose = std::function<std::vector<Value>(std::span<const Value> in, const Attrs& attrs)>;

std::vector<Spec> composite_infer(const Compose& compose, Specs in, const Attrs& attrs);
// The parts' kernels one after the other, intermediate results in scratch memory that is reused by liveness.
Kernel composite_kernel(const Compose& compose, const PrepareRequest& request);
// Emits the expression again and walks it backwards: gradients of any order that the parts have.
std::vector<Value> composite_vjp(const Compose& compose, const VjpArgs& v);
OpCost composite_cost(const Compose& compose, Specs in, const Attrs& attrs);

// Fills infer (after `check`, which throws), prepare, vjp and cost of `op`.
void set_composite(Op& op, const std::function<void(Specs in, const Attrs& attrs)>& check, const Compose& compose);

}  // namespace assay::engine
