// The host's training loop as stages use it: resumes from the last checkpoint, journals the loss curves, counts
// passes. One thread.
#pragma once

#include "harness/graph/graph.hpp"
#include "harness/graph/train.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stage.hpp"

namespace assay::tasks {

struct TrainingTask {
  graph::Graph start;            // architecture with initial weights, or the net to fine-tune
  graph::Recipe recipe;
  std::uint64_t seed = 0;        // of shuffles, augmentation, dropout
  std::string what;              // for the progress line
  double checkpoint_seconds = 30;  // at least so long between two checkpoints
};

// Trains on `samples` and gives the net that the recipe gives. What the recipe watches is the input "val". A checkpoint
// in scratch/tmp/ is written between two steps, so that a killed process continues bit for bit.
graph::Graph fit_network(StageContext& context, const TrainingTask& task, const Samples& samples,
                         graph::TrainHooks hooks = {});

// Input shape of one sample.
engine::Shape sample_shape(const Samples& samples);

}  // namespace assay::tasks
