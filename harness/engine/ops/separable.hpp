// Linear maps along single axes, one after the other: interpolation of any rank. Each axis has a table of taps.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

// Along one axis, result i is the sum over t of weight[i * taps + t] * x[index[i * taps + t]].
struct AxisTaps {
  std::int64_t in = 0, out = 0, taps = 1;
  std::vector<std::int64_t> index;  // in [0, in)
  std::vector<float> weight;
  bool identity = false;
};

class SeparableMap {
 public:
  explicit SeparableMap(std::vector<AxisTaps> axes);
  std::size_t scratch_bytes() const;
  // Dense f32 of the shape of the ins, or of the outs for the adjoint; scratch of scratch_bytes(). The order of the
  // axes and of every sum follows from the tables.
  void apply(const float* x, float* y, float* scratch) const;
  void apply_adjoint(const float* g, float* x, float* scratch) const;

 private:
  struct Pass {
    std::size_t axis;
    std::int64_t outer, inner;  // around the axis, when this pass runs
  };
  void run(const float* from, float* to, float* scratch, bool adjoint) const;
  std::vector<AxisTaps> axes_;
  std::vector<Pass> passes_;  // forward order
  std::int64_t count_ = 1, largest_ = 0;
};

}  // namespace assay::engine
