// Order, parallelism, laziness, the cache and what is handed over.
#include <doctest/doctest.h>
#include <unistd.h>

#include "harness/record/examples.hpp"
#include "plans.hpp"

using namespace assay;
using namespace assay::sched_test;

TEST_CASE("every node runs once, after what it needs, and is handed over with its facts [rule 1]") {
  World world;
  const Plan plan = small_plan(world);
  const sched::Summary summary = world.run(plan);
  CHECK(summary.cells == 4);
  CHECK(summary.ok == 4);
  CHECK(summary.failed == 0);
  CHECK(summary.artifacts_made == 3);
  CHECK_FALSE(summary.interrupted);
  CHECK(world.finished.size() == 7);
  CHECK(world.trace_lines().size() == 2 * (3 + 4 * 2));
  CHECK(world.position("end prep prepare") < world.position("start train-a train"));
  CHECK(world.position("end train-a train") < world.position("start cell-0 run"));
  CHECK(world.position("end cell-0 run") < world.position("start cell-0 judge"));

  const Finished& cell = *world.record("cell-0");
  CHECK(cell.status == "ok");
  CHECK(cell.attempt == 1);
  REQUIRE(cell.stages.size() == 2);
  CHECK(cell.stages[0].wall_seconds > 0);
  CHECK(cell.stages[0].peak_rss_bytes > 0);
  CHECK(cell.stages[0].log_tail == "hello from run\n");
  REQUIRE(cell.input_digests.size() == 2);
  CHECK(cell.input_digests[0].second == world.record("prep")->artifact.find("records")->sha256);
  CHECK(cell.artifact.files.empty());
  CHECK(cell.host.at("cores").as_int() > 0);
  CHECK(cell.host.has("load_before"));
  CHECK(cell.host.at("machine").as_string().size() == 16);
  CHECK(cell.host.at("build").as_string().size() == 16);
  CHECK(world.record("train-a")->artifact.find("model") != nullptr);
  CHECK(fs::is_empty(world.folder.path() / "work"));
}

TEST_CASE("a second run does nothing") {
  World world;
  const Plan plan = small_plan(world);
  world.run(plan);
  const auto rows = world.all_rows();
  const auto lines = world.trace_lines().size();
  world.finished.clear();
  const sched::Summary summary = world.run(plan);
  CHECK(summary.reused == 4);
  CHECK(summary.ok == 0);
  CHECK(world.finished.empty());  // not even an artifact is looked at: nobody needs one
  CHECK(world.trace_lines().size() == lines);
  CHECK(world.all_rows() == rows);
}

TEST_CASE("a new cell takes its artifacts from the cache, with the record of their making") {
  World world;
  world.run(small_plan(world, 2));
  const auto lines = world.trace_lines().size();
  world.finished.clear();
  const Plan plan = small_plan(world, 3);
  const sched::Summary summary = world.run(plan);
  CHECK(summary.ok == 1);
  CHECK(summary.reused == 2);
  CHECK(summary.artifacts_made == 0);
  CHECK(summary.artifacts_reused == 2);
  CHECK(world.trace_lines().size() == lines + 4);
  const Finished* train = world.record("train-a");
  REQUIRE(train != nullptr);
  CHECK(train->status == "ok");
  REQUIRE(train->stages.size() == 1);
  CHECK(train->stages[0].stage == "train");
  CHECK(train->stages[0].log_tail == "hello from train\n");
  CHECK(train->host.has("cpu"));
  CHECK(train->input_digests.size() == 1);
  CHECK(world.record("train-b") == nullptr);
}

TEST_CASE("a cached artifact needs none of what made it") {
  World world;
  world.run(small_plan(world, 2));
  fs::remove_all(world.folder.path() / "cache/prepare");
  Plan plan = small_plan(world, 2);
  plan.nodes.push_back(node_of(NodeKind::cell, "late", {stage_of("run", world.spec(), {from_node("m", "train-a", "model")})}));
  CHECK(world.run(plan).ok == 1);
  CHECK(world.count("start prep prepare") == 1);
}

