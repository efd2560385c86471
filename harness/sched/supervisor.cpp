#include "harness/sched/supervisor.hpp"

#include <time.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "harness/base/error.hpp"

namespace assay::sched {
namespace {

constexpr double tick_seconds = 0.005;         // how late an ended process may be noticed
constexpr double watch_seconds = 0.05;         // memory of the workers themselves
constexpr double watch_group_seconds = 0.5;    // memory of whole groups: reads all of /proc
constexpr double retry_seconds = 0.1;          // asking again for a lock that another supervisor holds

void nap(double seconds) {
  const timespec time{0, static_cast<long>(seconds * 1e9)};
  ::nanosleep(&time, nullptr);
}

bool names_a_folder(const std::string& key) {
  const auto fine = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
  return !key.empty() && key.size() <= 128 && std::all_of(key.begin(), key.end(), fine);
}

void check_stages(const Node& node) {
  std::set<std::string> before;
  for (const Stage& stage : node.stages) {
    for (const InputRef& input : stage.inputs)
      if (!input.stage.empty() && before.count(input.stage) == 0)
        throw Error(Fault::bad_input, "plan: '" + node.label + "': stage '" + stage.stage + "' reads stage '" +
                                          input.stage + "', which does not run before it");
    if (!before.insert(stage.stage).second || !names_a_folder(stage.stage))
      throw Error(Fault::bad_input, "plan: '" + node.label + "' has a bad or repeated stage '" + stage.stage + "'");
  }
  if (node.stages.empty()) throw Error(Fault::bad_input, "plan: '" + node.label + "' has no stages");
}

}  // namespace

// The folder goes last and the lock file before it: a supervisor that waits for the lock then makes both anew.
void remove_scratch(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().filename() != "lock") fs::remove_all(entry.path(), ignored);
  fs::remove(folder / "lock", ignored);
  fs::remove(folder, ignored);
}

std::vector<std::vector<std::size_t>> checked_needs(const Plan& plan) {
  std::map<std::string, std::size_t> index;
  std::vector<std::vector<std::size_t>> needs;
  for (const Node& node : plan.nodes) {
    if (!names_a_folder(node.key))
      throw Error(Fault::bad_input, "plan: '" + node.label + "' has the key '" + node.key + "', which cannot name a folder");
    check_stages(node);
    std::set<std::string> keys(node.needs.begin(), node.needs.end());
    for (const Stage& stage : node.stages)
      for (const InputRef& input : stage.inputs)
        if (!input.node.empty()) keys.insert(input.node);
    std::vector<std::size_t>& mine = needs.emplace_back();
    for (const std::string& key : keys) {
      const auto found = index.find(key);
      if (found == index.end())
        throw Error(Fault::bad_input, "plan: '" + node.label + "' needs node '" + key + "', which does not stand before it");
      mine.push_back(found->second);
    }
    if (!index.emplace(node.key, index.size()).second)
      throw Error(Fault::bad_input, "plan: two nodes have the key '" + node.key + "' ('" + node.label + "')");
  }
  return needs;
}

Supervisor::Supervisor(const Plan& plan, const SchedOptions& options, const Callbacks& callbacks, Executor& executor)
    : plan_(plan), options_(options), callbacks_(callbacks), executor_(executor), cache_(options.cache), begun_(now_seconds()) {
  options_.work = fs::absolute(options.work);
  options_.worker = fs::absolute(options.worker);
  cache_ = Cache(fs::absolute(options.cache));
  const auto needs = checked_needs(plan);
  tasks_.resize(plan.nodes.size());
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    tasks_[i].node = &plan.nodes[i];
    tasks_[i].needs = needs[i];
    index_[plan.nodes[i].key] = i;
  }
}

Summary Supervisor::run() {
  fs::create_directories(options_.work);
  spread_subfolders(options_.work);
  demand_cells();
  settle();
  double next_watch = 0, next_group = 0, next_start = 0;
  while (true) {
    const int level = stop_level();
    if (level >= 2) kill_flights();
    if (level == 1 && executor_.outlives_us()) break;
    // Between two ends only a lock that another supervisor gave back can make a node startable.
    if (level == 0 && now_seconds() >= next_start) {
      start_ready();
      settle();
      next_start = now_seconds() + retry_seconds;
    }
    const auto in = [&](State state) {
      return std::any_of(tasks_.begin(), tasks_.end(), [&](const Task& t) { return t.state == state; });
    };
    if (!in(State::running) && (level > 0 || !in(State::pending))) break;
    // Nothing of ours runs and something waits: another supervisor has it.
    nap(in(State::running) ? tick_seconds : retry_seconds);
    const double now = now_seconds();
    if (now >= next_watch) {
      const bool whole = now >= next_group;
      watch_flights(whole);
      next_watch = now + watch_seconds;
      if (whole) next_group = now + watch_group_seconds;
    }
    executor_.tick();
    if (poll_flights()) next_start = 0;
    settle();
    report_progress(false);
  }
  report_progress(true);
  return summary();
}

int Supervisor::stop_level() const { return options_.stop == nullptr ? 0 : options_.stop->load(); }

void Supervisor::demand_cells() {
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    Task& task = tasks_[i];
    if (task.node->kind != NodeKind::cell) continue;
    if (!done_already(*task.node)) {
      want(i);
      continue;
    }
    task.state = State::ready;
    sweep(*task.node);
  }
}

