// The iteration space of an elementwise op over several operands that broadcast, in physical memory: blocked layouts
// become extra axes, adjacent axes that all operands walk alike are merged.
#pragma once

#include <array>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

constexpr std::size_t kMaxOperands = 3;

struct BroadcastLoop {
  // Axes from outer to inner, at least two; `steps[operand][axis]` in elements, 0 where the operand repeats.
  Shape extents;
  std::array<Shape, kMaxOperands> steps;
  std::int64_t total() const { return element_count(extents); }
};

struct BroadcastPlan {
  std::vector<Layout> in;
  Layout out;
  BroadcastLoop loop;
};

// Chooses layouts and the loop for result shape `request.out[0]`. `keeps_zero`: f(0, ...) is 0, so that padding may be
// computed on.
BroadcastPlan plan_broadcast(const PrepareRequest& request, bool keeps_zero);
// The same for operands of any dtype, all dense.
BroadcastPlan plan_dense_broadcast(const PrepareRequest& request);

// Calls body(offsets, out_offset) for every pair of the two innermost axes' outer walks; the body covers
// extents[last - 1] rows of extents[last] elements.
template <class Body>
void for_each_plane(const BroadcastLoop& loop, std::size_t operands, const Body& body) {
  const std::size_t outer = loop.extents.size() - 2;
  Shape index(outer, 0);
  std::array<std::int64_t, kMaxOperands> offsets{};
  const std::int64_t plane = loop.extents[outer] * loop.extents[outer + 1];
  std::int64_t out = 0;
  for (;;) {
    body(offsets, out);
    out += plane;
    std::size_t axis = outer;
    while (axis-- > 0) {
      for (std::size_t k = 0; k < operands; ++k) offsets[k] += loop.steps[k][axis];
      if (++index[axis] < loop.extents[axis]) break;
      for (std::size_t k = 0; k < operands; ++k) offsets[k] -= loop.steps[k][axis] * loop.extents[axis];
      index[axis] = 0;
    }
    if (axis == static_cast<std::size_t>(-1)) return;
  }
}

}  // namespace assay::engine