TEST_CASE("a cached artifact is handed over with the artifacts it was made from") {
  World world;
  world.run(small_plan(world, 2));
  world.finished.clear();
  Plan plan = small_plan(world, 0);  // none of the earlier cells: only train-a is read, and it was made from prep
  plan.nodes.push_back(node_of(NodeKind::cell, "late", {stage_of("run", world.spec(), {from_node("m", "train-a", "model")})}));
  CHECK(world.run(plan).ok == 1);
  CHECK(world.record("train-a") != nullptr);
  REQUIRE(world.record("prep") != nullptr);  // provenance all the way down, though nothing read it now
  CHECK(world.record("prep")->artifact.find("records") != nullptr);
}

TEST_CASE("an artifact that nobody needs is not made") {
  World world;
  Plan plan = small_plan(world, 1);
  CHECK(world.run(plan).artifacts_made == 2);
  CHECK(world.count("start train-b train") == 0);
}

TEST_CASE("as many nodes run at once as there are jobs, no more, and their times are marked shared [rule 41]") {
  for (const int jobs : {1, 3}) {
    World world;
    Plan plan;
    Json spec = world.spec();
    spec["seconds"] = 1.0;  // several times what a loaded machine needs to start three
    for (int i = 0; i < 6; ++i)
      plan.nodes.push_back(node_of(NodeKind::cell, "c" + std::to_string(i), {stage_of("run", spec)}));
    std::size_t most = 0;
    sched::Callbacks calls = world.callbacks();
    calls.on_progress = [&](const sched::Progress& progress) { most = std::max(most, progress.running.size()); };
    const sched::Summary summary = sched::run(plan, world.options(jobs), calls);
    CHECK(summary.ok == 6);
    for (const Finished& record : world.finished)
      CHECK(record.host.at("shared").as_bool() == (jobs > 1));  // the last of three may be alone, yet it was not all along
    CHECK(most == static_cast<std::size_t>(jobs));
    int running = 0, peak = 0;
    for (const std::string& line : world.trace_lines()) {
      running += line.starts_with("start") ? 1 : -1;
      peak = std::max(peak, running);
    }
    // As the workers themselves saw it; on a loaded machine the third may come up when the first is done.
    CHECK(peak <= jobs);
    CHECK(peak >= std::min(jobs, 2));
  }
}

TEST_CASE("progress counts cells and artifacts, shows fractions, and ends complete") {
  World world;
  const Plan plan = small_plan(world, 3, 4, 0.1);
  sched::Progress last;
  double fraction = 0;
  bool estimated = false;
  sched::Callbacks calls = world.callbacks();
  calls.on_progress = [&](const sched::Progress& progress) {
    for (const auto& running : progress.running)
      if (running.fraction < 1) fraction = std::max(fraction, running.fraction);
    estimated |= progress.seconds_left > 0;
    CHECK(progress.cells_done >= last.cells_done);
    last = progress;
  };
  sched::run(plan, world.options(2), calls);
  CHECK(last.cells == 3);
  CHECK(last.cells_done == 3);
  CHECK(last.artifacts == 3);
  CHECK(last.artifacts_done == 3);
  CHECK(last.running.empty());
  CHECK(last.seconds_left == 0);
  CHECK(fraction >= 0.25);
  CHECK(estimated);
}

TEST_CASE("a damaged artifact is thrown aside and made again, and the cell never sees it") {
  World world;
  world.run(small_plan(world, 1));
  const auto before = world.all_rows();
  const fs::path model = world.folder.path() / "cache/train/train-a/model";
  std::string text = read_text(model);
  text[5] ^= 1;
  fs::remove(model);
  write_atomic(model, text);
  world.finished.clear();
  const sched::Summary summary = world.run(small_plan(world, 3));
  CHECK(summary.ok == 2);
  CHECK(summary.failed == 0);
  CHECK(world.count("start train-a train") == 2);
  CHECK(world.count("start prep prepare") == 1);
  CHECK(fs::exists(world.folder.path() / "cache/train/train-a.corrupt-1"));
  CHECK(world.all_rows().at("train-a.json") == before.at("train-a.json"));
}

TEST_CASE("a truncated or missing artifact file is a damaged one") {
  World world;
  world.run(small_plan(world, 1));
  fs::resize_file(world.folder.path() / "cache/prepare/prep/records", 3);
  fs::remove(world.folder.path() / "cache/train/train-a/model");
  CHECK(world.run(small_plan(world, 3)).ok == 2);
  CHECK(world.count("start prep prepare") == 2);
  CHECK(world.count("start train-a train") == 2);
}

