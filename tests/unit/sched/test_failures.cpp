// Whatever a worker does ends as one row with a status and a reason, and the others go on.
#include <doctest/doctest.h>

#include "plans.hpp"

using namespace assay;
using namespace assay::sched_test;

namespace {

// One misbehaving cell between two good ones.
struct Trial {
  World world;
  sched::Summary summary;
  const Finished* record = nullptr;

  explicit Trial(const Json& changes, double seconds = 30, std::int64_t memory_mb = 2048) {
    Plan plan;
    Json spec = world.spec();
    for (const auto& [key, value] : changes.as_object()) spec[key] = value;
    plan.nodes.push_back(node_of(NodeKind::cell, "before", {stage_of("run", world.spec())}));
    plan.nodes.push_back(node_of(NodeKind::cell, "bad", {stage_of("run", spec), stage_of("judge", world.spec())}));
    plan.nodes.back().seconds = seconds;
    plan.nodes.back().memory_mb = memory_mb;
    plan.nodes.push_back(node_of(NodeKind::cell, "after", {stage_of("run", world.spec())}));
    summary = world.run(plan);
    CHECK(summary.ok == 2);
    CHECK(summary.failed == 1);
    CHECK(world.record("before")->status == "ok");
    CHECK(world.record("after")->status == "ok");
    CHECK(world.count("start bad judge") == 0);  // a stage runs only when the one before it was ok
    record = world.record("bad");
    REQUIRE(record != nullptr);
    CHECK(record->stages.size() == 1);
    CHECK(record->stages[0].log_tail.starts_with("hello from run\n"));  // a sanitizer may add its report
    CHECK(fs::is_empty(world.folder.path() / "work"));
    CHECK(world.run(plan).reused == 3);  // a failed row stands until somebody asks for a retry
  }
};

Json doing(const char* what) { return Json::object({{"do", what}}); }

}  // namespace

TEST_CASE("a method that fails says why") {
  const Trial trial(doing("fail"));
  CHECK(trial.record->status == "failed");
  CHECK(trial.record->reason == "run: asked to fail");
  CHECK(trial.record->stages[0].exit_code == 1);
  CHECK_FALSE(trial.record->host.at("shared").is_null());
}

TEST_CASE("a rejected output is rejected, not failed") {
  const Trial trial(doing("reject"));
  CHECK(trial.record->status == "rejected");
  CHECK(trial.record->reason == "run: asked to reject");
}

TEST_CASE("a segmentation fault is a crash with the signal's name") {
  const Trial trial(doing("segv"));
  CHECK(trial.record->status == "crashed");
  // A sanitizer catches the signal and exits instead.
  const std::string& reason = trial.record->reason;
  CHECK((reason == "run: killed by SIGSEGV (Segmentation fault) before finishing" ||
         reason.find("exited with code") != std::string::npos));
}

TEST_CASE("an abort is a crash") {
  const Trial trial(doing("abort"));
  CHECK(trial.record->status == "crashed");
  CHECK(trial.record->reason == "run: killed by SIGABRT (Aborted) before finishing");
  CHECK(trial.record->stages[0].signal == 6);
}

TEST_CASE("exit(0) before the end is a crash, whatever the code says") {
  const Trial zero(doing("exit"));
  CHECK(zero.record->status == "crashed");
  CHECK(zero.record->reason == "run: exited with code 0 before finishing");
  const Trial seven(Json::object({{"do", "exit"}, {"code", 7}}));
  CHECK(seven.record->reason == "run: exited with code 7 before finishing");
}

TEST_CASE("a crash after the end event is a crash") {
  const Trial trial(doing("exit-late"));
  CHECK(trial.record->status == "crashed");
  CHECK(trial.record->reason == "run: exited with code 5 after finishing");
}

TEST_CASE("a worker that loops for ever runs out of time") {
  const Trial trial(doing("hang"), 2);
  CHECK(trial.record->status == "timeout");
  CHECK(trial.record->reason == "run: did not end within 2 s");
  CHECK(trial.record->stages[0].signal == 9);
  CHECK(trial.record->stages[0].wall_seconds < 10);
}

TEST_CASE("a worker that eats memory is stopped at its limit") {
  const Trial trial(Json::object({{"do", "eat"}, {"mb", 4096}}), 60, 300);
  CHECK(trial.record->status == "oom");
  CHECK(trial.record->reason == "run: needed more memory than its limit of 300 MB");
  CHECK(trial.record->stages[0].peak_rss_bytes < std::uint64_t{2048} << 20);
}

TEST_CASE("an announced file whose content is another is a failure") {
  World world;
  Json spec = world.spec("lie");
  spec["file"] = "model.safetensors";
  Plan plan;
  plan.nodes.push_back(node_of(NodeKind::cell, "liar", {stage_of("run", spec)}));
  CHECK(world.run(plan).failed == 1);
  CHECK(world.record("liar")->reason.find("announced was") != std::string::npos);
  CHECK_FALSE(fs::exists(world.folder.path() / "cache/cell/liar"));
}

