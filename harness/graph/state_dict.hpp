// Weights in and out as plain safetensors, the form in which PyTorch state dicts travel. Structure stays ours: a file
// fills a graph that is there. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/graph/graph.hpp"
#include "harness/record/safetensors.hpp"

namespace assay::graph {

struct StateDictOptions {
  std::map<std::string, std::string> names;  // ours -> the file's, where no rule finds it
  // Also pair what is left by order: the file's layers in natural order of their names with ours in the order of use, each
  // among layers whose tensors have equal kinds (weight, bias, running_mean, ...) and shapes. For files whose layers are
  // numbered as they run.
  bool by_order = false;
};

struct Filled {
  Graph graph;
  std::map<std::string, std::string> mapping;  // ours -> the file's
  std::vector<std::string> ignored;            // of the file: counters that inference does not read
};

// Every parameter and buffer gets the tensor of the file with its name, of equal shape: first by `names`, then by equal
// name (a prefix that all names of the file share, as "module.", is left out; PyTorch's running_mean is our mean), then by
// order if asked. Masks are applied.
// Throws Error(bad_input) listing what is left on either side, with shapes and nearest names.
Filled fill_from_state_dict(const Graph& graph, const Container& file, const StateDictOptions& options = {});
// Parameters and buffers under their own names.
Container state_dict(const Graph& graph);

}  // namespace assay::graph
