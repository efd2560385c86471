// Graph: the model IR. A flat, ordered list of nodes over named values, ONNX-like, plus named parameters, buffers,
// masks, taps and outputs. Value type: a copy is cheap (tensors are shared) and independent.
// Invariants (checked by validate()): a name is defined once and before its use, so the node order is a topological
// order; a masked weight is exactly 0; shapes fit for any batch. Outputs and taps have the batch as their first axis,
// unless no input is batched: then the graph is a plain function of its inputs.
// Nodes are registry ops, or one of the graph ops that depend on the mode (modes.hpp says what they do when):
//   batch_norm  x, gamma, beta, running mean, running var -> y        attributes eps (1e-5), momentum (0.1)
//   dropout     x -> y    attributes p, key (default: node name), draw (0), always (0; 1: random in eval mode too), seed
//   drop_path   x -> y, stochastic depth: every sample's whole x dropped or kept; attributes as dropout's
//   mean_of     x1 ... xk -> elementwise mean
//   log_mean_exp x1 ... xk -> log(mean(exp(xi))), elementwise and stable (an ensemble's mean of log probabilities)
//   flatten     x -> [N, everything else]
//   global_pool x [N, C, H, W] -> [N, C], the spatial mean
//   expand_rows x, reference [N, ...] -> x broadcast to attribute shape, whose extent -k means k * N
// Threading: const access from any thread; edits by one thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/engine/ops/op.hpp"

namespace assay::graph {

using engine::Attrs;
using engine::Shape;
using engine::Spec;
using engine::Tensor;

struct GraphNode {
  std::string name, op;
  Attrs attrs;
  std::vector<std::string> inputs, outputs;  // value names: graph inputs, parameters, buffers or node outputs
};

bool is_random(const GraphNode& node);  // dropout or drop_path

struct GraphInput {
  std::string name;
  Spec spec;            // of one sample, without the batch axis; of the whole value when not batched
  bool batched = true;  // an input that is not has one value for all samples (a table, a scale) and any rank
  Spec at(std::int64_t batch) const;  // as the graph sees it
};

struct Parameter {
  Tensor value;  // dense f32
  bool trainable = true;
};

class Graph {
 public:
  std::vector<GraphInput> inputs;
  std::vector<GraphNode> nodes;                // in execution order
  std::map<std::string, Parameter> parameters;
  std::map<std::string, Tensor> buffers;       // running statistics, normalisation constants: state without gradient
  std::map<std::string, Tensor> masks;         // parameter name -> 0/1 tensor of its shape; change through set_mask
  std::map<std::string, std::string> taps;     // public name -> value name; "features" is the penultimate layer
  std::map<std::string, std::string> outputs;  // entry points: public name -> value name; "logits" is the default
  Json metadata;                               // arch, params, classes, input range; free for more

  const GraphNode* find_node(std::string_view name) const;  // nullptr when absent
  GraphNode* find_node(std::string_view name);
  const GraphNode& node(std::string_view name) const;       // throws Error(bad_input) with the nearest name
  const GraphNode* producer(std::string_view value) const;  // the node that makes `value`; nullptr: input, parameter ...
  std::vector<const GraphNode*> consumers(std::string_view value) const;
  // The value behind an output, a tap or a value name, in that order. Throws Error(bad_input) with the nearest name.
  const std::string& resolve(std::string_view output_or_tap) const;

  // Appends a node with one output named like the node, gives that name.
  std::string add(std::string name, std::string op, std::vector<std::string> operands, Attrs attrs = {});

  // Sets a parameter's value (same shape, dense f32); its mask is applied. Throws Error(bad_input).
  void set_parameter(const std::string& name, const Tensor& value);
  // Sets the mask (0/1 of the parameter's shape, any dtype convertible to f32) and zeroes the masked weights.
  // An undefined tensor removes the mask.
  void set_mask(const std::string& name, const Tensor& mask);

  // Appends a copy of `other`, every name prefixed. `feeds` maps other's input names to values of this graph;
  // `shared`: parameters and buffers are taken from the names given there instead of copied. Gives other's outputs
  // and taps under their new value names: {"logits": "<prefix>fc", "tap:features": ...}.
  std::map<std::string, std::string> inline_graph(const std::string& prefix, const Graph& other,
                                                  const std::map<std::string, std::string>& feeds,
                                                  const std::map<std::string, std::string>& shared = {});

  // Throws Error(bad_input): unknown op, missing or doubly defined value, cycle or wrong order, shape mismatch, mask
  // violated, tap or output without value. The message names the node.
  void validate() const;
  // Shape of every value for a batch; throws as validate() does.
  std::map<std::string, Spec> shapes(std::int64_t batch) const;
  bool batched() const;          // has a batched input: outputs have one row a sample
  std::int64_t classes() const;  // last axis of "logits"
  bool stochastic() const;       // has a dropout or drop_path with always = 1: predictions need sample ids

  std::string to_text() const;   // for people: a line an input, node (shape, costs, attributes), parameter, output and tap
  Json to_json() const;          // structure without arrays
  static Graph from_json(const Json& json);  // parameters and buffers are present but undefined; not validated
};

// Deterministic bytes: equal graphs give equal files. Throws Error(io).
void save_model(const Graph& graph, const std::filesystem::path& file);
// Throws Error(bad_input) naming the file and what is wrong; the result is validated.
Graph load_model(const std::filesystem::path& file);

std::string weight_digest(const Graph& graph);     // sha256 over names, shapes and bytes of parameters and buffers
std::string structure_digest(const Graph& graph);  // sha256 over to_json()

// Cost of one sample. MACs as the field counts them: convolutions and matrix products.
struct NodeCost {
  std::string node, op;
  Shape output;            // of one sample
  double macs = 0, bytes = 0;
  std::int64_t params = 0;  // elements of the parameters this node reads first
};
std::vector<NodeCost> cost_table(const Graph& graph);
double macs(const Graph& graph);
// Multiply-adds when zero weights cost nothing (theoretical speed-up of unstructured pruning, rule 35).
double nonzero_macs(const Graph& graph);
std::int64_t param_count(const Graph& graph);          // trainable and frozen parameters, not buffers
std::int64_t nonzero_param_count(const Graph& graph);

// Combination graphs: what an ensemble role returns, run by the host without the plugin.
// Output "logits" is log(mean softmax(member logits)); members must agree on input shape and classes. Output
// "member:<i>" gives a member's own logits.
Graph mean_ensemble(const std::vector<Graph>& members);
// `draws` stochastic passes over one parameter set (Gal & Ghahramani, ICML 2016): the dropout nodes are active and
// keyed by (seed, node name, sample id, draw). Output "logits" as above. Throws when the graph has no dropout.
Graph mc_dropout(const Graph& graph, int draws, std::uint64_t seed);

}  // namespace assay::graph
