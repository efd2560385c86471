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
void select_parameter(Graph& graph, const Slice& slice, std::size_t axis, std::int64_t channels,
                      const std::vector<std::int64_t>& kept) {
  Tensor& value = graph.parameters.at(slice.name).value;
  value = select(value, axis, slice, channels, kept);
  const auto mask = graph.masks.find(slice.name);
  if (mask != graph.masks.end()) mask->second = select(mask->second, axis, slice, channels, kept);
}

// Later slices of one parameter first: the offsets of the others stay.
std::vector<Slice> from_the_end(std::vector<Slice> slices) {
  std::stable_sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) { return a.offset > b.offset; });
  return slices;
}

void remove_from(Graph& graph, const GroupDetail& detail, const std::vector<std::int64_t>& kept) {
  const std::int64_t channels = detail.group.channels, removed = channels - static_cast<std::int64_t>(kept.size());
  for (const Slice& slice : from_the_end(detail.prunable)) select_parameter(graph, slice, 0, channels, kept);
  for (const Slice& slice : from_the_end(detail.buffers)) {
    Tensor& buffer = graph.buffers.at(slice.name);
    buffer = select(buffer, 0, slice, channels, kept);
  }
  for (const Slice& reader : from_the_end(detail.readers)) {
    const Slice columns = {graph.node(reader.name).inputs[1], reader.offset, reader.columns};
    select_parameter(graph, columns, 1, channels, kept);
  }
  for (const std::string& name : detail.depthwise) {
    engine::Attrs& attrs = graph.find_node(name)->attrs;
    attrs.set("groups", attrs.integer("groups", 1) - removed);
  }
  for (const Slice& extent : detail.extents) {
    engine::Attrs& attrs = graph.find_node(extent.name)->attrs;
    Shape shape = attrs.ints("shape", {});
    std::int64_t& entry = shape.at(static_cast<std::size_t>(extent.offset));
    if (entry != -1) entry -= removed * extent.columns;
    attrs.set("shape", shape);
  }
}

// Rows of the parameter that belong to a channel; body(channel, first element, elements).
template <class Body>
void for_rows(const Tensor& value, const Slice& slice, std::int64_t channels, const Body& body) {
  const std::int64_t row = value.count() / std::max<std::int64_t>(value.shape()[0], 1);
  for (std::int64_t c = 0; c < channels; ++c) {
    body(static_cast<std::size_t>(c), static_cast<std::size_t>((slice.offset + c) * row),
         static_cast<std::size_t>(row));
  }
}

// Channels of which something is not 0.
std::vector<std::int64_t> live_channels(const Graph& graph, const GroupDetail& detail) {
  std::vector<bool> live(static_cast<std::size_t>(detail.group.channels), false);
  for (const Slice& slice : detail.prunable) {
    const Tensor& value = graph.parameters.at(slice.name).value;
    const std::vector<float> values = value.to_f32();
    for_rows(value, slice, detail.group.channels, [&](std::size_t c, std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) live[c] = live[c] || values[i] != 0.0F;
    });
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
  std::vector<bool> stays(static_cast<std::size_t>(detail.group.channels), false);
  for (const std::int64_t c : kept) stays[static_cast<std::size_t>(c)] = true;
  for (const Slice& slice : detail.prunable) {
    const Tensor& value = result.parameters.at(slice.name).value;
    const auto old = result.masks.find(slice.name);
    std::vector<float> mask = old == result.masks.end()
                                  ? std::vector<float>(static_cast<std::size_t>(value.count()), 1.0F)
                                  : old->second.to_f32();
    for_rows(value, slice, detail.group.channels, [&](std::size_t c, std::size_t first, std::size_t n) {
      if (!stays[c]) std::fill_n(mask.begin() + static_cast<std::ptrdiff_t>(first), n, 0.0F);
    });
    result.set_mask(slice.name, Tensor::f32(value.shape(), mask));
  }
  return result;
}

Graph compact(const Graph& graph) {
  Graph result = graph;
  const std::size_t groups = analyse_channels(graph).size();
  for (std::size_t g = 0; g < groups; ++g) {  // removal moves what lies behind on a shared axis, but no group
    const GroupDetail detail = analyse_channels(result)[g];
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
