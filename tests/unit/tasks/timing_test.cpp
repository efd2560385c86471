// The timed stage of compress: what is recorded, and what is found out about a clock that lies.
#include <doctest/doctest.h>

#include <algorithm>

#include "cell.hpp"
#include "harness/base/machine_load.hpp"
#include "harness/metrics/timing.hpp"
#include "harness/tasks/timing.hpp"

using namespace assay;
using namespace assay::tasks_test;

TEST_CASE("[rule 40] a timed stage records raw rounds, a median with its interval, and where it ran") {
  Cell cell;
  const auto events = cell.run("time", tasks::time_compress);
  const Event* latency = find(events, "score", "quantity", "latency");
  const Event* speedup = find(events, "score", "quantity", "measured_speedup");
  REQUIRE(latency != nullptr);
  REQUIRE(speedup != nullptr);
  std::vector<Column> columns;
  for (const Event& event : events)
    if (event.type() == "column") columns.push_back(decode_column(event));
  REQUIRE(columns.size() == 2);
  CHECK(columns[0].quantity == "round_seconds");
  CHECK(columns[0].unit == "round");
  CHECK(columns[0].values.size() >= 21);
  CHECK(columns[0].values.size() == columns[1].values.size());
  CHECK(std::all_of(columns[0].values.begin(), columns[0].values.end(), [](double s) { return s > 0; }));
  for (const Event* score : {latency, speedup}) {
    CHECK(score->json.at("grade") == Json("host-measured"));
    CHECK(score->json.at("low").as_real() <= score->json.at("value").as_real());
    CHECK(score->json.at("value").as_real() <= score->json.at("high").as_real());
    CHECK(score->json.at("level").as_real() >= 0.99);
    CHECK(score->json.at("n").as_int() == static_cast<std::int64_t>(columns[0].values.size()));
    CHECK(score->json.at("cpus").as_array().size() == 1);
    CHECK(score->json.has("shared"));
  }
  CHECK(latency->json.at("value").as_real() == metrics::median_interval(columns[0].values, 0.99).median);
}

TEST_CASE("[rule 41] what others do on the machine meanwhile is seen") {
  const double busy = busy_cpu_seconds(), own = own_cpu_seconds();
  REQUIRE(busy > 0);
  double sum = 0;
  while (own_cpu_seconds() - own < 0.2) sum += busy_cpu_seconds() > 0 ? 1 : 0;
  CHECK(sum > 0);
  CHECK(busy_cpu_seconds() - busy > 0.1);  // the kernel counts in hundredths
}

TEST_CASE("[rule 42] the timed runs compute what is judged") {
  Cell cell;
  cell.write();
  const tasks::Samples test = tasks::load_samples(cell.folder.path() / "test.safetensors");
  const Job job = cell.job("time");
  tasks::Subject model(cell.folder.path() / "small.safetensors", job), original(cell.folder.path() / "original.safetensors", job);
  tasks::TimingRules quick;
  quick.least_rounds = 3, quick.least_seconds = 0, quick.round_seconds = 0.001, quick.warm_up_seconds = 0;
  const tasks::Timing timing = tasks::time_against(model, original, test, {32, 1, 5}, quick);
  CHECK(timing.model.size() == 3);
  CHECK(timing.repeated.size() == 3);
  CHECK(timing.reference.size() == 3);
  CHECK(timing.rows == 64);  // of 80: whole batches
  const std::vector<std::int64_t> ids(test.ids.begin(), test.ids.begin() + 64);
  CHECK(timing.logits == model.logits(tasks::rows(test.x, 0, 64), ids));
}
