// Making a graph independent of the batch size.
#include "harness/graph/onnx/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "harness/base/error.hpp"

namespace assay::onnx {
namespace {

using engine::Attrs;
using engine::Shape;
using engine::Spec;
using engine::Tensor;
using graph::Graph;
using graph::GraphNode;

[[noreturn]] void depends(const std::string& what) {
  throw Error(Fault::unsupported, what + " depends on the batch size in a way that one graph for all sizes cannot say");
}

class Merge {
 public:
  Merge(const AtBatch& a, const AtBatch& b) : a_(a), b_(b), result_(a.graph) {}

  Graph run() {
    const auto batched = [](const graph::GraphInput& in) { return in.batched; };
    const auto reference = std::find_if(result_.inputs.begin(), result_.inputs.end(), batched);
    if (reference != result_.inputs.end()) reference_ = reference->name;
    if (a_.graph.nodes.size() != b_.graph.nodes.size()) depends("the number of nodes");
    for (std::size_t i = 0; i < result_.nodes.size(); ++i) merge_node(result_.nodes[i], b_.graph.nodes[i]);
    merge_tensors();
    check_shapes();
    return std::move(result_);
  }

 private:
  static std::string place(const GraphNode& node) { return fmt::format("node '{}' ({})", node.name, node.op); }

  void merge_node(GraphNode& node, const GraphNode& other) {
    if (node.op != other.op || node.inputs != other.inputs || node.outputs != other.outputs) depends(place(node));
    if (node.attrs == other.attrs) return;
    if (node.op != "reshape" && node.op != "expand") depends(fmt::format("{}, attributes {}", place(node), node.attrs.to_json().dump()));
    const Shape to = node.attrs.ints("shape", {}), there = other.attrs.ints("shape", {});
    if (to.size() != there.size()) depends(place(node));
    Shape merged = to;
    int differ = 0;
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (to[i] == there[i]) continue;
      ++differ;
      merged[i] = node.op == "reshape" ? -1 : -multiple(node, to[i], there[i]);
    }
    if (node.op == "reshape" && differ != 1) depends(place(node));
    node.attrs.set("shape", merged);
    if (node.op == "expand") {
      node.op = "expand_rows";
      node.inputs.push_back(reference_);
    }
  }

  // k where an extent is k times the batch.
  std::int64_t multiple(const GraphNode& node, std::int64_t in_a, std::int64_t in_b) const {
    if (in_a % a_.batch != 0 || in_a / a_.batch * b_.batch != in_b || reference_.empty()) depends(place(node));
    return in_a / a_.batch;
  }

  void merge_tensors() {
    std::vector<std::string> names;
    for (const auto& [name, parameter] : a_.graph.parameters) names.push_back(name);
    for (const auto& [name, buffer] : a_.graph.buffers) names.push_back(name);
    for (const std::string& name : names) {
      const Tensor &here = tensor_of(a_.graph, name), &there = tensor_of(b_.graph, name);
      if (here.spec() == there.spec() && same_bytes(here, there)) continue;
      keep_once(name, here, there);
    }
  }

  static const Tensor& tensor_of(const Graph& graph, const std::string& name) {
    if (const auto p = graph.parameters.find(name); p != graph.parameters.end()) return p->second.value;
    if (const auto b = graph.buffers.find(name); b != graph.buffers.end()) return b->second;
    depends("constant '" + name + "'");
  }

  static bool same_bytes(const Tensor& x, const Tensor& y) {
    return x.spec().bytes() == y.spec().bytes() && std::memcmp(x.raw(), y.raw(), x.spec().bytes()) == 0;
  }

  // A constant with the batch as one extent and equal values along it: one of them, expanded in the graph.
  void keep_once(const std::string& name, const Tensor& here, const Tensor& there) {
    const Shape &s = here.shape(), &t = there.shape();
    if (s.size() != t.size() || here.dtype() != there.dtype()) depends("constant '" + name + "'");
    std::size_t axis = s.size();
    for (std::size_t i = 0; i < s.size(); ++i) {
      if (s[i] == t[i]) continue;
      if (axis != s.size() || s[i] % a_.batch != 0 || s[i] / a_.batch * b_.batch != t[i]) depends("constant '" + name + "'");
      axis = i;
    }
    if (axis == s.size() || reference_.empty()) depends("constant '" + name + "'");
    const Tensor one = first_along(name, here, axis);
    if (!same_bytes(one, first_along(name, there, axis))) depends("constant '" + name + "'");
    Shape to = s;
    to[axis] = -(s[axis] / a_.batch);
    const std::string row = name + "/row";
    if (const auto p = result_.parameters.find(name); p != result_.parameters.end()) {
      result_.parameters[row] = {one, p->second.trainable};
      result_.parameters.erase(name);
    } else {
      result_.buffers.erase(name);
      result_.buffers[row] = one;
    }
    result_.nodes.insert(result_.nodes.begin(), GraphNode{name, "expand_rows", {{"shape", to}}, {row, reference_}, {name}});
  }

  static Tensor first_along(const std::string& name, const Tensor& tensor, std::size_t axis) {
    Shape shape = tensor.shape();
    std::size_t outer = 1, inner = engine::dtype_size(tensor.dtype());
    for (std::size_t i = 0; i < axis; ++i) outer *= static_cast<std::size_t>(shape[i]);
    for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= static_cast<std::size_t>(shape[i]);
    const auto extent = static_cast<std::size_t>(shape[axis]);
    shape[axis] = 1;
    std::vector<std::byte> bytes;
    for (std::size_t o = 0; o < outer; ++o) {
      const std::byte* from = tensor.raw() + o * extent * inner;
      for (std::size_t k = 1; k < extent; ++k) {
        if (std::memcmp(from, from + k * inner, inner) != 0) depends("constant '" + name + "'");
      }
      bytes.insert(bytes.end(), from, from + inner);
    }
    return Tensor::from_bytes({tensor.dtype(), shape}, bytes);
  }

  void check_shapes() const {
    for (const AtBatch* at : {&a_, &b_}) {
      const std::map<std::string, Spec> merged = result_.shapes(at->batch);
      for (const auto& [name, spec] : at->graph.shapes(at->batch)) {
        const auto it = merged.find(name);
        if (it == merged.end() || !(it->second == spec)) depends("value '" + name + "'");
      }
    }
  }

  AtBatch a_, b_;
  Graph result_;
  std::string reference_;  // a value whose first extent is the batch
};

}  // namespace

Graph merge_batches(const AtBatch& a, const AtBatch& b) { return Merge(a, b).run(); }

}  // namespace assay::onnx
