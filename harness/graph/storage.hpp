// Storage of values in low precision: a pass over a finished program (after differentiation and fusion). Private to this
// folder.
#pragma once

#include "harness/graph/program.hpp"

namespace assay::graph {

// Stores activations, weights and their cotangents as BF16 where that pays: products (convolutions, matrix products)
// always take BF16 operands, ops that stream (norms, activations, sums) do when all their operands are stored so anyway.
// Sums, statistics, losses and the gradients of weights stay F32, and so does every output of the program; casts are
// inserted at the borders. An op without BF16 kernels stays as it is.
void store_bf16(Program& program);

}  // namespace assay::graph
