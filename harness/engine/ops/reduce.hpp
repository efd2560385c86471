// Reductions that other op files use.
#pragma once

#include "harness/engine/ops/op.hpp"

namespace assay::engine {

Kernel prepare_plane_mean(const PrepareRequest& request);  // over all axes from the third on

}  // namespace assay::engine
