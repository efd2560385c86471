// Training by the host: Recipe (what a suite declares, part of the protocol) and Trainer (the loop over a compiled plan).
// Deterministic within a numerics class: shuffles are keyed by (seed, epoch), augmentation by (seed, sample id, epoch),
// dropout by (seed, node, sample id, step). A restored trainer continues bit for bit. Masks hold after every step.
// Threading: a trainer belongs to one thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/graph/executor.hpp"

namespace assay::graph {

struct Recipe {
  std::int64_t epochs = 5, batch = 128;
  std::string optimizer = "sgd";        // sgd | adamw
  double lr = 0.1;                      // peak
  double momentum = 0.9;                // sgd
  bool nesterov = true;                 // sgd
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  // adamw
  double weight_decay = 5e-4;           // coupled (L2) for sgd, decoupled for adamw
  bool decay_bias_and_norm = false;     // false: only parameters of two or more axes decay
  std::string schedule = "cosine";      // cosine | step | constant
  std::vector<std::int64_t> milestones; // step: epochs after which lr is multiplied by gamma
  double gamma = 0.1;
  double warmup = 0;                    // epochs of linear warm-up, may be a fraction
  double label_smoothing = 0;           // [0, 1)
  bool flip = false;                    // random horizontal flip
  std::int64_t crop = 0;                // random crop after zero padding by this many pixels
  std::string loss = "cross-entropy";

  Json to_json() const;
  // Unknown keys, wrong types and out-of-range values throw Error(bad_input): "recipe.lr: ...". Key "recipe" names one of
  // recipe_names(), whose values are the defaults.
  static Recipe from_json(const Json& json, const std::string& where = "recipe");
  void validate(const std::string& where = "recipe") const;
  double lr_at(double epoch) const;     // epoch as a real, [0, epochs]
};
std::vector<std::string> recipe_names();  // "standard", "quick"
Recipe recipe(const std::string& name);

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

class Trainer {
 public:
  // The data must outlive the trainer. Throws Error(bad_input) when shapes or labels do not fit the graph.
  Trainer(Graph graph, const TrainData& data, const Recipe& recipe, std::uint64_t seed);
  ~Trainer();
  // Trains until recipe.epochs are done (from where it stands).
  void run(const TrainHooks& hooks = {});
  void run_epoch(const TrainHooks& hooks = {});
  std::int64_t epochs_done() const;
  std::vector<double> epoch_losses() const;   // mean training loss of each epoch done
  double forward_samples() const;             // passes made, for cost accounting
  double backward_samples() const;
  Graph graph() const;                        // current weights and running statistics

  // State at an epoch boundary. restore() throws Error(bad_input) when it belongs to another graph, recipe, seed or data.
  void save_checkpoint(const std::filesystem::path& file) const;
  void restore_checkpoint(const std::filesystem::path& file);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::graph