// A done cell may have to run again, when a node that is not done reads its files and the cache has lost them.
void Supervisor::want(std::size_t index) {
  Task& task = tasks_[index];
  const bool cell = task.node->kind == NodeKind::cell;
  if (task.state == State::ready && cell && task.wanted_as_artifact && !task.artifact) {
    task.artifact = cache_.lookup(*task.node);
    if (task.artifact) return;
  } else if (task.state != State::idle) {
    return;
  }
  if (!cell) {
    if (const auto manifest = cache_.lookup(*task.node)) {
      sweep(*task.node);
      reuse(task, *manifest);
      return recall_sources(task);
    }
  }
  task.state = State::pending;
  for (const std::size_t need : task.needs) {
    tasks_[need].wanted_as_artifact = true;
    want(need);
  }
}

// A database that is younger than the cache still learns what an artifact was made from, as far as the cache knows.
void Supervisor::recall_sources(const Task& task) {
  for (const std::size_t need : task.needs) {
    Task& source = tasks_[need];
    if (source.state != State::idle || source.node->kind == NodeKind::cell) continue;
    const auto manifest = cache_.lookup(*source.node);
    if (!manifest) continue;
    reuse(source, *manifest);
    recall_sources(source);
  }
}

// Scratch of a node that was recorded just before its supervisor was killed.
void Supervisor::sweep(const Node& node) {
  if (!fs::exists(scratch(node))) return;
  const FileLock lock = FileLock::try_lock(scratch(node) / "lock");
  if (lock.held()) remove_scratch(scratch(node));
}

void Supervisor::reuse(Task& task, const Manifest& manifest) {
  task.artifact = manifest;
  task.state = State::ready;
  settled_ = true;
  ++artifacts_reused_;
  if (callbacks_.on_finished) callbacks_.on_finished(cache_.recall(*task.node, manifest));
}

void Supervisor::start_ready() {
  auto running = static_cast<std::size_t>(
      std::count_if(tasks_.begin(), tasks_.end(), [](const Task& t) { return t.state == State::running; }));
  // A node that settles at once (found in the cache, failed by dependency, thrown out) may free others: look again.
  do {
    settled_ = false;
    for (Task& task : tasks_) {
      if (running >= executor_.capacity() || stop_level() > 0) return;
      if (task.state != State::pending || !needs_ready(task)) continue;
      start(task);
      if (task.state == State::running) ++running;
    }
  } while (settled_);
}

bool Supervisor::needs_ready(Task& task) {
  for (const std::size_t need : task.needs) {
    const Task& other = tasks_[need];
    if (other.state == State::failed) {
      fail_without_run(task, "needs '" + other.node->label + "', which " + other.failure);
      return false;
    }
    if (other.state != State::ready) return false;
  }
  return true;
}

bool Supervisor::poll_flights() {
  bool ended = false;
  for (Task& task : tasks_) {
    if (!task.flight) continue;
    task.flight->run->poll();
    if (!task.flight->run->ended()) continue;
    finish(task, Ended(*task.flight->run->ended()));  // a copy: the flight ends with it
    ended = true;
  }
  return ended;
}

void Supervisor::watch_flights(bool whole) {
  const bool any = std::any_of(tasks_.begin(), tasks_.end(), [](const Task& t) { return t.flight != nullptr; });
  whole = whole && any && !executor_.outlives_us();  // what runs elsewhere is looked at there
  const std::vector<ProcessFacts> all = whole ? all_processes() : std::vector<ProcessFacts>();
  for (Task& task : tasks_)
    if (task.flight) task.flight->run->watch(whole ? &all : nullptr);
  if (whole) kill_strays();
}

void Supervisor::kill_flights() {
  for (Task& task : tasks_) {
    if (!task.flight) continue;
    task.flight->run->kill();
    task.flight.reset();
    task.state = State::pending;
  }
}

Summary Supervisor::summary() const {
  Summary sum;
  for (const Task& task : tasks_) {
    const bool cell = task.node->kind == NodeKind::cell;
    const bool ready = task.state == State::ready, failed = task.state == State::failed;
    sum.interrupted |= task.state == State::pending || task.state == State::running;
    if (cell) {
      ++sum.cells;
      sum.ok += ready && task.made;
      sum.failed += failed;
      sum.reused += ready && !task.made;
    } else {
      sum.artifacts_made += ready && task.made;
      sum.artifacts_failed += failed;
    }
  }
  sum.artifacts_reused = artifacts_reused_;
  sum.wall_seconds = now_seconds() - begun_;
  return sum;
}

void Supervisor::report_progress(bool now) {
  const double time = now_seconds();
  if (!callbacks_.on_progress || (!now && time - last_progress_ < options_.progress_seconds)) return;
  last_progress_ = time;
  callbacks_.on_progress(progress());
}

Progress Supervisor::progress() const {
  Progress progress;
  std::vector<Work> left;
  for (const Task& task : tasks_) {
    const bool cell = task.node->kind == NodeKind::cell;
    const bool failed = task.state == State::failed, over = failed || task.state == State::ready;
    if (cell) {
      ++progress.cells;
      progress.cells_done += over;
      progress.cells_failed += failed;
      progress.cells_reused += task.state == State::ready && !task.made;
    } else if (task.state != State::idle && (task.made || task.state != State::ready)) {
      ++progress.artifacts;
      progress.artifacts_done += over;
    }
    if (task.state == State::pending) left.push_back({task.node, 0});
    if (!task.flight || task.state != State::running) continue;
    const double seconds = now_seconds() - task.flight->started;
    left.push_back({task.node, seconds});
    Running& now = progress.running.emplace_back(task.flight->run->running());
    now.label = task.node->label;
    now.seconds = seconds;
  }
  progress.seconds_left = seconds_left(costs_, left, executor_.parallel());
  return progress;
}

}  // namespace assay::sched
