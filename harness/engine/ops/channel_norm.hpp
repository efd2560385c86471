// What batch, group and instance normalisation share: the layout they run in and how channels are walked.
#pragma once

#include <initializer_list>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

// x [N, C, ..] of any rank: the library's layouts as they are, else dense, where a plane of one element makes channels
// the lanes.
ChannelView norm_view(const MemDesc& mem);
// The layout that the op runs in: the first of `candidates` that is the library's and can be walked, else dense; blocks
// of 16 for BF16 storage, whose loops know nothing else.
MemDesc leading(const PrepareRequest& request, std::initializer_list<std::size_t> candidates);
// A kernel whose operands and results of x's shape have `layout`, the others dense.
Kernel norm_kernel(const PrepareRequest& request, const Layout& layout);
std::int64_t padded_channels(const ChannelView& view);  // a multiple of 16 that covers every block

}  // namespace assay::engine
