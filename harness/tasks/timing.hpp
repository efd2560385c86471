// Time of a model against a reference, as one process that has the machine to itself: pinned, after a warm-up, in rounds that
// alternate, until there is enough of both (rules 40 to 42). One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/tasks/samples.hpp"

namespace assay::tasks {

struct TimingRules {
  int least_rounds = 21;
  double least_seconds = 0.25;      // in all rounds together
  double round_seconds = 0.004;     // of one contestant in a round, so that a tick of the kernel counts little
  double warm_up_seconds = 0.02;    // of each contestant, and three batches at least
};

struct Timing {
  // Seconds of one batch, one value a round: the model on batches that change, on one batch again and again, the reference on
  // batches that change.
  std::vector<double> model, repeated, reference;
  std::int64_t batches_a_round = 1;  // that the model did
  double others_cores = 0;           // what else of this machine was busy meanwhile, in cores; negative: unknown
  std::vector<int> cpus;             // that it was pinned to
  std::vector<float> logits;         // of the model on the first `rows` inputs, as computed while it was timed
  std::int64_t rows = 0;
};

struct TimingSetup {
  std::int64_t batch = 1;  // rows of the test list at a time; what does not fill one is left out. At most all
  int threads = 1;         // processors to be pinned to
  std::uint64_t seed = 0;  // of the order within a round
};
Timing time_against(Subject& model, Subject& reference, const Samples& test, const TimingSetup& setup, const TimingRules& rules);

}  // namespace assay::tasks
