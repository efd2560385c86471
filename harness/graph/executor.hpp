// Executor: runs a graph on any number of rows. Caches one compiled plan per (mode, wants); the compute batch is fixed,
// the last batch is padded, so a row's numbers depend on nothing but the row (and its id, where the graph is random).
// Threading: one thread at a time; make one executor a thread (graphs are shared).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/graph/compiled.hpp"

namespace assay::graph {

struct ForwardOptions {
  Mode mode = Mode::eval;
  std::uint64_t seed = 0, draw = 0;                // for random nodes
  std::span<const std::uint64_t> sample_ids = {};  // one a row; needed when the graph is random in this mode
};

struct LossGrad {
  Tensor loss;    // [n]
  Tensor grad;    // like x: d sum(loss) / dx, so row i is the gradient of loss i
  Tensor logits;  // [n, classes]
};

struct Pulled {
  Tensor logits;              // [n, classes]
  std::vector<Tensor> grads;  // like x, one a cotangent
};

struct RecordedForward {
  std::vector<Tensor> values;                  // as asked, with history
  std::map<std::string, Tensor> parameters;    // the watched parameters, when asked for
  std::map<std::string, Tensor> statistics;    // mode train: buffer -> statistic of this batch, without history
};

class Executor {
 public:
  // Every plan is compiled in `precision`; with int8 those that give gradients simulate the integers in f32. The eager
  // path (forward_recorded) is f32 always.
  explicit Executor(std::shared_ptr<const Graph> graph, std::int64_t batch = 64, Precision precision = Precision::f32);
  ~Executor();
  const Graph& graph() const { return *graph_; }
  std::int64_t batch() const { return batch_; }

  // x: [n, ...] f32, n >= 1. One tensor per wanted output or tap, [n, ...], dense. Throws Error(bad_input) on shapes.
  std::vector<Tensor> forward(const Tensor& x, const std::vector<std::string>& wants = {"logits"},
                              const ForwardOptions& options = {});
  Tensor logits(const Tensor& x, const ForwardOptions& options = {}) { return forward(x, {"logits"}, options)[0]; }
  // Per-sample losses by name (losses.hpp) and their input gradients. y: i64 [n]; targets: i64 [n], for losses that need
  // a second class.
  LossGrad loss_and_input_grad(const std::string& loss, const Tensor& x, const Tensor& y, const ForwardOptions& options = {},
                               const Tensor& targets = {});
  // One pass forward, and for each cotangent (f32 [n, classes]) one back: grads[k] = d <logits, cotangents[k]> / dx.
  Pulled pull(const Tensor& x, const std::vector<Tensor>& cotangents, const ForwardOptions& options = {});
  // d <output, cotangent> / dx without history. cotangent: [n, ...] like the output.
  Tensor input_vjp(const std::string& output, const Tensor& x, const Tensor& cotangent, const ForwardOptions& options = {});
  // d (mean of the losses over all n rows) / d parameter, for every trainable parameter.
  std::map<std::string, Tensor> loss_and_param_grads(const std::string& loss, const Tensor& x, const Tensor& y,
                                                     const ForwardOptions& options = {});
  // Node by node on the eager tape: x may carry history, results do; any order of gradient. In eval
  // mode in padded pieces of a fixed number of rows; in train mode one batch of n, whose rows share batch statistics.
  RecordedForward forward_recorded(const Tensor& x, const std::vector<std::string>& wants = {"logits"},
                                   const ForwardOptions& options = {}, bool watch_parameters = false);
  // The same at other values of the parameters and buffers that are named, with history where they are watched.
  RecordedForward forward_recorded(const Tensor& x, const std::vector<std::string>& wants, const ForwardOptions& options,
                                   const std::map<std::string, Tensor>& values);

  // Cached; options.batch is set to batch(), or to a power of two from 32 where rows are independent and images large.
  CompiledPlan& plan(const CompileOptions& options);

 private:
  Precision precision_for(const CompileOptions& options) const;
  std::int64_t chunk(const CompileOptions& options) const;

  std::shared_ptr<const Graph> graph_;
  std::shared_ptr<const Graph> folded_;  // batch norm folded: what the eager path runs in eval mode
  std::int64_t batch_;
  Precision precision_;
  std::map<std::string, CompiledPlan> plans_;
};

// The same for one batch of any size and other values of some parameters and buffers (with history where they are watched).
RecordedForward record_forward(const Graph& graph, const Tensor& x, const std::vector<std::string>& wants,
                               const std::map<std::string, Tensor>& given, const ForwardOptions& options);

// Throws Error(bad_input) unless x holds at least one row of what the graph takes, with one sample id a row or none.
void check_rows(const Graph& graph, const Tensor& x, const ForwardOptions& options);

// One node on operands of any batch, in eval mode, without history. Throws Error(bad_input) as the op does.
std::vector<Tensor> evaluate_node(const GraphNode& node, std::span<const Tensor> operands);

// Rows of x in pieces of `batch`, the last one padded with copies of its first row; f gets (piece, first row, rows).
void for_padded_batches(const Tensor& x, std::int64_t batch,
                        const std::function<void(const Tensor& piece, std::int64_t first, std::int64_t rows)>& f);

}  // namespace assay::graph