TEST_CASE("a file beyond the limit ends the worker") {
  World world;
  Plan plan;
  plan.nodes.push_back(node_of(NodeKind::cell, "big", {stage_of("run", world.spec("long-file"))}));
  sched::SchedOptions options = world.options();
  options.file_bytes = 4 << 20;
  CHECK(sched::run(plan, options, world.callbacks()).failed == 1);
  CHECK(world.record("big")->reason == "run: wrote a file longer than the limit");
}

TEST_CASE("cells whose dependency failed are rows that name it") {
  World world;
  Plan plan = small_plan(world, 4);
  plan.nodes[1].stages[0].spec["do"] = "segv";  // train-a, needed by cells 0 and 2
  const sched::Summary summary = world.run(plan);
  CHECK(summary.ok == 2);
  CHECK(summary.failed == 2);
  CHECK(summary.artifacts_failed == 1);
  CHECK(world.record("train-a")->status == "crashed");
  for (const char* key : {"cell-0", "cell-2"}) {
    const Finished* row = world.record(key);
    REQUIRE(row != nullptr);
    CHECK(row->status == "failed");
    CHECK(row->stages.empty());
    CHECK(row->reason.starts_with("needs 'train train-a', which crashed (train: "));
    CHECK(row->host.has("machine"));
  }
  CHECK(world.run(plan).reused == 4);
  CHECK(world.count("start train-a train") == 1);  // nobody needs it any more
}

TEST_CASE("a failed preparation fails everything behind it, through the trainings") {
  World world;
  Plan plan = small_plan(world, 2);
  plan.nodes[0].stages[0].spec["do"] = "fail";
  const sched::Summary summary = world.run(plan);
  CHECK(summary.failed == 2);
  CHECK(summary.artifacts_failed == 3);
  CHECK(world.finished.size() == 5);
  CHECK(world.record("cell-1")->reason.find("needs 'prepare prep', which failed") != std::string::npos);
}

TEST_CASE("an input that an artifact does not have is a failed row that names the nearest file") {
  World world;
  Plan plan = small_plan(world, 1);
  plan.nodes.back().stages[0].inputs[0].file = "recods";
  CHECK(world.run(plan).failed == 1);
  CHECK(world.record("cell-0")->reason ==
        "run: the artifact of 'prepare prep' has no file 'recods'; did you mean 'records'?");
}

TEST_CASE("an artifact that comes out damaged again and again ends as a failure, not as a loop") {
  World world;
  Plan plan = small_plan(world, 1);
  world.also = [&](const Finished& record) {
    if (record.node->key == "train-a" && record.status == "ok") {
      const fs::path model = world.folder.path() / "cache/train/train-a/model";
      fs::remove(model);
      write_atomic(model, std::string(64, 'x'));
    }
  };
  CHECK(world.run(plan).failed == 1);
  CHECK(world.record("cell-0")->reason.find("was damaged 3 times") != std::string::npos);
}

TEST_CASE("what on_finished throws ends the run, and the next run hands the same record over") {
  World world;
  const Plan plan = small_plan(world, 1);
  sched::Callbacks calls = world.callbacks();
  calls.on_finished = [](const Finished& record) {
    if (record.node->kind == NodeKind::cell) throw Error(Fault::io, "the database is full");
  };
  CHECK_THROWS_WITH_AS(sched::run(plan, world.options(), calls), "the database is full", Error);
  CHECK(world.run(plan).ok == 1);
  CHECK(world.record("cell-0")->stages.size() == 2);
  CHECK(world.count("start cell-0 run") == 1);  // what had ended is not run again
}

TEST_CASE("a record names what held the cell") {
  World world;
  Plan plan;
  plan.nodes.push_back(node_of(NodeKind::cell, "one", {stage_of("run", world.spec())}));
  CHECK(world.run(plan).ok == 1);
  const Json by = world.record("one")->host.at("limits_by");
  CHECK(by.get("sandbox", "") == "off");
  CHECK(by.get("disk", "") == "watchdog");
  CHECK_FALSE(by.get("memory", "").empty());
  CHECK_FALSE(by.get("processes", "").empty());
}

TEST_CASE("a cell that writes more than its disk limit is stopped") {
  World world;
  Plan plan;
  plan.nodes.push_back(node_of(NodeKind::cell, "big", {stage_of("run", world.spec("long-file"))}));
  plan.nodes.back().disk_mb = 16;
  CHECK(world.run(plan).failed == 1);
  CHECK(world.record("big")->reason == "run: wrote more to disk than its limit of 16 MB");
}
