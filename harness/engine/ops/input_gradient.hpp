// The data gradient of a convolution with few input channels (a net's first layer, which attacks need at every step).
// The library computes it for a full block of 16 channels; here it is one small matrix product a sample, scattered.
#pragma once

#include "harness/engine/ops/op.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine {

bool suits_input_gradient(const native::ConvProblem& problem);
// in: g [N, O, OH, OW] in any channel layout, w dense; out: dx dense.
Kernel input_gradient_kernel(const native::ConvProblem& problem, const PrepareRequest& request);

}  // namespace assay::engine
