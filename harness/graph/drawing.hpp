// A picture of a graph: one box a node with its op, name, output shape, parameters and MACs, in layers from the inputs
// at the top to the outputs at the bottom. Deterministic: equal graphs give equal text. Pure; any thread.
#pragma once

#include <string>

#include "harness/graph/graph.hpp"

namespace assay::graph {

// SVG 1.1, self-contained (no fonts or scripts from elsewhere). The layout is that of Sugiyama, Tagawa & Toda (1981):
// longest-path layers, bends where an edge spans layers, barycentre order, neighbours pulled together.
// Throws Error(bad_input) when the graph is not valid.
std::string to_svg(const Graph& graph, const std::string& title = "");

}  // namespace assay::graph
