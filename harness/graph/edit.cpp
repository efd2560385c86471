// Structured removal, masking and batch norm folding.
#include "harness/graph/edit.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/graph/channels.hpp"
#include "harness/graph/edit_detail.hpp"

namespace assay::graph {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void check_kept(const std::vector<std::int64_t>& kept, std::int64_t channels, const std::string& producer) {
  if (kept.empty()) bad_input("channels of '" + producer + "': at least one must be kept");
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const bool ascending = i == 0 || kept[i] > kept[i - 1];
    if (ascending && kept[i] >= 0 && kept[i] < channels) continue;
    bad_input("channels of '" + producer + "': index " + std::to_string(kept[i]) + " must be ascending and in [0, " +
              std::to_string(channels) + ")");
  }
}

GroupDetail find_group(const Graph& graph, const std::vector<std::string>& producers,
                       const std::vector<std::int64_t>& kept) {
  if (producers.empty()) bad_input("no producer named whose channels to remove");
  std::vector<std::string> names;
  for (const GroupDetail& detail : analyse_channels(graph)) {
    const ChannelGroup& group = detail.group;
    names.insert(names.end(), group.producers.begin(), group.producers.end());
    if (!contains(group.producers, producers[0])) continue;
    std::vector<std::string> missing;
    for (const std::string& name : group.producers) {
      if (!contains(producers, name)) missing.push_back(name);
    }
    if (!missing.empty())
      bad_input("channels of '" + producers[0] + "' are tied by a sum to those of " + joined(missing) +
                "; name them all");
    for (const std::string& name : producers) {
      if (!contains(group.producers, name))
        bad_input("'" + name + "' is not in the channel group of '" + producers[0] + "'");
    }
    if (!group.removable) bad_input("channels of '" + producers[0] + "' cannot be removed: " + group.reason);
    check_kept(kept, group.channels, producers[0]);
    return detail;
  }
  bad_input("'" + producers[0] + "' is no conv2d or linear node" + suggestion(producers[0], names));
}

// Changes a parameter's shape with its mask.
void select_parameter(Graph& graph, const std::string& name, std::size_t axis, const std::vector<std::int64_t>& kept,
                      std::int64_t width = 1) {
  Tensor& value = graph.parameters.at(name).value;
  value = select(value, axis, kept, width);
  const auto mask = graph.masks.find(name);
  if (mask != graph.masks.end()) mask->second = select(mask->second, axis, kept, width);
}

void remove_from(Graph& graph, const GroupDetail& detail, const std::vector<std::int64_t>& kept) {
  for (const std::string& name : detail.prunable) select_parameter(graph, name, 0, kept);
  for (const std::string& name : detail.buffers) graph.buffers.at(name) = select(graph.buffers.at(name), 0, kept);
  for (const Reader& reader : detail.readers) {
    select_parameter(graph, graph.node(reader.node).inputs[1], 1, kept, reader.columns);
  }
  for (const std::string& name : detail.depthwise) {
    graph.find_node(name)->attrs.set("groups", static_cast<std::int64_t>(kept.size()));
  }
}

// Channels of which something is not 0.
std::vector<std::int64_t> live_channels(const Graph& graph, const GroupDetail& detail) {
  std::vector<bool> live(static_cast<std::size_t>(detail.group.channels), false);
  for (const std::string& name : detail.prunable) {
    const std::vector<float> values = graph.parameters.at(name).value.to_f32();
    const std::size_t row = values.size() / live.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] != 0.0F) live[i / row] = true;
    }
  }
  std::vector<std::int64_t> kept;
  for (std::size_t c = 0; c < live.size(); ++c) {
    if (live[c]) kept.push_back(static_cast<std::int64_t>(c));
  }
  if (kept.empty()) kept.push_back(0);
  return kept;
}

}  // namespace

std::vector<ChannelGroup> channel_groups(const Graph& graph) {
  std::vector<ChannelGroup> groups;
  for (GroupDetail& detail : analyse_channels(graph)) groups.push_back(std::move(detail.group));
  return groups;
}

