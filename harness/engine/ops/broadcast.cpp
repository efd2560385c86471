#include "harness/engine/ops/broadcast.hpp"

namespace assay::engine {
namespace {

// Row-major steps of a dense operand of `shape` seen with `extents` (leading axes added, extent 1 repeated).
Shape dense_steps(const Shape& shape, const Shape& extents) {
  Shape steps(extents.size(), 0);
  std::int64_t stride = 1;
  for (std::size_t i = shape.size(), j = extents.size(); i-- > 0;) {
    --j;
    if (shape[i] != 1) steps[j] = stride;
    stride *= shape[i];
  }
  return steps;
}

bool all_alike(const PrepareRequest& request) {
  for (const MemDesc& m : request.in) {
    if (m.spec.shape != request.out[0].shape) return false;
  }
  return true;
}

BroadcastLoop flat_loop(const PrepareRequest& request, std::size_t n) {
  BroadcastLoop loop;
  loop.extents = {1, static_cast<std::int64_t>(n)};
  for (std::size_t k = 0; k < request.in.size(); ++k) loop.steps[k] = {0, 1};
  return loop;
}

// Steps of an operand on the axes [n, channel block, plane, block] of `view`: full, or one that varies only over
// samples and channels. nullopt: another kind of broadcast.
std::optional<Shape> channel_steps(const Spec& spec, const Spec& out, const ChannelView& view) {
  if (spec.shape == out.shape) {
    const std::int64_t row = view.plane() * view.block;
    return Shape{view.channel_blocks * row, row, view.block, 1};
  }
  Shape shape(4 - std::min<std::size_t>(4, spec.shape.size()), 1);
  shape.insert(shape.end(), spec.shape.begin(), spec.shape.end());
  if (shape.size() != 4 || shape[2] != 1 || shape[3] != 1) return std::nullopt;
  const bool per_channel = shape[1] != 1;
  return Shape{shape[0] == 1 ? 0 : shape[1], per_channel ? view.block : 0, 0, per_channel ? 1 : 0};
}

// A loop over a library layout that some full-shaped operand carries, when every other operand is either full-shaped
// too or varies only over samples and channels.
std::optional<BroadcastPlan> channel_plan(const PrepareRequest& request) {
  const Spec& out = request.out[0];
  const MemDesc* leader = nullptr;
  for (const MemDesc& m : request.in) {
    if (!leader && m.spec.shape == out.shape && m.layout.native()) leader = &m;
  }
  if (!leader) return std::nullopt;
  const auto view = channel_view(*leader);
  if (!view || view->padded()) return std::nullopt;
  BroadcastPlan plan;
  plan.out = leader->layout;
  plan.loop.extents = {view->n, view->channel_blocks, view->plane(), view->block};
  for (std::size_t k = 0; k < request.in.size(); ++k) {
    const Spec& spec = request.in[k].spec;
    const auto steps = channel_steps(spec, out, *view);
    if (!steps) return std::nullopt;
    plan.loop.steps[k] = *steps;
    plan.in.push_back(spec.shape == out.shape ? leader->layout : Layout::dense(spec));
  }
  return plan;
}

BroadcastPlan dense_plan(const PrepareRequest& request) {
  BroadcastPlan plan;
  const Spec& out = request.out[0];
  plan.out = Layout::dense(out);
  plan.loop.extents = out.shape;
  for (std::size_t k = 0; k < request.in.size(); ++k) {
    plan.in.push_back(Layout::dense(request.in[k].spec));
    plan.loop.steps[k] = dense_steps(request.in[k].spec.shape, out.shape);
  }
  return plan;
}

// Drops axes of extent 1, merges neighbours and makes sure that there are at least two axes. Along the innermost one
// every step is then 0 or 1.
BroadcastLoop simplified(const BroadcastLoop& loop, std::size_t operands) {
  BroadcastLoop out;
  for (std::size_t axis = 0; axis < loop.extents.size(); ++axis) {
    const std::int64_t extent = loop.extents[axis];
    if (extent == 1) continue;
    bool merge = !out.extents.empty();
    for (std::size_t k = 0; k < operands && merge; ++k) merge = out.steps[k].back() == loop.steps[k][axis] * extent;
    if (merge) {
      out.extents.back() *= extent;
      for (std::size_t k = 0; k < operands; ++k) out.steps[k].back() = loop.steps[k][axis];
      continue;
    }
    out.extents.push_back(extent);
    for (std::size_t k = 0; k < operands; ++k) out.steps[k].push_back(loop.steps[k][axis]);
  }
  while (out.extents.size() < 2) {
    out.extents.insert(out.extents.begin(), 1);
    for (std::size_t k = 0; k < operands; ++k) out.steps[k].insert(out.steps[k].begin(), 0);
  }
  return out;
}

}  // namespace

BroadcastPlan plan_broadcast(const PrepareRequest& request, bool keeps_zero) {
  if (all_alike(request)) {
    const Layout layout = shared_layout(request, keeps_zero);
    return {std::vector<Layout>(request.in.size(), layout), layout, flat_loop(request, physical_floats(layout))};
  }
  BroadcastPlan plan = channel_plan(request).value_or(BroadcastPlan{});
  if (plan.in.empty()) plan = dense_plan(request);
  plan.loop = simplified(plan.loop, request.in.size());
  return plan;
}

BroadcastPlan plan_dense_broadcast(const PrepareRequest& request) {
  BroadcastPlan plan = dense_plan(request);
  plan.loop = simplified(plan.loop, request.in.size());
  return plan;
}

}  // namespace assay::engine
