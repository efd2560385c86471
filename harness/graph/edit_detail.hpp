// What the compiler uses of the graph edits. Private to this folder.
#pragma once

#include "harness/graph/graph.hpp"

namespace assay::graph {

// Folds where no value in `kept_values` would disappear; taps and outputs may dangle. Not validated.
Graph fold_batch_norm(const Graph& graph, const std::vector<std::string>& kept_values);

}  // namespace assay::graph
