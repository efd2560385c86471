// Eager evaluation and reverse-mode gradients over any tensors, to any order.
// A tensor made by watch(), or computed from one, carries its history; there is no global tape and no mode switch.
// History is freed with the last tensor that refers to it. One thread at a time per history.
#pragma once

#include "harness/engine/ops/emit.hpp"

namespace assay::engine {

// Evaluates one op; records it when an input carries history. Kernels are cached by (op, attributes, layouts).
std::vector<Tensor> apply(OpId op, std::span<const Tensor> in, const Attrs& attrs);
Tensor apply1(std::string_view op, std::initializer_list<Tensor> in, const Attrs& attrs = {});

// Multiply-adds of all ops evaluated on this thread so far, those of gradients included.
double eager_macs();

Tensor watch(const Tensor& tensor);   // a leaf that gradients can be taken for
Tensor detach(const Tensor& tensor);  // same value, no history

// d(sum_i <outputs_i, cotangents_i>) / d inputs_j. An undefined cotangent means ones (outputs of one element) and is an
// error otherwise. An input that does not influence the outputs gets zeros. With create_graph the results carry
// history, so that they can be differentiated again.
std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> cotangents, bool create_graph);

// A node of history that is no registry op: a whole compiled plan, a function that a plugin evaluates. Inputs and
// outputs are those of record_custom, with history when create_graph; take them from here rather than from a capture,
// which could keep the node alive by itself.
struct CustomVjpCall {
  std::span<const Tensor> in, out;
  std::span<const Tensor> cotangents;  // one an output, zeros where no gradient came
  bool create_graph = false;
};
using CustomVjp = std::function<std::vector<Tensor>(const CustomVjpCall&)>;  // one an input; undefined: zero
// `outputs` without the history they have, with the new node as history when an input has any.
std::vector<Tensor> record_custom(std::span<const Tensor> inputs, std::vector<Tensor> outputs, CustomVjp vjp);

}  // namespace assay::engine
