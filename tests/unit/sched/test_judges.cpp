// Judges that serve one cell after the other.
#include <doctest/doctest.h>

#include <csignal>
#include <set>

#include "plans.hpp"

using namespace assay;
using namespace assay::sched_test;

namespace {

struct Bench {
  World world;
  fs::path pids = world.folder.path() / "pids";
  Plan plan;

  Json judge_spec(const std::string& what = "ok") const {
    Json spec = world.spec(what);
    spec["pids"] = pids.string();
    return spec;
  }

  void cell(const std::string& key, const Json& judge, std::vector<InputRef> inputs = {}) {
    Json run = world.spec();
    run["file"] = "outputs";
    inputs.push_back(from_stage("outputs", "run", "outputs"));
    plan.nodes.push_back(node_of(NodeKind::cell, key, {stage_of("run", run), stage_of("judge", judge, std::move(inputs))}));
  }

  // The processes that judged, in order.
  std::vector<int> judges() const {
    std::ifstream in(pids);
    std::vector<int> all;
    for (int pid = 0; in >> pid;) all.push_back(pid);
    return all;
  }
  std::size_t different() const {
    const std::vector<int> all = judges();
    return std::set<int>(all.begin(), all.end()).size();
  }
};

}  // namespace

TEST_CASE("one judge serves all cells of a job") {
  Bench bench;
  for (int i = 0; i < 6; ++i) bench.cell("cell-" + std::to_string(i), bench.judge_spec());
  CHECK(bench.world.run(bench.plan, 1).ok == 6);
  CHECK(bench.judges().size() == 6);
  CHECK(bench.different() == 1);
  const StageResult& judged = bench.world.record("cell-3")->stages.at(1);
  CHECK(judged.cpu_seconds == doctest::Approx(0.001));
  CHECK(judged.log_tail == "hello from judge\n");  // its own log, not that of the cell before
  CHECK(fs::is_empty(bench.world.folder.path() / "work"));
}

TEST_CASE("a judge that dies costs the cell it was judging and no other") {
  Bench bench;
  bench.cell("before", bench.judge_spec());
  bench.cell("bad", bench.judge_spec("segv"));
  bench.cell("after", bench.judge_spec());
  const sched::Summary summary = bench.world.run(bench.plan, 1);
  CHECK(summary.ok == 2);
  CHECK(summary.failed == 1);
  const Finished& bad = *bench.world.record("bad");
  CHECK(bad.status == "crashed");
  CHECK(bad.reason.rfind("judge: ", 0) == 0);
  CHECK(bench.world.record("after")->status == "ok");
  CHECK(bench.different() == 2);
}

TEST_CASE("a judge that never ends is stopped at the cell's limit, and its successor goes on") {
  Bench bench;
  bench.cell("bad", bench.judge_spec("hang"));
  bench.plan.nodes.back().seconds = 0.5;
  bench.cell("after", bench.judge_spec());
  CHECK(bench.world.run(bench.plan, 1).ok == 1);
  CHECK(bench.world.record("bad")->status == "timeout");
  CHECK(bench.world.record("bad")->reason == "judge: did not end within 0.5 s");
}

TEST_CASE("a judge that holds much memory makes room for the next") {
  Bench bench;
  Json heavy = bench.judge_spec();
  heavy["rss_mb"] = 1024;  // of 2048
  bench.cell("heavy", heavy);
  bench.cell("next", bench.judge_spec());
  CHECK(bench.world.run(bench.plan, 1).ok == 2);
  CHECK(bench.different() == 2);
}

TEST_CASE("what a process is told when it starts is never that of another cell") {
  Bench bench;
  bench.cell("one", bench.judge_spec());
  bench.cell("two", bench.judge_spec());
  bench.plan.nodes.back().numerics.threads = 2;
  bench.cell("three", bench.judge_spec());
  bench.plan.nodes.back().memory_mb = 1024;
  CHECK(bench.world.run(bench.plan, 1).ok == 3);
  CHECK(bench.different() == 3);
}

TEST_CASE("a judge that reads what the others cannot see has a process of its own") {
  Bench bench;
  const fs::path outside = bench.world.folder.path() / "outside.txt";
  write_atomic(outside, "seen");
  InputRef own;
  own.name = "outside", own.path = outside.string(), own.sha256 = sha256("seen");
  bench.cell("one", bench.judge_spec());
  bench.cell("own", bench.judge_spec(), {own});
  bench.cell("two", bench.judge_spec());
  CHECK(bench.world.run(bench.plan, 1).ok == 3);
  const std::vector<int> pids = bench.judges();
  REQUIRE(pids.size() == 3);
  CHECK(pids[0] == pids[2]);
  CHECK(pids[0] != pids[1]);
}

TEST_CASE("a judge that somebody kills while it waits is replaced") {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.cell("cell-" + std::to_string(i), bench.judge_spec());
  bench.world.also = [&](const Finished& record) {
    if (record.node->key == "cell-1") ::kill(bench.judges().back(), SIGKILL);
  };
  CHECK(bench.world.run(bench.plan, 1).ok == 3);
  CHECK(bench.different() == 2);
}

TEST_CASE("a link in place of an output is refused: the judge may read more than the worker") {
  Bench bench;
  bench.cell("linked", bench.judge_spec());
  bench.plan.nodes.back().stages[0].spec["do"] = "link";
  CHECK(bench.world.run(bench.plan, 1).failed == 1);
  CHECK(bench.world.record("linked")->reason ==
        "judge: the worker left a link where a file was expected: 'out/outputs'");
  CHECK(bench.judges().empty());
}

TEST_CASE("a link in place of an announced artifact is refused") {
  Bench bench;
  Json run = bench.world.spec("link");
  run["file"] = "model.safetensors";
  bench.plan.nodes.push_back(node_of(NodeKind::cell, "linked", {stage_of("run", run)}));
  CHECK(bench.world.run(bench.plan, 1).failed == 1);
  CHECK(bench.world.record("linked")->reason.find("left a link") != std::string::npos);
}
