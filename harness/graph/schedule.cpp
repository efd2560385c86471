#include "harness/graph/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace assay::graph {
namespace {

double half_cosine(double done) { return 0.5 * (1.0 + std::cos(std::numbers::pi * done)); }
double between(double from, double to, double done) { return to + (from - to) * half_cosine(done); }

// The rate after warm-up in units of lr, for schedules that are functions of the time alone.
double scheduled(const Recipe& recipe, double epoch) {
  if (recipe.schedule == "step") {
    double factor = 1.0;
    for (const std::int64_t m : recipe.milestones) factor *= epoch >= static_cast<double>(m) ? recipe.gamma : 1.0;
    return factor;
  }
  const double span = static_cast<double>(recipe.epochs) - recipe.warmup;
  const double done = span <= 0 ? 1.0 : std::clamp((epoch - recipe.warmup) / span, 0.0, 1.0);
  if (recipe.schedule == "cosine") return recipe.lr_end + (1.0 - recipe.lr_end) * half_cosine(done);
  if (recipe.schedule == "linear") return 1.0 + (recipe.lr_end - 1.0) * done;
  return 1.0;
}

double warmed(const Recipe& recipe, double first, double epoch) {
  if (recipe.warmup_from == 0) return first * epoch / recipe.warmup;
  return first * (recipe.warmup_from + (1.0 - recipe.warmup_from) * epoch / recipe.warmup);
}

}  // namespace

double Recipe::lr_at(double epoch) const {
  if (epoch < warmup) return warmed(*this, lr, epoch);
  return lr * scheduled(*this, epoch);
}

double Schedule::one_cycle(std::int64_t index) const {
  const double warm = recipe_.warmup * static_cast<double>(steps_);
  const double total = static_cast<double>(recipe_.epochs * steps_) - warm, at = static_cast<double>(index) - warm;
  const double first = recipe_.lr / recipe_.cycle_div, last = first / recipe_.cycle_final_div;
  const double peak = recipe_.cycle_peak * total - 1.0, end = total - 1.0;
  if (at <= peak) return between(first, recipe_.lr, peak > 0 ? at / peak : 1.0);
  return between(recipe_.lr, last, end > peak ? std::min(1.0, (at - peak) / (end - peak)) : 1.0);
}

double Schedule::rate(std::int64_t epoch, std::int64_t step) const {
  if (recipe_.swa_lr > 0 && epoch >= recipe_.swa_start) return recipe_.swa_lr;
  const double offset = recipe_.rate_at == "middle" ? 0.5 : 0.0;
  const double at = static_cast<double>(epoch) + (static_cast<double>(step) + offset) / static_cast<double>(steps_);
  if (recipe_.schedule != "one-cycle") return recipe_.lr_at(at) * factor_;
  if (at < recipe_.warmup) return warmed(recipe_, recipe_.lr / recipe_.cycle_div, at);
  return one_cycle(epoch * steps_ + step);
}

void Schedule::epoch_done(double monitored_loss) {
  if (recipe_.schedule != "plateau") return;
  if (monitored_loss < best_ * (1.0 - recipe_.plateau_threshold)) {
    best_ = monitored_loss;
    bad_epochs_ = 0;
  } else if (++bad_epochs_ > recipe_.plateau_patience) {
    factor_ = std::max(factor_ * recipe_.gamma, recipe_.lr_end);
    bad_epochs_ = 0;
  }
}

Json Schedule::state() const { return Json::object({{"factor", factor_}, {"best", best_}, {"bad_epochs", bad_epochs_}}); }

void Schedule::set_state(const Json& state) {
  factor_ = state.at("factor").as_real();
  best_ = state.at("best").as_real();
  bad_epochs_ = state.at("bad_epochs").as_int();
}

}  // namespace assay::graph
