// compile(): graph -> CompiledPlan, a fixed sequence of kernels over one arena. A plan owns its kernels, arena,
// scratchpad and reordered weights; in a steady step it creates no primitive and allocates no tensor memory.
// Bits: a sample's outputs in eval mode do not depend on its batch neighbours. Threading: one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/graph/graph.hpp"

namespace assay::graph {

enum class Mode {
  eval,        // running statistics, dropout off (but for nodes with always = 1)
  train,       // batch statistics, dropout on
  stochastic,  // running statistics, dropout on
};

// How products are computed. bf16: activations and weights stored as BF16, f32 sums; norms, losses, reductions and the
// gradients of weights in f32 (storage.hpp). int8: products between fake_quantize nodes on integers (integers.hpp,
// quantize.hpp), for inference only. Inputs and outputs stay F32 always.
enum class Precision { f32, bf16, int8 };
Precision precision_from(const std::string& name);  // by the names above; throws Error(bad_input) with the nearest name
const char* precision_name(Precision precision);
// Empty, or why this machine cannot compile plans of that precision: for those who plan before they run. [any-thread]
std::string unsupported_reason(Precision precision);

struct CompileOptions {
  std::int64_t batch = 64;
  Mode mode = Mode::eval;
  std::vector<std::string> outputs = {"logits"};  // outputs, taps or value names
  std::string loss;                // by name (losses.hpp): needs the run input "labels", some also "targets"; output "loss" [N]
  double label_smoothing = 0;      // of loss "cross-entropy"
  bool mean_loss = false;          // differentiate the mean over the batch instead of the sum
  std::string cotangent_of;        // instead of a loss: d <this output, run input "cotangent">; run in two phases
  bool repeat_backward = false;    // phase 1 may run again after one phase 0, with other cotangents; costs memory
  bool input_grad = false;         // output "grad:<input name>"
  bool param_grads = false;        // outputs "grad:<parameter>" of every trainable parameter
  bool live_parameters = false;    // parameters are read at every run from bind(); implied by mode train, param_grads
  bool optimize = true;            // fold batch norm, fuse, share; off in tests that compare
  Precision precision = Precision::f32;  // without kernels for it: compile() throws Error(unsupported)
};

// What random nodes are keyed by. Ids: one a row of the batch.
struct RandomKeys {
  std::uint64_t seed = 0, draw = 0;
  std::span<const std::uint64_t> sample_ids;
};

class CompiledPlan {
 public:
  ~CompiledPlan();
  CompiledPlan(CompiledPlan&&) noexcept;
  std::int64_t batch() const;
  const std::vector<std::string>& output_names() const;  // order of run()'s results
  int output_index(const std::string& name) const;       // throws Error(internal)
  bool needs_ids() const;                                // has active random nodes

  // `inputs` by name: the graph's inputs, "labels" and "targets" (i64 [N]), "cotangent". Dense, exactly the plan's batch.
  // The tensors that come back are dense and shared with nobody: memory that the caller still holds is never reused.
  // Throws Error(bad_input) for a missing input or a wrong spec.
  const std::vector<Tensor>& run(const std::map<std::string, Tensor>& inputs, const RandomKeys& keys = {});
  // Phase 0 computes every output that does not depend on "cotangent"; phase 1 the rest.
  const std::vector<Tensor>& run_phase(int phase, const std::map<std::string, Tensor>& inputs, const RandomKeys& keys = {});

  // Live parameters: dense f32 memory that must outlive the plan's runs. Without bind() the graph's own values.
  void bind(const std::string& parameter, const float* values);
  bool reads(const std::string& parameter) const;  // is it a live parameter of this plan

  std::size_t arena_bytes() const;
  std::size_t kernel_count() const;
  std::string to_text() const;      // kernels with shapes, layouts' reorders and offsets
  // One kernel in the order of execution, summed over the runs since profile(true); CPU time, wall with several threads.
  struct Timing {
    std::string what;          // op and result
    std::string kernel;        // the library's implementation; "" for own loops
    double seconds = 0;
    double macs = 0, bytes = 0;  // of one call
    std::uint64_t calls = 0;
    bool reorder = false;
    double last_start = 0, last_seconds = 0;  // of the last call; start on the clock of profile(true)
  };
  void profile(bool on);            // adds clock reads around kernels; forgets what was summed
  std::vector<Timing> timings() const;

 private:
  friend CompiledPlan compile(const Graph&, const CompileOptions&);
  struct Impl;
  explicit CompiledPlan(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

CompiledPlan compile(const Graph& graph, const CompileOptions& options);

}  // namespace assay::graph