Graph remove_output_channels(const Graph& graph, const std::vector<std::string>& producers,
                             const std::vector<std::int64_t>& kept) {
  const GroupDetail detail = find_group(graph, producers, kept);
  Graph result = graph;
  remove_from(result, detail, kept);
  result.validate();
  return result;
}

Graph mask_output_channels(const Graph& graph, const std::vector<std::string>& producers,
                           const std::vector<std::int64_t>& kept) {
  const GroupDetail detail = find_group(graph, producers, kept);
  Graph result = graph;
  for (const std::string& name : detail.prunable) {
    const Tensor& value = result.parameters.at(name).value;
    std::vector<float> mask(static_cast<std::size_t>(value.count()), 0.0F);
    const auto old = result.masks.find(name);
    const std::vector<float> before =
        old == result.masks.end() ? std::vector<float>(mask.size(), 1.0F) : old->second.to_f32();
    const std::size_t row = mask.size() / static_cast<std::size_t>(detail.group.channels);
    for (const std::int64_t c : kept) {
      const auto begin = static_cast<std::size_t>(c) * row;
      std::copy(before.begin() + static_cast<std::ptrdiff_t>(begin),
                before.begin() + static_cast<std::ptrdiff_t>(begin + row),
                mask.begin() + static_cast<std::ptrdiff_t>(begin));
    }
    result.set_mask(name, Tensor::f32(value.shape(), mask));
  }
  return result;
}

Graph compact(const Graph& graph) {
  Graph result = graph;
  for (const GroupDetail& detail : analyse_channels(graph)) {
    if (!detail.group.removable) continue;
    const std::vector<std::int64_t> kept = live_channels(result, detail);
    if (static_cast<std::int64_t>(kept.size()) < detail.group.channels) remove_from(result, detail, kept);
  }
  result.validate();
  return result;
}

Graph normalize_input(const Graph& graph, const std::vector<double>& mean, const std::vector<double>& std) {
  if (graph.inputs.size() != 1) bad_input("normalisation needs a model with one input");
  const GraphInput& input = graph.inputs[0];
  const auto channels = input.spec.shape.empty() ? 0 : static_cast<std::size_t>(input.spec.shape[0]);
  if (channels == 0 || mean.size() != channels || std.size() != channels) {
    bad_input("normalisation needs one mean and one std for each of " + std::to_string(channels) + " channels");
  }
  Shape shape(input.spec.shape.size() + 1, 1);
  shape[1] = input.spec.shape[0];
  std::vector<float> scale, shift;
  for (std::size_t c = 0; c < channels; ++c) {
    if (!(std[c] > 0)) bad_input("normalisation: std " + std::to_string(std[c]) + " must be positive");
    scale.push_back(static_cast<float>(1.0 / std[c]));
    shift.push_back(static_cast<float>(-mean[c] / std[c]));
  }
  Graph result;
  result.inputs = graph.inputs;
  result.buffers = {{"normalize.scale", Tensor::f32(shape, scale)}, {"normalize.shift", Tensor::f32(shape, shift)}};
  result.add("normalize.scaled", "mul", {input.name, "normalize.scale"});
  const std::string normalized = result.add("normalize", "add", {"normalize.scaled", "normalize.shift"});
  const auto values = result.inline_graph("", graph, {{input.name, normalized}});
  for (const auto& [name, value] : graph.outputs) result.outputs[name] = values.at(name);
  for (const auto& [name, value] : graph.taps) result.taps[name] = values.at("tap:" + name);
  result.metadata = graph.metadata;
  result.validate();
  return result;
}

