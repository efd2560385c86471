// Reductions that other op files use.
#pragma once

#include "harness/engine/ops/op.hpp"

namespace assay::engine {

Kernel prepare_plane_mean(const PrepareRequest& request);  // [N, C, H, W] -> [N, C, 1, 1]

}  // namespace assay::engine
