// Which channels of a graph belong together. Private to this folder; edit.hpp is the public face.
#pragma once

#include <string>
#include <vector>

#include "harness/graph/edit.hpp"

namespace assay::graph {

struct Reader {
  std::string node;
  std::int64_t columns = 1;  // consecutive input columns a channel takes (flattening H x W)
};

struct GroupDetail {
  ChannelGroup group;
  std::vector<Reader> readers;          // behind group.consumers
  std::vector<std::string> buffers;     // running statistics with one entry a channel
  std::vector<std::string> prunable;    // group.parameters plus the producers' and depthwise weights
  std::vector<std::string> depthwise;   // convolutions of single channels: attribute groups is their number
};
std::vector<GroupDetail> analyse_channels(const Graph& graph);

// Rows (axis 0) or columns (axis 1) of a dense tensor; `width`: consecutive columns per index.
Tensor select(const Tensor& tensor, std::size_t axis, const std::vector<std::int64_t>& kept, std::int64_t width = 1);

}  // namespace assay::graph
