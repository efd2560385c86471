// Learning rates over a training. A rate is read once a step: in the step's middle (rate_at = "middle", what assay has
// always done) or at its start (rate_at = "start": torch's values, tests/unit/graph/fixtures/make_schedules.py).
//   cosine     lr (e + (1 - e) (1 + cos(pi p)) / 2)       p: done part of the training after warm-up, e: lr_end
//   linear     lr (1 + (e - 1) p)
//   step       lr gamma^(milestones passed)
//   constant   lr
//   one-cycle  lr / cycle_div -> lr until cycle_peak, then -> lr / (cycle_div cycle_final_div), both by cosine, over the
//              steps' indices, so that first and last step have the end values (Smith & Topin 2018, torch's OneCycleLR)
//   plateau    lr times gamma for every plateau_patience + 1 epochs in a row in which the monitored loss was not better
//              than (1 - plateau_threshold) times the best, never below lr_end lr
// Warm-up goes linearly from warmup_from to 1, in units of the rate that the schedule begins with. One thread.
#pragma once

#include "harness/graph/recipe.hpp"

namespace assay::graph {

class Schedule {
 public:
  Schedule(const Recipe& recipe, std::int64_t steps_per_epoch) : recipe_(recipe), steps_(steps_per_epoch) {}
  double rate(std::int64_t epoch, std::int64_t step) const;  // both counted from 0
  void epoch_done(double monitored_loss);                    // moves a plateau schedule
  Json state() const;                                        // exact, for checkpoints
  void set_state(const Json& state);

 private:
  double one_cycle(std::int64_t index) const;
  Recipe recipe_;
  std::int64_t steps_;
  double factor_ = 1, best_ = std::numeric_limits<double>::infinity();  // of a plateau
  std::int64_t bad_epochs_ = 0;
};

}  // namespace assay::graph