TEST_CASE("a manifest that cannot be read is a damaged artifact") {
  World world;
  world.run(small_plan(world, 1));
  write_atomic(world.folder.path() / "cache/prepare/prep/manifest.json", "{");
  CHECK(world.run(small_plan(world, 3)).ok == 2);
  CHECK(fs::exists(world.folder.path() / "cache/prepare/prep.corrupt-1"));
}

TEST_CASE("a cell that leaves a model, and one that keeps its outputs, are published; others are not") {
  World world;
  Plan plan;
  Json spec = world.spec();
  spec["file"] = "model.safetensors";
  Json judged = world.spec();
  judged["file"] = "report";
  plan.nodes.push_back(node_of(NodeKind::cell, "compress",
                               {stage_of("run", spec), stage_of("finetune", spec, {from_stage("model", "run", "model.safetensors")}),
                                stage_of("judge", judged, {from_stage("model", "finetune", "model.safetensors")})}));
  plan.nodes.push_back(node_of(NodeKind::cell, "kept", {stage_of("run", world.spec())}));
  plan.nodes.back().keep_outputs = true;
  plan.nodes.push_back(node_of(NodeKind::cell, "plain", {stage_of("run", world.spec())}));
  CHECK(world.run(plan).ok == 3);
  const Finished& cell = *world.record("compress");
  REQUIRE(cell.artifact.files.size() == 1);
  const fs::path cache = world.folder.path() / "cache/cell";
  // The fine-tuned model, not the one before it, and not the judge's report.
  CHECK(cell.artifact.files[0].sha256 == sha256(sha256("compress/finetune/model=" + sha256(sha256("compress/run")))));
  CHECK(sha256_file(cache / "compress/model.safetensors") == cell.artifact.files[0].sha256);
  CHECK(read_shard(cache / "kept/journal/run.shard").events.size() > 2);
  CHECK_FALSE(fs::exists(cache / "plain"));
}

TEST_CASE("pictures that a judge keeps are published where the cell leaves nothing else, other reports are not") {
  World world;
  Plan plan;
  Json run = world.spec(), pictures = world.spec(), report = world.spec();
  run["file"] = "model.safetensors";
  pictures["file"] = examples_file;
  report["file"] = "report";
  plan.nodes.push_back(node_of(NodeKind::cell, "pictured", {stage_of("run", world.spec()), stage_of("judge", pictures)}));
  plan.nodes.push_back(node_of(NodeKind::cell, "reported", {stage_of("run", world.spec()), stage_of("judge", report)}));
  plan.nodes.push_back(node_of(NodeKind::cell, "both", {stage_of("run", run), stage_of("judge", pictures)}));
  CHECK(world.run(plan).ok == 3);
  const fs::path cache = world.folder.path() / "cache/cell";
  REQUIRE(world.record("pictured")->artifact.files.size() == 1);
  CHECK(sha256_file(cache / "pictured" / examples_file) == world.record("pictured")->artifact.files[0].sha256);
  CHECK_FALSE(fs::exists(cache / "pictured/journal"));
  CHECK_FALSE(fs::exists(cache / "reported"));
  REQUIRE(world.record("both")->artifact.files.size() == 1);
  CHECK(world.record("both")->artifact.files[0].name == "model.safetensors");
}

TEST_CASE("a done cell whose files another cell reads runs again when the cache has lost them") {
  World world;
  Json spec = world.spec();
  spec["file"] = "model.safetensors";
  Plan plan;
  plan.nodes.push_back(node_of(NodeKind::cell, "first", {stage_of("run", spec)}));
  world.run(plan);
  plan.nodes.push_back(node_of(NodeKind::cell, "second", {stage_of("run", world.spec(), {from_node("m", "first", "model.safetensors")})}));
  CHECK(sched::preview(plan, world.folder.path() / "cache", world.callbacks().already_done).to_run.size() == 1);
  fs::remove_all(world.folder.path() / "cache");
  CHECK(sched::preview(plan, world.folder.path() / "cache", world.callbacks().already_done).to_run.size() == 2);
  const sched::Summary summary = world.run(plan);
  CHECK(summary.ok == 2);
  CHECK(world.count("start first run") == 2);
}

