// The inside of Trainer, shared by trainer.cpp (the loop), trainer_passes.cpp (how a batch becomes gradients),
// trainer_lbfgs.cpp (the whole set at once) and trainer_state.cpp (checkpoints, the resulting net). Private to this folder.
#pragma once

#include "harness/graph/adversary.hpp"
#include "harness/graph/averages.hpp"
#include "harness/graph/batches.hpp"
#include "harness/graph/gradients.hpp"
#include "harness/graph/net_pass.hpp"
#include "harness/graph/optimizer.hpp"
#include "harness/graph/running_stats.hpp"
#include "harness/graph/schedule.hpp"
#include "harness/graph/train.hpp"

namespace assay::graph {

struct Trainer::Impl {
  Impl(Graph g, const TrainData& d, const Recipe& r, std::uint64_t s, const TrainData* v);

  // trainer.cpp
  static Graph checked(Graph g, const TrainData& d, const Recipe& r);
  void check_validation() const;
  std::int64_t steps_per_epoch() const { return data.size() / (batch * recipe.accumulate); }
  void prepare(const TrainHooks& hooks);
  void load_batch(std::span<const std::int64_t> rows);
  void run_epoch(const TrainHooks& hooks);
  double run_step(const TrainHooks& hooks, std::span<const std::int64_t> rows);
  void apply_gradients();
  void finish_epoch(const TrainHooks& hooks);
  void watch();
  double validation_loss();

  // trainer_passes.cpp; each gives the batch's loss and leaves views of the gradients in `gradients`
  double run_batch(const TrainHooks& hooks);
  double run_plan();
  double run_soft();
  double run_objective(const TrainHooks& hooks);
  double run_eager(const TrainHooks& hooks);
  double run_free();
  double run_trades();
  void perturb_batch();   // inputs become adversarial inputs
  double free_use();      // one use of a batch: ascends the perturbation
  void perturb_by_kl(std::span<const float> x);
  NetPass& training_pass();
  NetPass& second_pass();
  NetPass& attack_pass();
  NetPass& eval_pass();
  std::unique_ptr<NetPass> make_pass(const PassOptions& options);
  RandomKeys keys(std::uint64_t pass = 0) const;
  const Tensor& output(const std::string& name) const { return (*results)[static_cast<std::size_t>(plan->output_index(name))]; }
  void take_outputs(const NetPass& net);
  void take_plan_outputs();
  void count(double forward, double input_backward, double full_backward);

  // trainer_lbfgs.cpp
  void run_full_batch(const TrainHooks& hooks);
  double full_batch_loss(std::span<double> gradient);
  NetPass& full_pass();

  // trainer_state.cpp
  Graph current() const;   // newest weights, or their running average
  Graph result() const;
  Json identity() const;
  void save(const std::filesystem::path& file) const;
  void restore(const std::filesystem::path& file);
  // f(name, shape, values) for every array of the state.
  template <class Self, class F>
  static void each_array(Self& self, const F& f);
  void keep_best();

  Graph graph;  // structure, frozen parameters, initial values; parameters that the recipe freezes are not trainable
  std::vector<std::string> frozen;
  const TrainData& data;
  const TrainData* validation;
  Recipe recipe;
  std::uint64_t seed;
  std::int64_t batch;
  Optimizer optimizer;
  RunningStatistics statistics;
  Schedule schedule;
  WeightAverage average;
  Ball ball;
  BatchTensor inputs, labels, attacked;
  std::vector<float> targets, delta, cotangent;
  std::unique_ptr<CompiledPlan> plan;
  bool with_objective = false;
  std::unique_ptr<NetPass> pass, twin, attack, eval, full;
  std::vector<std::size_t> gradient_outputs;
  GradientViews gradients;             // of this batch, in the optimizer's order
  GradientSum sum, both;              // over the batches of a step; over the two passes of trades
  std::vector<Tensor> eager_gradients;
  std::vector<std::uint64_t> ids;
  const std::vector<Tensor>* results = nullptr;
  double rate = 0;                     // of this step

  // The state, with optimizer, statistics, schedule and average.
  std::int64_t epoch = 0, step = 0;    // step: done within the epoch
  double total = 0;                    // of this epoch's losses
  PassCounts passes;
  std::vector<double> losses, watched;
  std::vector<float> noise;            // adversary free: perturbation by row of the batch
  double best = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch = 0;
  std::vector<std::vector<float>> best_weights;  // early stopping: by parameter
  Buffers best_buffers;
  bool torn = false;                   // an error within a step: weights and statistics do not belong together
  mutable std::string data_hash;       // made once: it reads the whole set
};

}  // namespace assay::graph
