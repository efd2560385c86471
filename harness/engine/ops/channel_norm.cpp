#include "harness/engine/ops/channel_norm.hpp"

#include "harness/engine/tensor/spatial.hpp"

namespace assay::engine {

ChannelView norm_view(const MemDesc& mem) {
  if (const auto view = spatial_view(mem); view && view->block > 1) return *view;
  const Shape& s = mem.spec.shape;
  const std::int64_t plane = element_count(Shape(s.begin() + 2, s.end()));
  if (plane == 1) return {s[0], 1, 1, 1, s[1], s[1]};
  return {s[0], s[1], 1, plane, 1, s[1]};
}

MemDesc leading(const PrepareRequest& request, std::initializer_list<std::size_t> candidates) {
  const Spec& x = request.in[0].spec;
  const bool blocks_only = x.dtype == DType::bf16;
  for (const std::size_t i : candidates) {
    const auto view = !request.in[i].layout.native() ? std::nullopt : blocks_only ? channel_view(request.in[i]) : spatial_view(request.in[i]);
    if (view && (!blocks_only || view->block % 16 == 0)) return request.in[i];
  }
  if (!blocks_only) return {x, Layout::dense(x)};
  return {x, layout_like(x, {x.shape[0], (x.shape[1] + 15) / 16, x.shape[2], x.shape[3], 16, x.shape[1]})};
}

Kernel norm_kernel(const PrepareRequest& request, const Layout& layout) {
  Kernel kernel = dense_kernel(request);
  const Shape& x = request.in[0].spec.shape;
  for (std::size_t i = 0; i < kernel.in.size(); ++i) {
    if (request.in[i].spec.shape == x) kernel.in[i] = layout;
  }
  for (std::size_t i = 0; i < kernel.out.size(); ++i) {
    if (request.out[i].shape == x) kernel.out[i] = layout;
  }
  return kernel;
}

std::int64_t padded_channels(const ChannelView& view) { return (view.channel_blocks * view.block + 15) / 16 * 16; }

}  // namespace assay::engine