namespace {

struct Fold {
  std::vector<double> scale, shift;
};

Fold fold_of(const Graph& graph, const GraphNode& norm) {
  const auto values = [&](std::size_t i) {
    const auto parameter = graph.parameters.find(norm.inputs[i]);
    return (parameter != graph.parameters.end() ? parameter->second.value : graph.buffers.at(norm.inputs[i])).to_f32();
  };
  const std::vector<float> gamma = values(1), beta = values(2), mean = values(3), var = values(4);
  const double eps = norm.attrs.real("eps", 1e-5);
  Fold fold;
  for (std::size_t c = 0; c < gamma.size(); ++c) {
    fold.scale.push_back(static_cast<double>(gamma[c]) / std::sqrt(static_cast<double>(var[c]) + eps));
    fold.shift.push_back(static_cast<double>(beta[c]) - static_cast<double>(mean[c]) * fold.scale.back());
  }
  return fold;
}

void fold_into(Graph& graph, GraphNode& product, const Fold& fold) {
  Parameter& weight = graph.parameters.at(product.inputs[1]);
  std::vector<float> w = weight.value.to_f32();
  const std::size_t row = w.size() / fold.scale.size();
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(static_cast<double>(w[i]) * fold.scale[i / row]);
  weight.value = Tensor::f32(weight.value.shape(), w);
  std::vector<float> bias(fold.scale.size(), 0.0F);
  if (product.inputs.size() > 2) {
    bias = graph.parameters.at(product.inputs[2]).value.to_f32();
    graph.masks.erase(product.inputs[2]);
  } else {
    std::string name = product.name + ".bias";
    while (graph.parameters.count(name)) name += "_";
    product.inputs.push_back(name);
  }
  for (std::size_t c = 0; c < bias.size(); ++c) {
    bias[c] = static_cast<float>(static_cast<double>(bias[c]) * fold.scale[c] + fold.shift[c]);
  }
  graph.parameters[product.inputs[2]].value = Tensor::f32({static_cast<std::int64_t>(bias.size())}, bias);
}

bool foldable(const Graph& graph, const GraphNode& norm, const std::vector<std::string>& kept_values) {
  const GraphNode* product = graph.producer(norm.inputs[0]);
  if (!product || (product->op != "conv2d" && product->op != "linear")) return false;
  if (product->inputs.size() > 3 || product->attrs.has("act")) return false;
  if (graph.consumers(norm.inputs[0]).size() != 1 || contains(kept_values, norm.inputs[0])) return false;
  const auto owned = [&](const std::string& name) {
    return graph.parameters.count(name) && graph.consumers(name).size() == 1;
  };
  if (!std::all_of(product->inputs.begin() + 1, product->inputs.end(), owned)) return false;
  return std::all_of(norm.inputs.begin() + 1, norm.inputs.end(), [&](const std::string& name) {
    return graph.parameters.count(name) || graph.buffers.count(name);
  });
}

void drop_unused(Graph& graph, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!graph.consumers(name).empty()) continue;
    graph.parameters.erase(name);
    graph.buffers.erase(name);
    graph.masks.erase(name);
  }
}

}  // namespace

Graph fold_batch_norm(const Graph& graph, const std::vector<std::string>& kept_values) {
  Graph result = graph;
  for (std::size_t i = 0; i < result.nodes.size();) {
    const GraphNode norm = result.nodes[i];
    if (norm.op != "batch_norm" || !foldable(result, norm, kept_values)) {
      ++i;
      continue;
    }
    GraphNode& product = *result.find_node(result.producer(norm.inputs[0])->name);
    fold_into(result, product, fold_of(result, norm));
    product.outputs[0] = norm.outputs[0];
    result.nodes.erase(result.nodes.begin() + static_cast<std::ptrdiff_t>(i));
    drop_unused(result, {norm.inputs.begin() + 1, norm.inputs.end()});
  }
  return result;
}

Graph fold_batch_norm(const Graph& graph) {
  std::vector<std::string> kept;
  for (const auto& [name, value] : graph.outputs) kept.push_back(value);
  for (const auto& [name, value] : graph.taps) kept.push_back(value);
  Graph result = fold_batch_norm(graph, kept);
  result.validate();
  return result;
}

}  // namespace assay::graph
