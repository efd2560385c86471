// The Slurm executor against shell scripts that play sbatch, squeue, scancel and scontrol: limits of the site, lost and
// cancelled tasks, a supervisor that comes back. A real cluster: tests/e2e/test_slurm.py.
#include <doctest/doctest.h>

#include <cstdlib>

#include "plans.hpp"

using namespace assay;
using namespace assay::sched_test;

namespace {

// The scripts' folder is also their memory: limit, lose and state hold what a test asked for, tasks/ what was submitted.
constexpr const char* fake_sbatch = R"bash(#!/bin/bash
here=$(dirname "$0")
for word in "$@"; do
  case $word in --array=0-*) last=${word#--array=0-} ;; esac
  script=$word
done
echo "$((last + 1)) $*" >>"$here/submissions"
if [[ -f $here/limit ]] && ((last + 1 > $(<"$here/limit"))); then
  echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2
  exit 1
fi
if [[ -f $here/refuse ]]; then
  echo "sbatch: error: invalid partition specified: nowhere" >&2
  exit 1
fi
mkdir -p "$here/tasks"
job=$(($(ls "$here/tasks" | sed 's/_.*//' | sort -n | tail -1) + 1))
for ((i = 0; i <= last; ++i)); do
  if [[ -f $here/state ]]; then
    cat "$here/state" >"$here/tasks/${job}_$i"
  else
    # A session of its own: what a command leaves behind in its group ends with it.
    SLURM_ARRAY_TASK_ID=$i setsid bash "$here/task" "$script" "$here/tasks/${job}_$i" >/dev/null 2>&1 &
    until [[ -s $here/tasks/${job}_$i ]]; do sleep 0.01; done
  fi
done
echo "$job"
)bash";
// A file `requeue` names the file to which workers write their process ids. Then the first one is terminated, the task's own
// program a moment later, and the task starts again, as on a cluster.
constexpr const char* fake_task = R"bash(#!/bin/bash
here=$(dirname "$0")
echo RUNNING >"$2"
if [[ -f $here/requeue ]]; then
  bash "$1" &
  until [[ -s $(<"$here/requeue") ]]; do sleep 0.01; done
  kill -TERM "$(head -1 "$(<"$here/requeue")")"
  sleep 0.2
  kill -TERM $!
  wait $!
  echo $? >"$here/requeued"
