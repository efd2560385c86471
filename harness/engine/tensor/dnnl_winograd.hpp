// Winograd convolutions of oneDNN on blocks of 16 channels. Private to the adapter: make_conv_* ask here first.
#pragma once

#include <optional>

#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine::native {

// nullopt: the table says direct, or the library has no Winograd kernel for the problem.
std::optional<Kernel> winograd_forward(const ConvProblem& problem, const ConvFusion& fusion);
std::optional<Kernel> winograd_backward_data(const ConvProblem& problem);
std::optional<Kernel> winograd_backward_weights(const ConvProblem& problem);

}  // namespace assay::engine::native