TEST_CASE("the preview names what would run and what is there") {
  World world;
  const Plan plan = small_plan(world, 4);
  const fs::path cache = world.folder.path() / "cache";
  const auto done = world.callbacks().already_done;
  sched::Preview preview = sched::preview(plan, cache, done);
  CHECK(preview.to_run.size() == 7);
  CHECK(preview.to_run.front()->key == "prep");
  CHECK_FALSE(fs::exists(cache));
  world.run(small_plan(world, 2));
  preview = sched::preview(plan, cache, done);
  CHECK(preview.to_run.size() == 2);
  CHECK(preview.cached.size() == 3);
  CHECK(preview.done.size() == 2);
}

TEST_CASE("attempts are counted on from the store's") {
  World world;
  sched::Callbacks calls = world.callbacks();
  calls.attempts_before = [](const Node& node) { return node.kind == NodeKind::cell ? 4 : 0; };
  sched::run(small_plan(world, 1), world.options(), calls);
  CHECK(world.record("cell-0")->attempt == 5);
  CHECK(world.record("prep")->attempt == 1);
}

TEST_CASE("the worker's environment holds nothing of ours") {
  ::setenv("SECRET", "1", 1);  // the fake worker refuses to run when it sees it
  World world;
  CHECK(world.run(small_plan(world, 1)).ok == 1);
  ::unsetenv("SECRET");
}

TEST_CASE("plans that are no DAG, or whose names cannot be folders, are refused") {
  World world;
  const auto refused = [&](const Plan& plan, const char* text) {
    CHECK_THROWS_WITH_AS(world.run(plan), doctest::Contains(text), Error);
  };
  Plan plan = small_plan(world, 1);
  std::swap(plan.nodes[0], plan.nodes[1]);
  refused(plan, "needs node 'prep', which does not stand before it");
  plan = small_plan(world, 1);
  plan.nodes.push_back(plan.nodes[0]);
  refused(plan, "two nodes have the key 'prep'");
  plan = small_plan(world, 1);
  plan.nodes[0].key = "../escape";
  refused(plan, "cannot name a folder");
  plan = small_plan(world, 1);
  plan.nodes.back().stages.push_back(plan.nodes.back().stages.front());
  refused(plan, "repeated stage 'run'");
  plan = small_plan(world, 1);
  std::swap(plan.nodes.back().stages[0], plan.nodes.back().stages[1]);
  refused(plan, "reads stage 'run', which does not run before it");
  plan = small_plan(world, 1);
  sched::SchedOptions options = world.options(0);
  CHECK_THROWS_AS(sched::run(plan, options, world.callbacks()), Error);
  options = world.options();
  options.worker = "/nonexistent/worker";
  CHECK_THROWS_WITH_AS(sched::run(plan, options, world.callbacks()), doctest::Contains("/nonexistent/worker"), Error);
}

TEST_CASE("a timed stage runs alone, and nothing starts while one waits [rule 40] [rule 41]") {
  World world;
  Plan plan;
  Json slow = world.spec(), timed = world.spec();
  slow["seconds"] = 0.05;
  timed["seconds"] = 0.03;
  for (int i = 0; i < 5; ++i) {
    std::vector<Stage> stages = {stage_of("run", slow)};
    if (i != 3) {
      stages.push_back(stage_of("time", timed));
      stages.back().alone = true;
    }
    plan.nodes.push_back(node_of(NodeKind::cell, "cell-" + std::to_string(i), std::move(stages)));
  }
  CHECK(world.run(plan, 3).ok == 5);
  const auto lines = world.trace_lines();
  REQUIRE(lines.size() == 2 * 9);
  int timings = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].rfind("start", 0) != 0 || !lines[i].ends_with(" time")) continue;
    ++timings;
    CAPTURE(lines[i]);
    REQUIRE(i + 1 < lines.size());
    CHECK(lines[i + 1] == "end" + lines[i].substr(5));
    // Whoever started before has ended.
    int running = 0;
    for (std::size_t k = 0; k < i; ++k) running += lines[k].rfind("start", 0) == 0 ? 1 : -1;
    CHECK(running == 0);
  }
  CHECK(timings == 4);
}
