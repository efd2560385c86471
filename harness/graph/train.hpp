// Training by the host: the loop over a compiled plan that follows a Recipe.
// Deterministic within a numerics class: shuffles are keyed by (seed, epoch), augmentation, mixing and random starts of
// an adversary by (seed, sample id, epoch), dropout by (seed, node, sample id, step). A trainer that is restored between
// any two steps continues bit for bit. Masks hold after every step.
// Threading: a trainer belongs to one thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/graph/executor.hpp"
#include "harness/graph/recipe.hpp"

namespace assay::graph {

// In-memory training set; rows are samples. Exactly one of f32 (in [0, 1] or the model's range) and u8 (scaled by 1/255).
struct TrainData {
  Shape sample_shape;                   // [C, H, W] or [D]
  std::vector<float> f32;
  std::vector<std::uint8_t> u8;
  std::vector<std::int64_t> labels;
  std::vector<std::uint64_t> ids;
  std::int64_t size() const { return static_cast<std::int64_t>(labels.size()); }
  void validate(std::int64_t classes) const;  // throws Error(bad_input)
};

struct TrainProgress {
  std::int64_t epoch = 0, step = 0, steps_per_epoch = 0;  // step within the epoch, counted from 1
  double loss = 0;                      // mean of this batch
  double lr = 0;
};

// What an objective plugin sees of a batch, and gives back: dL/dlogits [N, K] and, for the record, the loss.
struct ObjectiveBatch {
  std::span<const std::uint64_t> ids;
  const Tensor& inputs;
  const Tensor& logits;
  const Tensor& labels;
  std::int64_t epoch, step;
};
struct ObjectiveResult {
  Tensor dlogits;
  double loss = 0;
};

// What an objective sees that needs more than logits: forward() runs the net in training mode on any inputs, as often
// as it likes, with history for the parameters; the result is the scalar loss, with history. Batch statistics of the
// first forward() of a step update the running ones.
struct EagerBatch {
  std::span<const std::uint64_t> ids;
  const Tensor& inputs;
  const Tensor& labels;
  std::int64_t epoch, step;
  std::function<std::vector<Tensor>(const Tensor& x, const std::vector<std::string>& wants)> forward;
};

struct TrainHooks {
  std::function<bool(const TrainProgress&)> progress;              // false cancels: Error(cancelled)
  std::function<ObjectiveResult(const ObjectiveBatch&)> objective;  // instead of recipe.loss
  std::function<Tensor(const EagerBatch&)> eager_objective;         // instead of both, slower: eager, any gradient
  std::function<void(std::int64_t epochs_done)> epoch_end;         // checkpoints, traces
};

// Passes made, in samples. One of the input's gradient costs about as much as a forward pass, one of all gradients twice.
struct PassCounts {
  double forward = 0, input_backward = 0, full_backward = 0;
  double forward_equivalents() const { return forward + input_backward + 2 * full_backward; }
};

class Trainer {
 public:
  // The data must outlive the trainer. `validation` is what early stopping and a plateau schedule watch; other recipes
  // do not read it. Throws Error(bad_input) when shapes or labels do not fit the graph, or when a list is missing.
  Trainer(Graph graph, const TrainData& data, const Recipe& recipe, std::uint64_t seed, const TrainData* validation = nullptr);
  ~Trainer();
  // Trains until recipe.epochs are done or early stopping ends it, from where it stands. An error within a step leaves
  // a trainer that refuses to go on; after Error(cancelled) by the progress hook it can.
  void run(const TrainHooks& hooks = {});
  void run_epoch(const TrainHooks& hooks = {});       // to the end of the epoch that it stands in
  bool finished() const;
  std::int64_t epochs_done() const;
  std::int64_t steps_done() const;                    // within the epoch
  std::vector<double> epoch_losses() const;           // mean training loss of each epoch done; of lbfgs one, with penalty
  std::vector<double> validation_losses() const;      // mean cross-entropy after each epoch, when the recipe watches it
  PassCounts passes() const;
  double forward_samples() const { return passes().forward; }
  double backward_samples() const { return passes().input_backward + passes().full_backward; }
  // The net that the recipe gives: the newest weights, or their average, or the best by validation loss.
  Graph graph() const;

  // State between two steps; may be called from the progress hook. restore() throws Error(bad_input) when it belongs to
  // another graph, recipe, seed or data.
  void save_checkpoint(const std::filesystem::path& file) const;
  void restore_checkpoint(const std::filesystem::path& file);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// Replaces the running statistics of all batch norm layers by the mean over the batches of `data`, without
// augmentation, in order (torch's update_bn; Izmailov et al., UAI 2018, section 3.2). Variances are unbiased. Rows that
// fill no batch are left out. `seed` keys dropout. Throws Error(bad_input) when the data do not fit.
void reestimate_batch_norm(Graph& graph, const TrainData& data, std::int64_t batch = 128, std::uint64_t seed = 0);

}  // namespace assay::graph
