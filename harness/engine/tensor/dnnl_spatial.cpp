// The channel view of library layouts with one to three spatial axes.
#include "harness/engine/tensor/dnnl_native.hpp"
#include "harness/engine/tensor/spatial.hpp"

namespace assay::engine {
namespace {

// Of channel blocks of `block`, then the spatial axes, then the block.
bool blocked_strides(const dnnl_memory_desc_t& md, std::int64_t block, std::int64_t channel_blocks) {
  std::int64_t stride = block;
  for (int axis = md.ndims; axis-- > 2;) {
    if (md.dims[axis] != 1 && md.format_desc.blocking.strides[axis] != stride) return false;
    stride *= md.dims[axis];
  }
  const dnnl_dim_t* strides = md.format_desc.blocking.strides;
  if (channel_blocks != 1 && strides[1] != stride) return false;
  return md.dims[0] == 1 || strides[0] == stride * channel_blocks;
}

}  // namespace

std::optional<ChannelView> spatial_view(const MemDesc& mem) {
  const Shape& s = mem.spec.shape;
  if (s.size() == 4) return channel_view(mem);
  if (mem.spec.dtype != DType::f32 || s.size() < 3 || s.size() > 5) return std::nullopt;
  const std::int64_t width = s.back(), height = element_count(Shape(s.begin() + 2, s.end() - 1));
  if (mem.layout.is_dense()) return ChannelView{s[0], s[1], height, width, 1, s[1]};
  if (!mem.layout.native()) return std::nullopt;
  const dnnl_memory_desc_t& md = native::md_of(mem.layout).data;
  const bool same_axes = md.ndims == static_cast<int>(s.size()) && md.format_kind == dnnl_blocked && md.offset0 == 0;
  if (!same_axes) return std::nullopt;
  const dnnl_blocking_desc_t& blocking = md.format_desc.blocking;
  const bool last = blocking.inner_nblks == 0;  // channels last: one block of all
  if (!last && (blocking.inner_nblks != 1 || blocking.inner_idxs[0] != 1)) return std::nullopt;
  const std::int64_t block = last ? s[1] : blocking.inner_blks[0];
  if (last && ((s[1] != 1 && blocking.strides[1] != 1) || md.padded_dims[1] != s[1])) return std::nullopt;
  const std::int64_t blocks = md.padded_dims[1] / block;
  if (!blocked_strides(md, block, blocks)) return std::nullopt;
  return ChannelView{s[0], blocks, height, width, block, s[1]};
}

Layout spatial_layout(const Spec& spec, const ChannelView& like) {
  if (spec.shape.size() == 4) return layout_like(spec, like);
  if (like.block == 1) return Layout::dense(spec);
  const bool line = spec.shape.size() == 3;
  const auto md = [&](native::Tag of_line, native::Tag of_volume) {
    return native::layout_of(native::Md(spec.shape, native::DataType::f32, line ? of_line : of_volume));
  };
  if (like.channel_blocks == 1 && like.block == like.channels) return md(native::Tag::nwc, native::Tag::ndhwc);
  switch (like.block) {
    case 4:
      return md(native::Tag::nCw4c, native::Tag::nCdhw4c);
    case 8:
      return md(native::Tag::nCw8c, native::Tag::nCdhw8c);
    case 16:
      return md(native::Tag::nCw16c, native::Tag::nCdhw16c);
    default:
      throw Error(Fault::internal, "no layout with channel blocks of " + std::to_string(like.block));
  }
}

}  // namespace assay::engine
