// Edits of a graph that compressors need. Each gives a new, valid graph or throws Error(bad_input) and leaves the
// input alone. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/graph/graph.hpp"

namespace assay::graph {

// Channels that stand and fall together: an elementwise sum ties its producers. They are followed through concatenation,
// reshapes that leave the channel axis whole, and transposes; of linear layers over tokens on the last axis.
struct ChannelGroup {
  std::vector<std::string> producers;  // conv2d / linear nodes whose output channels these are
  std::vector<std::string> consumers;  // conv2d / linear nodes that read them
  std::vector<std::string> parameters; // batch norm and bias parameters with one entry a channel
  std::int64_t channels = 0;
  bool removable = true;
  std::string reason;                  // why not: reaches an output, an op that removal does not follow ...
};
std::vector<ChannelGroup> channel_groups(const Graph& graph);

// Keeps only the channels in `kept` (ascending, at least one) of the group whose producers are exactly `producers`
// (any order) and does all that follows: weights, biases, batch norm, the consumers' input channels or columns, masks.
// Throws when the group has more producers than given, naming them, or is not removable.
Graph remove_output_channels(const Graph& graph, const std::vector<std::string>& producers,
                             const std::vector<std::int64_t>& kept);
// The same selection as masks: everything of the other channels is 0, shapes stay. Equal outputs (rule 38).
Graph mask_output_channels(const Graph& graph, const std::vector<std::string>& producers,
                           const std::vector<std::int64_t>& kept);
// Removes every channel of every removable group that is 0 whatever the input (weights, bias and batch norm are 0).
Graph compact(const Graph& graph);

// (x - mean[c]) / std[c] as the first nodes, so that the model goes on taking inputs in its range. One mean and one
// std > 0 a channel (axis 1 of the batched input).
Graph normalize_input(const Graph& graph, const std::vector<double>& mean, const std::vector<double>& std);

// Batch norm that directly follows a conv2d or linear, used by nothing else, becomes part of its weights and bias.
Graph fold_batch_norm(const Graph& graph);

}  // namespace assay::graph
