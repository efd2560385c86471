// The timed stage of the compress task: the compressed network against the original, alone on its cores. Rules 40 to 42.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "harness/metrics/metrics.hpp"
#include "harness/metrics/timing.hpp"
#include "harness/tasks/stages.hpp"
#include "harness/tasks/timing.hpp"

namespace assay::tasks {

namespace {

constexpr double kLevel = 0.99;          // rule 40
constexpr double kMostOtherLoad = 0.15;  // cores: above it the machine was not ours
constexpr double kMostRepeatGain = 1.1;  // rule 42

void put_median(StageContext& context, const std::string& quantity, const std::vector<double>& values, Json extra) {
  const metrics::MedianInterval m = metrics::median_interval(values, kLevel);
  extra["low"] = m.low;
  extra["high"] = m.high;
  extra["level"] = m.level;
  extra["of"] = "rounds";
  context.host_score(quantity, "test", m.median, static_cast<std::int64_t>(values.size()), std::move(extra));
}

void put_rounds(StageContext& context, const std::string& quantity, const std::vector<double>& values) {
  std::vector<std::int64_t> ids(values.size());
  std::iota(ids.begin(), ids.end(), 0);
  context.shard().append(column_event({quantity, "test", "", "round", "host-measured", std::move(ids), values}));
}

// Rule 42, TEST01 and TEST04 of MLPerf: the timed runs compute what the judged ones do, and gain nothing from seeing an
// input again.
void check_honest(StageContext& context, Subject& model, const Samples& test, const Timing& timing) {
  const engine::Tensor x = rows(test.x, 0, timing.rows);
  const std::vector<std::int64_t> ids(test.ids.begin(), test.ids.begin() + static_cast<std::ptrdiff_t>(timing.rows));
  const std::vector<std::int64_t> y(test.y.begin(), test.y.begin() + static_cast<std::ptrdiff_t>(timing.rows));
  const auto classes = static_cast<std::size_t>(model.classes());
  const auto accuracy = [&](const std::vector<float>& logits) {
    return metrics::accuracy(metrics::correct(metrics::ClassScores{logits, classes, metrics::Scale::logits}, y));
  };
  const double timed = accuracy(timing.logits), judged = accuracy(model.logits(x, ids));
  if (timed != judged)
    context.suspect(42, fmt::format("accuracy of the timed run is {:.4f}, of the judged run {:.4f}", timed, judged));
  const double fresh = metrics::median_interval(timing.model, kLevel).median;
  const double again = metrics::median_interval(timing.repeated, kLevel).median;
  if (fresh > kMostRepeatGain * again)
    context.suspect(42, fmt::format("one input again and again takes {:.3g} s, fresh ones {:.3g} s", again, fresh));
}

}  // namespace

void time_compress(StageContext& context) {
  const Samples test = load_samples(context.input("test"));
  const Job& job = context.job();
  Subject original(context.input(context.inputs_with("model:").at(0)), job);
  Subject kept(context.input("model"), job);
  const std::int64_t batch = std::min<std::int64_t>(job.numerics.batch, test.size());
  const Timing timing = time_against(kept, original, test, {batch, job.numerics.threads, job.seeds.get("evaluation")}, {});
  std::vector<double> speedup(timing.model.size());
  std::transform(timing.reference.begin(), timing.reference.end(), timing.model.begin(), speedup.begin(),
                 [](double before, double after) { return before / after; });
  Json extra = Json::object({{"shared", timing.others_cores < 0 || timing.others_cores > kMostOtherLoad},
                             {"others_cores", timing.others_cores},
                             {"batch", batch},
                             {"batches_a_round", timing.batches_a_round}});
  extra["cpus"] = Json::array();
  for (const int cpu : timing.cpus) extra["cpus"].push_back(cpu);
  put_median(context, "latency", timing.model, extra);
  put_median(context, "measured_speedup", speedup, extra);
  put_rounds(context, "round_seconds", timing.model);
  put_rounds(context, "round_seconds_original", timing.reference);
  check_honest(context, kept, test, timing);
}

}  // namespace assay::tasks
