// ONNX in and out: the interchange format of trained models (opsets 7 to 17; older files as far as their operators kept
// their form). An imported model is a graph like one of our own: it trains, is attacked, pruned, quantised and exported.
// Pure but for the files named; any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/graph/graph.hpp"
#include "harness/graph/onnx/proto.hpp"

namespace assay::onnx {

using graph::Graph;

struct ImportOptions {
  // true: the first axis of every input is the batch, fixed or free in the file, and is free in the graph.
  // false: the graph is the function as the file has it, all shapes fixed and no axis special.
  bool batched = true;
  std::map<std::string, std::int64_t> dims;  // extents of other free axes, by symbol or "input:axis"
  // Values of inputs. An input is specialised to its value only where an operator needs it to fix a shape or an
  // attribute (the target of Reshape, the k of TopK); everywhere else it stays an input. Also gives free axes extents.
  std::map<std::string, Tensor> values;
};

struct Imported {
  Graph graph;
  std::vector<std::string> specialised;  // inputs whose given value became part of the graph, sorted
  std::vector<std::string> notes;        // what was decided for the reader: an output left out, the choice of "logits"
};

// Names are kept: parameters carry their initializers' names, values and nodes those of the file.
// * f32 initializers become trainable parameters; batch norm statistics, quantisation scales and Constant nodes become
//   buffers, but a constant that is the weight of a convolution, matrix product, norm or recurrence is a parameter too.
// * What depends on shapes alone is computed now, at two batch sizes; the graph fits every batch.
// * Outputs keep their names. Output "logits" is the first f32 output [N, classes], taken before a final Softmax or
//   LogSoftmax; tap "features" is what the last matrix product on the way to it reads.
// Throws Error(bad_input) for a malformed model and Error(unsupported) for an operator that is not there, naming the
// file, the node, its operator and the opset, and the nearest operator that is.
Imported import_onnx(const std::filesystem::path& file, const ImportOptions& options = {});
Imported import_model(const OnnxModel& model, const ImportOptions& options = {});

std::vector<std::string> operators();  // that import knows, sorted

struct ExportOptions {
  std::int64_t opset = 17;           // 13 to 17
  std::string batch_symbol = "N";    // name of the free first axis
  std::vector<std::string> outputs;  // public names; empty: all, one name a value
};
// The graph in eval mode. Throws Error(unsupported) naming the node whose op ONNX cannot say.
OnnxModel export_model(const Graph& graph, const ExportOptions& options = {});
// The same as a file that has passed the format's checker. Throws Error(io) too.
void export_onnx(const Graph& graph, const std::filesystem::path& file, const ExportOptions& options = {});

}  // namespace assay::onnx