fi
bash "$1"
echo COMPLETED >"$2"
)bash";
constexpr const char* fake_squeue = R"bash(#!/bin/bash
here=$(dirname "$0")
[[ -f $here/silent ]] && exit 1
for file in "$here"/tasks/*; do [[ -f $file ]] && echo "$(basename "$file")|$(<"$file")|n1"; done
exit 0
)bash";
constexpr const char* fake_scancel = "#!/bin/bash\necho \"$@\" >>\"$(dirname \"$0\")/cancelled\"\n";
constexpr const char* fake_scontrol = "#!/bin/bash\necho 'MaxArraySize            = 1001'\n";

struct Site {
  TempDir folder{"assay-fake-slurm"};
  std::string path = std::getenv("PATH");

  Site() {
    for (const auto& [name, text] :
         {std::pair{"sbatch", fake_sbatch}, {"task", fake_task}, {"squeue", fake_squeue}, {"scancel", fake_scancel}, {"scontrol", fake_scontrol}}) {
      write_atomic(folder.path() / name, text);
      fs::permissions(folder.path() / name, fs::perms::owner_all);
    }
    ::setenv("PATH", (folder.path().string() + ":" + path).c_str(), 1);
  }
  ~Site() { ::setenv("PATH", path.c_str(), 1); }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  void set(const char* name, const std::string& text) const { write_atomic(folder.path() / name, text); }
  std::vector<std::string> submissions() const {
    std::ifstream in(folder.path() / "submissions");
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
};

sched::SchedOptions slurm_options(World& world) {
  sched::SchedOptions options = world.options();
  options.slurm = sched::SlurmProfile{};
  options.slurm->poll_seconds = 0.1;
  options.program = ASSAY_NODE_PROGRAM;
  return options;
}

}  // namespace

TEST_CASE("slurm: a plan ends with the rows of the local executor") {
  const Site site;
  World here, there;
  const Plan plan = small_plan(here, 6, 3);
  here.run(plan);
  Plan same = small_plan(there, 6, 3);
  const sched::Summary summary = sched::run(same, slurm_options(there), there.callbacks());
  CHECK(summary.ok == 6);
  CHECK(summary.artifacts_made == 3);
  CHECK(there.all_rows() == here.all_rows());
  const Finished& cell = *there.record("cell-0");
  CHECK(cell.host.at("slurm").at("submissions").as_int() == 1);
  CHECK(cell.host.at("shared").as_bool());  // rule 41: tasks without --exclusive share their node
  CHECK(cell.stages.at(0).log_tail == "hello from run\n");
  // What became ready together travelled together: data, two trainings, six cells.
  REQUIRE(site.submissions().size() == 3);
  CHECK(site.submissions()[2].starts_with("6 "));
  CHECK(sched::run(same, slurm_options(there), there.callbacks()).reused == 6);
  CHECK(site.submissions().size() == 3);
}

TEST_CASE("slurm: resources and the site's options are in every submission") {
  const Site site;
  World world;
  sched::SchedOptions options = slurm_options(world);
  options.slurm->partition = "cpu";
  options.slurm->account = "lab";
  options.slurm->sbatch = {"--exclusive"};
  options.slurm->slack_seconds = 60;
  Plan plan;
  plan.nodes.push_back(node_of(NodeKind::cell, "one", {stage_of("run", world.spec())}));
  sched::run(plan, options, world.callbacks());
  const std::string asked = site.submissions().at(0);
  for (const char* part : {"--partition=cpu", "--account=lab", "--exclusive", "--requeue", "--cpus-per-task=1", "--mem=2304", "--time=2 "})
    CHECK_MESSAGE(asked.find(part) != std::string::npos, asked);
  CHECK_FALSE(world.record("one")->host.at("shared").as_bool());
}

TEST_CASE("slurm: a limit of the site makes waves smaller, and what sbatch will never take is an error") {
  const Site site;
  World world;
  site.set("limit", "5");
  sched::SchedOptions options = slurm_options(world);
  options.slurm->max_tasks = 4;
  Plan plan;
  for (int i = 0; i < 9; ++i) plan.nodes.push_back(node_of(NodeKind::cell, "c" + std::to_string(i), {stage_of("run", world.spec())}));
  CHECK(sched::run(plan, options, world.callbacks()).ok == 9);
  for (const std::string& line : site.submissions()) CHECK(std::atoi(line.c_str()) <= 4);

  World other;
  site.set("refuse", "");
  CHECK_THROWS_WITH_AS(sched::run(plan, slurm_options(other), other.callbacks()),
                       doctest::Contains("sbatch refused a job array: sbatch: error: invalid partition"), Error);
}

TEST_CASE("slurm: tasks that the cluster ends are rows with a reason") {
  for (const auto& [state, status, reason] : {std::tuple{"TIMEOUT", "timeout", "Slurm ended it at its time limit"},
                                              {"OUT_OF_MEMORY", "oom", "Slurm ended it at its memory limit"},
                                              {"CANCELLED", "cancelled", "cancelled in Slurm (1_0)"},
                                              {"NODE_FAIL", "failed", "Slurm lost it 3 times, last as NODE_FAIL (3_0)"}}) {
    const Site site;
    World world;
    site.set("state", state);
    Plan plan;
    plan.nodes.push_back(node_of(NodeKind::cell, "one", {stage_of("run", world.spec())}));
    sched::run(plan, slurm_options(world), world.callbacks());
    const Finished* record = world.record("one");
    REQUIRE(record != nullptr);
    CHECK(record->status == status);
    CHECK(record->reason == reason);
    CHECK(site.submissions().size() == (std::string(state) == "NODE_FAIL" ? 3 : 1));
  }
}

TEST_CASE("slurm: a task that is requeued goes on, though its worker heard of it first") {
  const Site site;
  World world;
  const fs::path pids = world.folder.path() / "pids";
  site.set("requeue", pids.string());
  Json spec = world.spec();
  spec["batches"] = 20;
  spec["seconds"] = 0.02;
  spec["pids"] = pids.string();
  Plan plan;
  plan.nodes.push_back(node_of(NodeKind::cell, "one", {stage_of("run", spec)}));
  CHECK(sched::run(plan, slurm_options(world), world.callbacks()).ok == 1);
  CHECK(read_text(site.folder.path() / "requeued") == "143\n");  // 128 + SIGTERM
  CHECK(world.count("start one run") == 2);
  CHECK(site.submissions().size() == 1);
}

TEST_CASE("slurm: a supervisor that was asked to stop leaves its tasks, and the next one takes their results") {
  const Site site;
  World world;
  const Plan plan = small_plan(world, 4, 2, 0.2);
  sched::SchedOptions options = slurm_options(world);
  world.also = [&](const Finished& record) {
    if (record.node->key == "train-b" || record.node->key == "train-a") world.stop = 1;
  };
  const sched::Summary first = sched::run(plan, options, world.callbacks());
  CHECK(first.interrupted);
  world.also = nullptr;
  world.stop = 0;
  const sched::Summary second = sched::run(plan, options, world.callbacks());
  CHECK(second.ok == 4);
  CHECK_FALSE(second.interrupted);
  for (const char* key : {"prep prepare", "train-a train", "train-b train"}) CHECK(world.count(std::string("start ") + key) == 1);
}

TEST_CASE("slurm: two stops cancel what is in flight; a silent controller is waited for") {
  const Site site;
  World world;
  site.set("state", "PENDING");
  Plan plan;
  plan.nodes.push_back(node_of(NodeKind::cell, "one", {stage_of("run", world.spec())}));
  sched::Callbacks calls = world.callbacks();
  int looks = 0;
  calls.on_progress = [&](const sched::Progress& progress) {
    if (progress.running.empty() || progress.running[0].stage == "waiting") return;
    if (++looks == 20) site.set("silent", "");
    if (looks == 60) world.stop = 2;
  };
  const sched::Summary summary = sched::run(plan, slurm_options(world), calls);
  CHECK(summary.interrupted);
  CHECK(world.finished.empty());
  CHECK(read_text(site.folder.path() / "cancelled").find("1_0") != std::string::npos);
}

TEST_CASE("slurm: a profile is checked key by key") {
  const TempDir folder;
  const fs::path file = folder.path() / "site.toml";
  const auto loads = [&](const char* text) {
    write_atomic(file, text);
    return sched::SlurmProfile::load(file);
  };
  const sched::SlurmProfile profile = loads("partition = 'cpu'\nmodules = ['gcc/12']\nmax_tasks = 7\npoll_seconds = 2\n");
  CHECK(profile.partition == "cpu");
  CHECK(profile.modules == std::vector<std::string>{"gcc/12"});
  CHECK(profile.max_tasks == 7);
  CHECK(profile.poll_seconds == 2);
  const std::string at = file.string();
  CHECK_THROWS_WITH_AS(loads("\npartiton = 'cpu'\n"), (at + ":2:1: unknown key 'partiton' of a Slurm profile; did you mean 'partition'?").c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(loads("max_tasks = 0\n"), (at + ":1:13: 'max_tasks' must be between 1 and 10000000, not 0").c_str(), Error);
  CHECK_THROWS_WITH_AS(loads("modules = 'gcc'\n"), doctest::Contains("'modules' must be an array, not a string"), Error);
  CHECK_THROWS_WITH_AS(loads("poll_seconds = -1.0\n"), doctest::Contains("'poll_seconds' must be at least 0"), Error);
}
