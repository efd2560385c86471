// Killed and stopped supervisors, and two at once: nothing is lost, nothing is made twice, the outcome is the same.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "harness/base/rng.hpp"
#include "plans.hpp"

using namespace assay;
using namespace assay::sched_test;

namespace {

// A supervisor in a process of its own; its exit code is 0 when it did everything.
pid_t supervise(World& world, const Plan& plan, int jobs) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  int code = 1;
  try {
    const sched::Summary summary = world.run(plan, jobs);
    code = summary.interrupted || summary.failed > 0 ? 2 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "supervisor: %s\n", error.what());
  }
  ::_exit(code);
}

int exit_of(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

TEST_CASE("supervisors killed at random moments end with the same rows as an undisturbed one [rule 9]") {
  World calm;
  const Plan calm_plan = small_plan(calm, 4, 4, 0.01);
  calm.run(calm_plan);
  const auto expected = calm.all_rows();
  REQUIRE(expected.size() == 7);
  const Rng rng(2024, "kill");
  int kills = 0;
  for (std::uint64_t round = 0; round < 2; ++round) {
    World world;
    // Traces are paths and so part of the job; outputs depend on keys and inputs alone.
    const Plan plan = small_plan(world, 4, 4, 0.01);
    bool done = false;
    for (std::uint64_t attempt = 0; attempt < 60 && !done; ++attempt) {
      const pid_t pid = supervise(world, plan, 1 + static_cast<int>(round));
      // Early kills on the first attempts, later ones after, so that every phase is hit and the end is reached.
      ::usleep(static_cast<useconds_t>(1000 * (5 + rng.below(100 * round + attempt, 60 + 10 * attempt))));
      ::kill(pid, SIGKILL);
      const int code = exit_of(pid);
      REQUIRE((code == 0 || code == -SIGKILL));
      done = code == 0;
      kills += !done;
    }
    if (!done) CHECK(exit_of(supervise(world, plan, 2)) == 0);
    const auto rows = world.all_rows();
    REQUIRE(rows.size() == expected.size());
    for (const auto& row : expected) CHECK_MESSAGE(rows.at(row.first) == row.second, row.first);
    world.finished.clear();
    CHECK(world.run(plan).reused == 4);
    CHECK(fs::is_empty(world.folder.path() / "work"));
    for (const auto& entry : fs::recursive_directory_iterator(world.folder.path() / "cache"))
      CHECK(entry.path().string().find(".corrupt-") == std::string::npos);
  }
  CHECK(kills >= 10);
  MESSAGE("supervisors killed: " << kills);
}

TEST_CASE("a killed supervisor takes its workers with it, and the next goes on at the batch") {
  World world;
  Plan plan;
  Json spec = world.spec();
  spec["batches"] = 20;
  spec["seconds"] = 0.05;
  plan.nodes.push_back(node_of(NodeKind::cell, "long", {stage_of("run", spec)}));
  const pid_t pid = supervise(world, plan, 1);
  const fs::path shard = world.folder.path() / "work/long/run/shard";
  ShardFollower follower(shard);
  std::size_t seen = 0;
  for (int i = 0; i < 1000 && seen < 10; ++i) {
    seen += follower.poll().size();
    ::usleep(10000);
  }
  ::kill(pid, SIGKILL);
  CHECK(exit_of(pid) == -SIGKILL);
  ::usleep(100000);
  const auto size = fs::file_size(shard);
  ::usleep(200000);
  CHECK(fs::file_size(shard) == size);  // nobody writes any more
  CHECK(world.run(plan, 1).ok == 1);
  const Json row = Json::parse(read_text(world.rows / "long.json"));
  CHECK(row.at("stages").at("run").at("batches").size() == 20);
  CHECK(world.count("start long run") == 2);
}

TEST_CASE("a stage that ended is not run again when its supervisor dies between stages") {
  World world;
  Plan plan;
  Json slow = world.spec();
  slow["seconds"] = 5;
  plan.nodes.push_back(node_of(NodeKind::cell, "two", {stage_of("run", world.spec()), stage_of("judge", slow)}));
  const pid_t pid = supervise(world, plan, 1);
  for (int i = 0; i < 500 && world.count("start two judge") == 0; ++i) ::usleep(10000);
  ::kill(pid, SIGKILL);
  exit_of(pid);
  plan.nodes[0].stages[1].spec["seconds"] = 0;  // another judge: its scratch does not fit, the run's does
  CHECK(world.run(plan, 1).ok == 1);
  CHECK(world.count("start two run") == 1);
  CHECK(world.count("start two judge") == 2);
  CHECK(world.record("two")->stages[0].wall_seconds > 0);
}

TEST_CASE("scratch of another job is not gone on from") {
  World world;
  Plan plan;
  Json spec = world.spec();
  spec["batches"] = 5;
  plan.nodes.push_back(node_of(NodeKind::cell, "c", {stage_of("run", spec)}));
  sched::Callbacks calls = world.callbacks();
  calls.on_finished = [](const Finished&) { throw Error(Fault::io, "stop"); };
  CHECK_THROWS_AS(sched::run(plan, world.options(), calls), Error);
  plan.nodes[0].stages[0].spec["batches"] = 3;
  CHECK(world.run(plan).ok == 1);
  CHECK(Json::parse(read_text(world.rows / "c.json")).at("stages").at("run").at("batches").size() == 3);
}

TEST_CASE("two supervisors at once make everything once between them") {
  World world;
  const Plan plan = small_plan(world, 6, 2, 0.05);
  const pid_t one = supervise(world, plan, 2), two = supervise(world, plan, 2);
  CHECK(exit_of(one) == 0);
  CHECK(exit_of(two) == 0);
  CHECK(world.all_rows().size() == 9);
  const auto lines = world.trace_lines();
  CHECK(lines.size() == 2 * (3 + 6 * 2));
  for (const std::string& line : lines) CHECK(world.count(line) == 1);
  CHECK(fs::is_empty(world.folder.path() / "work"));
}

TEST_CASE("a supervisor takes over when another that holds the locks is killed") {
  World world;
  const Plan plan = small_plan(world, 2, 4, 0.1);
  const pid_t one = supervise(world, plan, 2);
  for (int i = 0; i < 500 && world.count("start prep prepare") == 0; ++i) ::usleep(10000);
  const pid_t two = supervise(world, plan, 2);
  ::usleep(100000);
  ::kill(one, SIGKILL);
  CHECK(exit_of(one) == -SIGKILL);
  CHECK(exit_of(two) == 0);
  CHECK(world.all_rows().size() == 5);
}

TEST_CASE("one stop drains: what runs ends and is recorded, nothing new starts, the next run does the rest") {
  World world;
  const Plan plan = small_plan(world, 4, 2, 0.05);
  sched::Callbacks calls = world.callbacks();
  calls.on_progress = [&](const sched::Progress& progress) {
    if (!progress.running.empty() && progress.cells_done >= 1) world.stop = 1;
  };
  sched::Summary summary = sched::run(plan, world.options(2), calls);
  CHECK(summary.interrupted);
  CHECK(summary.ok >= 1);
  CHECK(summary.ok < 4);
  CHECK(summary.failed == 0);
  const auto starts = world.trace_lines().size();
  CHECK(starts % 2 == 0);  // what started ended
  world.stop = 0;
  summary = world.run(plan);
  CHECK_FALSE(summary.interrupted);
  CHECK(summary.ok + summary.reused == 4);
  for (const std::string& line : world.trace_lines()) CHECK(world.count(line) == 1);
}

TEST_CASE("two stops kill at once, record nothing, and leave the scratch to go on from") {
  World world;
  Plan plan;
  Json spec = world.spec();
  spec["batches"] = 40;
  spec["seconds"] = 0.05;
  plan.nodes.push_back(node_of(NodeKind::cell, "long", {stage_of("run", spec)}));
  sched::Callbacks calls = world.callbacks();
  calls.on_progress = [&](const sched::Progress& progress) {
    if (!progress.running.empty() && progress.running[0].fraction > 0.2) world.stop = 2;
  };
  const sched::Summary summary = sched::run(plan, world.options(), calls);
  CHECK(summary.interrupted);
  CHECK(summary.wall_seconds < 1.9);
  CHECK(summary.ok + summary.failed == 0);
  CHECK(world.finished.empty());
  CHECK(read_shard(world.folder.path() / "work/long/run/shard").events.size() > 8);
  world.stop = 0;
  CHECK(world.run(plan).ok == 1);
  CHECK(Json::parse(read_text(world.rows / "long.json")).at("stages").at("run").at("batches").size() == 40);
}

TEST_CASE("a stop before the start starts nothing") {
  World world;
  world.stop = 1;
  const sched::Summary summary = world.run(small_plan(world, 2));
  CHECK(summary.interrupted);
  CHECK(world.trace_lines().empty());
}
