#include "harness/tasks/timing.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "harness/base/machine_load.hpp"
#include "harness/base/rng.hpp"

namespace assay::tasks {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A model that takes batch after batch.
class Runner {
 public:
  Runner(Subject& subject, const std::vector<engine::Tensor>& batches, bool changes)
      : subject_(subject), batches_(batches), changes_(changes) {}

  void once() {
    const std::size_t at = changes_ ? next_++ % batches_.size() : 0;
    last_ = subject_.executor().logits(batches_[at]);
  }

  void warm_up(double seconds) {
    constexpr int least = 3;
    const auto start = Clock::now();
    int done = 0;
    for (; done < least || seconds_since(start) < seconds; ++done) once();
    seconds_a_batch_ = seconds_since(start) / done;
  }

  double round(std::int64_t count) {
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < count; ++i) once();
    return seconds_since(start) / static_cast<double>(count);
  }

  double seconds_a_batch() const { return seconds_a_batch_; }

 private:
  Subject& subject_;
  const std::vector<engine::Tensor>& batches_;
  bool changes_;
  std::size_t next_ = 0;
  double seconds_a_batch_ = 0;
  engine::Tensor last_;
};

std::vector<engine::Tensor> whole_batches(const Samples& test, std::int64_t batch) {
  std::vector<engine::Tensor> all;
  for (std::int64_t first = 0; first + batch <= test.size(); first += batch) all.push_back(rows(test.x, first, batch));
  return all;
}

bool enough(const Timing& timing, double spent, const TimingRules& rules) {
  return static_cast<int>(timing.model.size()) >= rules.least_rounds && spent >= rules.least_seconds;
}

}  // namespace

Timing time_against(Subject& model, Subject& reference, const Samples& test, const TimingSetup& setup, const TimingRules& rules) {
  Timing timing;
  timing.cpus = pin_to_last_cpus(setup.threads);
  const std::vector<engine::Tensor> batches = whole_batches(test, setup.batch);
  std::array<Runner, 3> runners = {Runner(model, batches, true), Runner(model, batches, false), Runner(reference, batches, true)};
  const std::array<std::vector<double>*, 3> samples = {&timing.model, &timing.repeated, &timing.reference};
  std::array<std::int64_t, 3> counts{};
  for (std::size_t i = 0; i < runners.size(); ++i) {
    runners[i].warm_up(rules.warm_up_seconds);
    counts[i] = std::max<std::int64_t>(1, static_cast<std::int64_t>(rules.round_seconds / runners[i].seconds_a_batch()));
  }
  timing.batches_a_round = counts[0];
  const Rng order(setup.seed, "timing");
  std::uint64_t draws = 0;
  const double busy = busy_cpu_seconds(), own = own_cpu_seconds();
  const auto start = Clock::now();
  while (!enough(timing, seconds_since(start), rules)) {
    std::array<std::size_t, 3> turn = {0, 1, 2};
    for (std::size_t i = turn.size() - 1; i > 0; --i) std::swap(turn[i], turn[order.below(draws++, i + 1)]);
    for (const std::size_t who : turn) samples[who]->push_back(runners[who].round(counts[who]));
  }
  const double wall = seconds_since(start), now = busy_cpu_seconds();
  timing.others_cores = busy < 0 || now < 0 ? -1 : std::max(0.0, (now - busy) - (own_cpu_seconds() - own)) / wall;
  // Rule 42: what the timed plan computes, batch by batch as it was timed.
  for (const engine::Tensor& x : batches) {
    const std::vector<float> logits = model.executor().logits(x).to_f32();
    timing.logits.insert(timing.logits.end(), logits.begin(), logits.end());
    timing.rows += x.dim(0);
  }
  return timing;
}

}  // namespace assay::tasks
