// Post-training quantization of a graph: fake_quantize nodes with calibrated scales. The result runs anywhere in f32 as
// a simulation, can be trained further through straight-through gradients, and compiles to integer kernels with
// Precision::int8. Pure; any thread.
#pragma once

#include <string>

#include "harness/graph/graph.hpp"

namespace assay::graph {

struct QuantizeOptions {
  // Range of activations: "minmax": everything seen; "percentile": the given percentile of the magnitudes (outliers are
  // clipped for finer steps).
  std::string calibration = "percentile";
  double percentile = 99.99;       // (50, 100]
  std::int64_t batch = 64;         // compute batch
};

// Batch norm is folded first. Then every x of a conv2d or linear and every addend that stands beside the result of one is
// quantized with one scale: unsigned (0 .. 255) when calibration saw nothing negative, else signed (-128 .. 127); the
// weights in -127 .. 127 with a scale an output channel. Biases stay f32 (they enter the s32 sums). Scales are buffers
// "<value>.scale", the nodes "<value>.quantized". Convolutions whose weights are not parameters are left alone.
// `calibration`: [n, ...] f32, n >= 1, inputs as the model takes them, from training data. Throws Error(bad_input).
Graph quantize_graph(const Graph& graph, const Tensor& calibration, const QuantizeOptions& options = {});

}  // namespace assay::graph
