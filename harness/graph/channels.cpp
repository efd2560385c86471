// Channel analysis: every value's channel axis belongs to a group; sums unite groups, unknown ops pin them.
#include "harness/graph/channels.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "harness/base/error.hpp"

namespace assay::graph {
namespace {

// Functions of single channels that map 0 to 0, so that a masked channel stays 0 behind them.
const std::set<std::string, std::less<>> channelwise = {
    "relu", "leaky_relu", "elu", "gelu", "gelu_tanh", "silu", "tanh", "hard_swish", "mish", "dropout",
    "max_pool2d", "avg_pool2d", "global_pool", "global_avg_pool"};
// Functions of single channels that do not: gates, which a masked channel is multiplied with.
const std::set<std::string, std::less<>> gates = {"sigmoid", "hard_sigmoid"};
const std::set<std::string, std::less<>> tying = {"add", "sub", "mul", "maximum", "minimum", "mean_of"};

struct Axis {
  int group = -1;
  std::int64_t columns = 1;
  bool lifted = false;  // a masked channel is not 0 here
};

// affine and clamp map 0 to 0 with some attributes only.
bool keeps_zero(const GraphNode& node) {
  if (node.op == "affine") return node.attrs.real("shift", 0) == 0;
  if (node.op == "clamp") return node.attrs.real("min", 0) <= 0 && node.attrs.real("max", 0) >= 0;
  return channelwise.count(node.op) != 0;
}

class Analysis {
 public:
  explicit Analysis(const Graph& graph) : graph_(graph), specs_(graph.shapes(1)) {
    for (const GraphNode& node : graph.nodes) {
      for (const std::string& in : node.inputs) ++reads_[in];
    }
    for (const GraphInput& in : graph.inputs) pin(fresh(in.name), "the channels of input '" + in.name + "'");
    for (const GraphNode& node : graph.nodes) visit(node);
    for (const auto& [name, value] : graph.outputs) {
      if (axes_.count(value)) pin(axes_[value].group, "reaches output '" + name + "'");
    }
  }

  std::vector<GroupDetail> result() {
    std::vector<GroupDetail> found;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      if (root(static_cast<int>(g)) != static_cast<int>(g) || groups_[g].group.producers.empty()) continue;
      found.push_back(groups_[g]);
    }
    return found;
  }

 private:
  int root(int g) const {
    while (parent_[static_cast<std::size_t>(g)] != g) g = parent_[static_cast<std::size_t>(g)];
    return g;
  }
  GroupDetail& detail(int g) { return groups_[static_cast<std::size_t>(root(g))]; }

  int fresh(const std::string& value) {
    const int id = static_cast<int>(groups_.size());
    groups_.emplace_back();
    parent_.push_back(id);
    const Shape& shape = specs_.at(value).shape;
    groups_.back().group.channels = shape.size() < 2 ? 0 : shape[1];
    axes_[value] = {id, 1};
    return id;
  }

  void pin(int g, const std::string& reason) {
    ChannelGroup& group = detail(g).group;
    if (group.removable) group.reason = reason;
    group.removable = false;
  }

  void unite(int a, int b) {
    a = root(a);
    b = root(b);
    if (a == b) return;
    if (b < a) std::swap(a, b);
    GroupDetail &into = groups_[static_cast<std::size_t>(a)], &from = groups_[static_cast<std::size_t>(b)];
    const auto append = [](auto& x, const auto& y) { x.insert(x.end(), y.begin(), y.end()); };
    append(into.group.producers, from.group.producers);
    append(into.group.consumers, from.group.consumers);
    append(into.group.parameters, from.group.parameters);
    append(into.readers, from.readers);
    append(into.buffers, from.buffers);
    append(into.prunable, from.prunable);
    append(into.depthwise, from.depthwise);
    if (!from.group.removable) pin(a, from.group.reason);
    parent_[static_cast<std::size_t>(b)] = a;
  }

  // A parameter with one entry a channel; pins when it is shared or computed.
  void attach(int g, const std::string& name, bool prunable) {
    if (graph_.buffers.count(name)) {
      detail(g).buffers.push_back(name);
    } else if (graph_.parameters.count(name)) {
      if (prunable) detail(g).group.parameters.push_back(name);
      detail(g).prunable.push_back(name);
    } else {
      pin(g, "'" + name + "' is computed");
    }
    if (reads_[name] > 1) pin(g, "'" + name + "' is used by several nodes");
  }

  bool is_depthwise(const GraphNode& node) const {
    const std::int64_t groups = node.attrs.integer("groups", 1);
    if (node.op != "conv2d" || groups == 1 || node.inputs.size() > 3) return false;
    const Shape &from = specs_.at(node.inputs[0]).shape, &to = specs_.at(node.outputs[0]).shape;
    return from[1] == groups && to[1] == groups;
  }

  void visit_depthwise(const GraphNode& node) {
    const Axis axis = axes_.at(node.inputs[0]);
    if (axis.lifted) pin(axis.group, "a gate is read by node '" + node.name + "'");
    detail(axis.group).depthwise.push_back(node.name);
    attach(axis.group, node.inputs[1], false);
    if (node.inputs.size() > 2) attach(axis.group, node.inputs[2], true);
    axes_[node.outputs[0]] = axis;
  }

