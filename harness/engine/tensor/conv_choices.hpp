// Which convolutions are computed by Winograd's algorithm: a table measured by `assay-tune` (tests/bench), keyed by
// instruction set, pass and class of shape. It is part of the numerics version: nothing is measured during a run, so a
// shape has the same bits in every run. Pure; [any-thread].
#pragma once

#include <string_view>

#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine::native {

enum class ConvPass { forward, forward_training, backward_data, backward_weights };

// Powers of two at or below the smaller channel count, the result's smaller extent, and the batch (1, 8, 32), within
// the measured ranges.
struct ConvClass {
  std::int64_t channels = 0, extent = 0, batch = 0;
  bool operator==(const ConvClass&) const = default;
};
ConvClass class_of(const ConvProblem& problem);

// A dense 3x3 convolution of stride 1 with whole blocks of 16 channels, at least 32 of them, and padding 0 or 1.
bool winograd_fits(const ConvProblem& problem);
// problem.algorithm, decided: true for Winograd. `isa` as effective_isa() spells it.
bool use_winograd(ConvPass pass, const ConvProblem& problem, std::string_view isa);

}  // namespace assay::engine::native
