// Lowering: what each node means in a mode, written once against the Emitter, so that eager and compiled runs agree.
// Batch norm: train uses batch statistics (biased variance) and reports them; eval and stochastic use the running ones.
// Dropout: x * keep / (1 - p), an entry of keep an element, drawn by fill_dropout(). Drop path (stochastic depth, Huang et
// al., ECCV 2016): the same with one entry a sample. One thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/engine/ops/emit.hpp"
#include "harness/graph/compiled.hpp"

namespace assay::graph {

// An active dropout or drop_path node: what the caller must supply.
struct RandomNode {
  std::string key;           // node name or attribute "key"
  double p = 0;
  std::uint64_t draw = 0;    // added to the run's draw
  bool fixed_seed = false;   // the graph fixes the seed (attribute "seed", always = 1)
  std::uint64_t seed = 0;
};

struct LowerContext {
  Mode mode = Mode::eval;
  std::map<std::string, engine::Value> values;                     // inputs, parameters, buffers by name, then all
  std::function<engine::Value(const RandomNode&, const engine::Spec&)> random;  // gives the scaled keep mask
  std::map<std::string, engine::Value> statistics;                 // out: buffer name -> batch statistic (mode train)
};

// Emits every node that the wanted values need; fills context.values.
void lower(const Graph& graph, const std::vector<std::string>& wanted_values, LowerContext& context);
// Output specs of a node that is not a registry op, or of one that is. Throws Error(bad_input).
std::vector<Spec> infer_node(const GraphNode& node, const std::vector<Spec>& in);
bool is_graph_op(std::string_view op);
std::vector<std::string> known_ops();  // registry and graph ops, for suggestions

// Fills rows of 0 or 1/(1-p): element j of the row with id s is a pure function of (seed, key, s, draw, j).
void fill_dropout(const RandomNode& node, const RandomKeys& keys, std::int64_t row_elements, std::span<float> out);

}  // namespace assay::graph