  void visit_product(const GraphNode& node) {
    const Axis source = axes_.at(node.inputs[0]);
    if (source.lifted) pin(source.group, "a gate is read by node '" + node.name + "'");
    const int made = fresh(node.outputs[0]);
    detail(source.group).group.consumers.push_back(node.name);
    detail(source.group).readers.push_back({node.name, source.columns});
    detail(made).group.producers.push_back(node.name);
    attach(made, node.inputs[1], false);
    if (!graph_.parameters.count(node.inputs[1]) || reads_[node.inputs[1]] > 1) {
      pin(source.group, "the weights of node '" + node.name + "' are computed or shared");
    }
    if (node.inputs.size() > 2) attach(made, node.inputs[2], true);
    const bool plain = node.inputs.size() <= 3 && node.attrs.integer("groups", 1) == 1 &&
                       specs_.at(node.outputs[0]).shape.size() == (node.op == "conv2d" ? 4U : 2U);
    if (plain) return;
    pin(made, "node '" + node.name + "' is grouped, fused or not over [N, channels]");
    pin(source.group, "node '" + node.name + "' is grouped, fused or not over [N, channels]");
  }

  void visit_batch_norm(const GraphNode& node) {
    const Axis axis = axes_.at(node.inputs[0]);
    for (std::size_t i = 1; i < node.inputs.size(); ++i) attach(axis.group, node.inputs[i], true);
    if (axis.columns != 1) pin(axis.group, "batch norm behind a flatten");
    axes_[node.outputs[0]] = {axis.group, axis.columns, false};  // a masked channel's scale and shift are 0
  }

  void visit_tie(const GraphNode& node) {
    const Shape& made = specs_.at(node.outputs[0]).shape;
    const auto known = [&](const std::string& in) {  // broadcasting over the plane leaves channels what they are
      const Shape& shape = specs_.at(in).shape;
      return axes_.count(in) != 0 && shape.size() == made.size() && made.size() > 1 && shape[1] == made[1];
    };
    if (!std::all_of(node.inputs.begin(), node.inputs.end(), known)) return visit_unknown(node);
    Axis joint = axes_.at(node.inputs[0]);
    for (const std::string& in : node.inputs) {
      const Axis other = axes_.at(in);
      if (other.columns != joint.columns) return visit_unknown(node);
      unite(joint.group, other.group);
      joint.lifted = node.op == "mul" ? joint.lifted && other.lifted : joint.lifted || other.lifted;
    }
    axes_[node.outputs[0]] = joint;
  }

  void visit_unknown(const GraphNode& node) {
    for (const std::string& in : node.inputs) {
      if (axes_.count(in)) pin(axes_[in].group, "passes through node '" + node.name + "' (" + node.op + "), which removal does not follow");
    }
    for (const std::string& out : node.outputs) pin(fresh(out), "made by node '" + node.name + "' (" + node.op + ")");
  }

  void visit(const GraphNode& node) {
    const bool from_axis = !node.inputs.empty() && axes_.count(node.inputs[0]) != 0;
    if (!from_axis) return visit_unknown(node);
    if (is_depthwise(node)) return visit_depthwise(node);
    if (node.op == "conv2d" || node.op == "linear") return visit_product(node);
    if (node.op == "batch_norm") return visit_batch_norm(node);
    if (tying.count(node.op)) return visit_tie(node);
    if (keeps_zero(node) || gates.count(node.op)) {
      Axis axis = axes_.at(node.inputs[0]);
      axis.lifted = axis.lifted || gates.count(node.op) != 0;
      axes_[node.outputs[0]] = axis;
      return;
    }
    if (node.op != "flatten") return visit_unknown(node);
    Axis axis = axes_.at(node.inputs[0]);
    const Shape& from = specs_.at(node.inputs[0]).shape;
    for (std::size_t i = 2; i < from.size(); ++i) axis.columns *= from[i];
    axes_[node.outputs[0]] = axis;
  }

  const Graph& graph_;
  std::map<std::string, Spec> specs_;
  std::map<std::string, int> reads_;
  std::map<std::string, Axis> axes_;
  std::vector<GroupDetail> groups_;
  std::vector<int> parent_;
};

}  // namespace

std::vector<GroupDetail> analyse_channels(const Graph& graph) { return Analysis(graph).result(); }

Tensor select(const Tensor& tensor, std::size_t axis, const std::vector<std::int64_t>& kept, std::int64_t width) {
  Shape shape = tensor.shape();
  std::int64_t outer = 1, inner = width;
  for (std::size_t i = 0; i < axis; ++i) outer *= shape[i];
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  const std::int64_t extent = shape[axis] / width;
  const std::vector<float> from = tensor.to_f32();
  std::vector<float> to;
  to.reserve(static_cast<std::size_t>(outer * inner) * kept.size());
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const std::int64_t k : kept) {
      const auto begin = from.begin() + (o * extent + k) * inner;
      to.insert(to.end(), begin, begin + inner);
    }
  }
  shape[axis] = static_cast<std::int64_t>(kept.size()) * width;
  return Tensor::f32(shape, to);
}

}  // namespace assay::graph
