// Channel analysis: every value's channel axis is made of segments, each of one group; sums unite groups, concatenation
// puts segments behind one another, reshapes and transposes move them, unknown ops pin them.
#include "harness/graph/channels.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "harness/base/error.hpp"

namespace assay::graph {
namespace {

// Functions of single elements that map 0 to 0, so that a masked channel stays 0 behind them.
const std::set<std::string, std::less<>> elementwise = {"relu", "leaky_relu", "elu",        "gelu", "gelu_tanh",
                                                        "silu", "tanh",       "hard_swish", "mish", "dropout", "drop_path"};
// The same of planes [N, C, H, W].
const std::set<std::string, std::less<>> planewise = {"max_pool2d", "avg_pool2d", "global_pool", "global_avg_pool"};
// Functions of single channels that do not: gates, which a masked channel is multiplied with.
const std::set<std::string, std::less<>> gates = {"sigmoid", "hard_sigmoid"};
const std::set<std::string, std::less<>> tying = {"add", "sub", "mul", "maximum", "minimum", "mean_of"};

struct Segment {
  int group = -1;
  std::int64_t channels = 0, columns = 1;  // consecutive entries a channel
  bool lifted = false;                     // a masked channel is not 0 here
};
struct Axis {
  std::size_t at = 1;  // of the value's axes
  std::vector<Segment> segments;
};

bool alike(const Axis& a, const Axis& b) {
  const auto same = [](const Segment& x, const Segment& y) { return x.channels == y.channels && x.columns == y.columns; };
  return a.at == b.at && std::equal(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(), same);
}

// The axis of `to` that axis `at` of `from` becomes when elements keep their row-major order, and how many entries there
// one entry was; nothing when it is split, joined with an axis before it, or not there (an input of one number a row).
struct Moved {
  std::size_t at;
  std::int64_t columns;
};
std::optional<Moved> moved_axis(const Shape& from, std::size_t at, const Shape& to) {
  if (at >= from.size()) return {};
  const auto product = [](const Shape& s, std::size_t first, std::size_t last) {
    std::int64_t n = 1;
    for (std::size_t i = first; i < last; ++i) n *= s[i];
    return n;
  };
  for (std::size_t i = 1; i < to.size(); ++i) {
    if (product(to, 0, i) != product(from, 0, at) || from[at] == 0 || to[i] % from[at] != 0) continue;
    return Moved{i, to[i] / from[at]};
  }
  return {};
}

// affine and clamp map 0 to 0 with some attributes only.
bool keeps_zero(const GraphNode& node) {
  if (node.op == "affine") return node.attrs.real("shift", 0) == 0;
  if (node.op == "clamp") return node.attrs.real("min", 0) <= 0 && node.attrs.real("max", 0) >= 0;
  return elementwise.count(node.op) != 0;
}

class Analysis {
 public:
  explicit Analysis(const Graph& graph) : graph_(graph), specs_(graph.shapes(1)) {
    for (const GraphNode& node : graph.nodes) {
      for (const std::string& in : node.inputs) ++reads_[in];
    }
    for (const GraphInput& in : graph.inputs) pin(fresh(in.name, 1), "the channels of input '" + in.name + "'");
    for (const GraphNode& node : graph.nodes) visit(node);
    for (const auto& [name, value] : graph.outputs) pin_all(value, "reaches output '" + name + "'");
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

  int fresh(const std::string& value, std::size_t at) {
    const int id = static_cast<int>(groups_.size());
    groups_.emplace_back();
    parent_.push_back(id);
    const Shape& shape = specs_.at(value).shape;
    const std::int64_t channels = shape.size() <= at ? 0 : shape[at];
    groups_.back().group.channels = channels;
    axes_[value] = {at, {{id, channels}}};
    return id;
  }

  void pin(int g, const std::string& reason) {
    ChannelGroup& group = detail(g).group;
    if (group.removable) group.reason = reason;
    group.removable = false;
  }

  void pin_all(const std::string& value, const std::string& reason) {
    const auto axis = axes_.find(value);
    if (axis == axes_.end()) return;
    for (const Segment& s : axis->second.segments) pin(s.group, reason);
  }

  // Calls body(segment, its offset on the axis).
  template <class Body>
  static void for_segments(const Axis& axis, const Body& body) {
    std::int64_t offset = 0;
    for (const Segment& s : axis.segments) {
      body(s, offset);
      offset += s.channels * s.columns;
    }
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
    append(into.extents, from.extents);
    if (!from.group.removable) pin(a, from.group.reason);
    parent_[static_cast<std::size_t>(b)] = a;
  }

  // A parameter with one entry a channel; pins when it is shared or computed.
  void attach(const Segment& s, const Slice& slice, bool prunable) {
    const std::string& name = slice.name;
    const auto parameter = graph_.parameters.find(name);
    if (graph_.buffers.count(name)) {
      detail(s.group).buffers.push_back(slice);
    } else if (parameter != graph_.parameters.end()) {
      const bool whole = parameter->second.value.shape()[0] == s.channels;
      if (prunable && whole) detail(s.group).group.parameters.push_back(name);
      detail(s.group).prunable.push_back(slice);
    } else {
      pin(s.group, "'" + name + "' is computed");
    }
    if (reads_[name] > 1) pin(s.group, "'" + name + "' is used by several nodes");
  }

  bool is_depthwise(const GraphNode& node) const {
    const std::int64_t groups = node.attrs.integer("groups", 1);
    if (node.op != "conv2d" || groups == 1 || node.inputs.size() > 3) return false;
    const Shape &from = specs_.at(node.inputs[0]).shape, &to = specs_.at(node.outputs[0]).shape;
    return from[1] == groups && to[1] == groups;
  }

  void visit_depthwise(const GraphNode& node) {
    const Axis axis = axes_.at(node.inputs[0]);
    for_segments(axis, [&](const Segment& s, std::int64_t offset) {
      if (s.lifted) pin(s.group, "a gate is read by node '" + node.name + "'");
      if (s.columns != 1) pin(s.group, "node '" + node.name + "' reads a reshaped plane");
      detail(s.group).depthwise.push_back(node.name);
      for (std::size_t i = 1; i < node.inputs.size(); ++i) attach(s, {node.inputs[i], offset}, i == 2);
    });
    axes_[node.outputs[0]] = axis;
  }

  void read(const GraphNode& node, const Segment& s, std::int64_t offset) {
    if (s.lifted) pin(s.group, "a gate is read by node '" + node.name + "'");
    GroupDetail& from = detail(s.group);
    if (from.group.consumers.empty() || from.group.consumers.back() != node.name) from.group.consumers.push_back(node.name);
    from.readers.push_back({node.name, offset, s.columns});
    if (!graph_.parameters.count(node.inputs[1]) || reads_[node.inputs[1]] > 1) {
      pin(s.group, "the weights of node '" + node.name + "' are computed or shared");
    }
  }

  // conv2d reads and makes axis 1, linear the last one.
  void visit_product(const GraphNode& node) {
    const Axis source = axes_.at(node.inputs[0]);
    const std::size_t rank = specs_.at(node.outputs[0]).shape.size(), at = node.op == "conv2d" ? 1 : rank - 1;
    for_segments(source, [&](const Segment& s, std::int64_t offset) { read(node, s, offset); });
    const int made = fresh(node.outputs[0], at);
    detail(made).group.producers.push_back(node.name);
    const Segment own = axes_.at(node.outputs[0]).segments[0];
    attach(own, {node.inputs[1]}, false);
    if (node.inputs.size() > 2) attach(own, {node.inputs[2]}, true);
    if (source.at != at) pin_all(node.inputs[0], "node '" + node.name + "' reads another axis");
    if (node.inputs.size() <= 3 && node.attrs.integer("groups", 1) == 1) return;
    pin(made, "node '" + node.name + "' is grouped or fused");
    pin_all(node.inputs[0], "node '" + node.name + "' is grouped or fused");
  }

  void visit_batch_norm(const GraphNode& node) {
    Axis axis = axes_.at(node.inputs[0]);
    if (axis.at != 1) return visit_unknown(node);
    for_segments(axis, [&](const Segment& s, std::int64_t offset) {
      for (std::size_t i = 1; i < node.inputs.size(); ++i) attach(s, {node.inputs[i], offset}, true);
      if (s.columns != 1) pin(s.group, "batch norm behind a flatten");
    });
    for (Segment& s : axis.segments) s.lifted = false;  // a masked channel's scale and shift are 0
    axes_[node.outputs[0]] = axis;
  }

  // Operands whose channels are one and the same.
  void visit_tie(const GraphNode& node) {
    const Shape& made = specs_.at(node.outputs[0]).shape;
    const auto known = [&](const std::string& in) {  // broadcasting over the plane leaves channels what they are
      const Shape& shape = specs_.at(in).shape;
      const auto axis = axes_.find(in);
      if (axis == axes_.end() || shape.size() != made.size() || axis->second.at >= made.size()) return false;
      return shape[axis->second.at] == made[axis->second.at] && alike(axis->second, axes_.at(node.inputs[0]));
    };
    if (!std::all_of(node.inputs.begin(), node.inputs.end(), known)) return visit_unknown(node);
    Axis joint = axes_.at(node.inputs[0]);
    for (const std::string& in : node.inputs) {
      for (std::size_t k = 0; k < joint.segments.size(); ++k) {
        Segment& s = joint.segments[k];
        const Segment& other = axes_.at(in).segments[k];
        unite(s.group, other.group);
        s.lifted = node.op == "mul" ? s.lifted && other.lifted : s.lifted || other.lifted;
      }
    }
    axes_[node.outputs[0]] = joint;
  }

  void visit_concat(const GraphNode& node) {
    const auto rank = static_cast<std::int64_t>(specs_.at(node.outputs[0]).shape.size());
    const std::int64_t named = node.attrs.integer("axis", 0);
    const auto along = static_cast<std::size_t>(named < 0 ? named + rank : named);
    const auto followed = [&](const std::string& in) { return axes_.count(in) != 0; };
    if (!std::all_of(node.inputs.begin(), node.inputs.end(), followed)) return visit_unknown(node);
    Axis joint{axes_.at(node.inputs[0]).at, {}};
    if (along != joint.at) return visit_tie(node);
    for (const std::string& in : node.inputs) {
      const Axis& part = axes_.at(in);
      if (part.at != along) return visit_unknown(node);
      joint.segments.insert(joint.segments.end(), part.segments.begin(), part.segments.end());
    }
    axes_[node.outputs[0]] = joint;
  }

  void visit_reshape(const GraphNode& node) {
    Axis axis = axes_.at(node.inputs[0]);
    const auto moved = moved_axis(specs_.at(node.inputs[0]).shape, axis.at, specs_.at(node.outputs[0]).shape);
    if (!moved) return visit_unknown(node);
    axis.at = moved->at;
    for (Segment& s : axis.segments) {
      s.columns *= moved->columns;
      if (node.op == "reshape") detail(s.group).extents.push_back({node.name, static_cast<std::int64_t>(moved->at), s.columns});
    }
    axes_[node.outputs[0]] = axis;
  }

  void visit_transpose(const GraphNode& node) {
    Axis axis = axes_.at(node.inputs[0]);
    const Shape perm = node.attrs.ints("perm", {});
    const auto found = std::find(perm.begin(), perm.end(), static_cast<std::int64_t>(axis.at));
    if (found == perm.end()) return visit_unknown(node);
    axis.at = static_cast<std::size_t>(found - perm.begin());
    axes_[node.outputs[0]] = axis;
  }

  void visit_unknown(const GraphNode& node) {
    for (const std::string& in : node.inputs) {
      pin_all(in, "passes through node '" + node.name + "' (" + node.op + "), which removal does not follow");
    }
    for (const std::string& out : node.outputs) pin(fresh(out, 1), "made by node '" + node.name + "' (" + node.op + ")");
  }

  void visit(const GraphNode& node) {
    const bool from_axis = !node.inputs.empty() && axes_.count(node.inputs[0]) != 0;
    if (!from_axis) return visit_unknown(node);
    if (is_depthwise(node)) return visit_depthwise(node);
    if (node.op == "conv2d" || node.op == "linear") return visit_product(node);
    if (node.op == "batch_norm") return visit_batch_norm(node);
    if (node.op == "concat") return visit_concat(node);
    if (node.op == "flatten" || node.op == "reshape") return visit_reshape(node);
    if (node.op == "transpose") return visit_transpose(node);
    if (tying.count(node.op)) return visit_tie(node);
    visit_single(node);
  }

  void visit_single(const GraphNode& node) {
    Axis axis = axes_.at(node.inputs[0]);
    const bool plane = planewise.count(node.op) != 0, gate = gates.count(node.op) != 0;
    if (plane ? axis.at != 1 : !keeps_zero(node) && !gate) return visit_unknown(node);
    for (Segment& s : axis.segments) s.lifted = s.lifted || gate;
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

Tensor select(const Tensor& tensor, std::size_t axis, const Slice& slice, std::int64_t channels,
              const std::vector<std::int64_t>& kept) {
  Shape shape = tensor.shape();
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= shape[i];
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  const std::int64_t extent = shape[axis], end = slice.offset + channels * slice.columns;
  const std::vector<float> from = tensor.to_f32();
  std::vector<float> to;
  to.reserve(from.size());
  for (std::int64_t o = 0; o < outer; ++o) {
    const auto take = [&](std::int64_t first, std::int64_t entries) {
      const auto begin = from.begin() + (o * extent + first) * inner;
      to.insert(to.end(), begin, begin + entries * inner);
    };
    take(0, slice.offset);
    for (const std::int64_t k : kept) take(slice.offset + k * slice.columns, slice.columns);
    take(end, extent - end);
  }
  shape[axis] = extent - (channels - static_cast<std::int64_t>(kept.size())) * slice.columns;
  return Tensor::f32(shape, to);
}

}  // namespace assay::graph
