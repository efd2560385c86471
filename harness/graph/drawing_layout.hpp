// Layered layout of a directed acyclic graph. Private to the drawing.
#pragma once

#include <cstddef>
#include <vector>

namespace assay::graph {

struct Box {
  double width = 0, height = 0;  // in
  double x = 0, y = 0;           // out: the centre
  std::size_t layer = 0;         // out
};

// A vertical piece beside the boxes of one layer.
struct Bend {
  double x = 0, top = 0, bottom = 0;
};

struct Edge {
  std::size_t from = 0, to = 0;   // boxes
  std::vector<Bend> bends;        // out: where it passes the layers between
};

struct Picture {
  std::vector<Box> boxes;
  std::vector<Edge> edges;
  double width = 0, height = 0;  // out
};

// Boxes in topological order (edges go from lower to higher index). Fills in positions and bends.
void lay_out(Picture& layout);

}  // namespace assay::graph
