// Which channels of a graph belong together. Private to this folder; edit.hpp is the public face.
#pragma once

#include <string>
#include <vector>

#include "harness/graph/edit.hpp"

namespace assay::graph {

// Where a group's channels lie on an axis that others may share with it (concatenation): from `offset` on, `columns`
// consecutive entries a channel (more than 1 behind a flattened plane).
struct Slice {
  std::string name;  // a parameter or buffer (axis 0), or a node
  std::int64_t offset = 0, columns = 1;
};

struct GroupDetail {
  ChannelGroup group;
  std::vector<Slice> readers;          // behind group.consumers: axis 1 of their weights
  std::vector<Slice> buffers;          // running statistics with one entry a channel
  std::vector<Slice> prunable;         // group.parameters plus the producers' and depthwise weights, slices of shared ones
  std::vector<std::string> depthwise;  // convolutions of single channels: attribute groups is their number
  std::vector<Slice> extents;          // reshape nodes: entry `offset` of attribute shape counts these channels
};
std::vector<GroupDetail> analyse_channels(const Graph& graph);

// What is left of a dense tensor when of `channels` at `slice` of an axis only `kept` stay.
Tensor select(const Tensor& tensor, std::size_t axis, const Slice& slice, std::int64_t channels,
              const std::vector<std::int64_t>& kept);

}  // namespace assay::graph
