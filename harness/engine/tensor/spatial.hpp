// Channel views of f32 tensors with one to three spatial axes, as kernel.hpp has them for two.
#pragma once

#include "harness/engine/tensor/kernel.hpp"

namespace assay::engine {

// Spatial axes before the last are joined into the height. nullopt: another rank, dtype or kind of layout.
std::optional<ChannelView> spatial_view(const MemDesc& mem);
// The layout of `spec` whose channels are arranged as in `like` (same C): dense, channels-last, blocked.
Layout spatial_layout(const Spec& spec, const ChannelView& like);

}  // namespace assay::engine
