// Declares the registration function of every family in ops.def.
#pragma once

#include "harness/engine/ops/op.hpp"

namespace assay::engine {
#define ASSAY_OP_FAMILY(family) void register_##family(Registry& registry);
#include "harness/engine/ops/ops.def"
#undef ASSAY_OP_FAMILY
}  // namespace assay::engine
