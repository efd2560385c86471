// Two graphs of one model, made at different batch sizes, as one graph for every batch size.
#pragma once

#include "harness/graph/graph.hpp"

namespace assay::onnx {

struct AtBatch {
  const graph::Graph& graph;
  std::int64_t batch;
};

// Both graphs have the same nodes; attributes and constants may differ where the batch size went into them. The extent
// of a reshape that differs becomes "what is left", an expansion over the batch becomes op expand_rows, a constant that
// is equal for all samples is kept once. The result has every shape of both graphs at their batch sizes.
// Throws Error(unsupported) naming the node where the batch size matters in another way.
graph::Graph merge_batches(const AtBatch& a, const AtBatch& b);

}  // namespace assay::onnx
