// The two stages of a search for parameters, without a plugin: what a trial gave, and which trial is taken. A trial is
// judged on validation data only (rule 10); every trial's number stays in the record of the cell that chose (rule 11).
#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/metrics/registry.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {
namespace {

// A judge that was interrupted and run again wrote it twice; the last counts.
std::optional<double> score_in(const std::vector<Event>& events, const std::string& quantity, const std::string& condition) {
  std::optional<double> found;
  for (const Event& event : events)
    if (event.type() == "score" && event.json.get("quantity", "") == quantity && event.json.get("condition", "") == condition)
      found = event.json.at("value").as_real();
  return found;
}

// The quality of a subject is what an attack wants to be low.
bool better(const metrics::MetricInfo& info, const std::string& task, double a, double b) {
  return info.of_subject && task == "attack" ? info.better(b, a) : info.better(a, b);
}

}  // namespace

void measure_trial(StageContext& context) {
  const Json& spec = context.spec();
  const std::string quantity = spec.at("quantity").as_string(), condition = spec.at("condition").as_string();
  const auto value = score_in(read_shard(context.input("judge")).events, quantity, condition);
  if (!value) throw Error(Fault::bad_input, fmt::format("the judge of the trial recorded no '{}' at '{}'", quantity, condition));
  write_atomic(context.out() / "trial.json", Json::object({{"value", *value}, {"params", spec.at("params")}}).dump());
  context.announce("trial.json");
}

// The first of equals, so that nothing depends on the order in which trials ended.
void select_trial(StageContext& context) {
  const std::string quantity = context.spec().at("quantity").as_string(), task = context.spec().at("task").as_string();
  const metrics::MetricInfo& info = metrics::info(quantity);
  std::int64_t trial = 0, best = -1;
  Json chosen;
  for (const std::string& name : context.inputs_with("trial:")) {
    const fs::path file = context.input(name);
    const Json one = Json::parse(read_text(file), file.string());
    const double value = one.at("value").as_real();
    context.shard().append(Json::object({{"type", "trace"}, {"name", "trial " + quantity}, {"step", trial}, {"value", value},
                                         {"grade", "host-measured"}}));
    const bool first = best < 0 && std::isfinite(value);
    if (first || (best >= 0 && better(info, task, value, chosen.at("value").as_real()))) {
      best = trial;
      chosen = one;
    }
    ++trial;
  }
  if (best < 0) throw Error(Fault::bad_input, fmt::format("none of {} trials gave a finite '{}'", trial, quantity));
  context.shard().append(Json::object({{"type", "trace"}, {"name", "trial taken"}, {"step", std::int64_t{0}},
                                       {"value", static_cast<double>(best)}, {"grade", "host-measured"}}));
  chosen["trial"] = best;
  write_atomic(context.out() / "tuned.json", chosen.dump());
  context.announce("tuned.json");
}

}  // namespace assay::tasks
