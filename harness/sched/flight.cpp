// One node's way through its stages: inputs checked, processes started, outputs published, the record handed over.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/base/log.hpp"
#include "harness/record/examples.hpp"
#include "harness/sched/facts.hpp"
#include "harness/sched/supervisor.hpp"

namespace assay::sched {
namespace {

constexpr const char* model_file = "model.safetensors";
constexpr std::size_t most_together = 200;                      // ended nodes that are put on the disk in one go
constexpr int most_damaged = 3;                                 // after that the disk is to blame, not chance

// CPU time is wall time on all of its threads; a second is for what the clocks of the two differ in.
StageLimits limits_of(const Node& node, std::uint64_t file_bytes) {
  StageLimits limits;
  limits.seconds = node.seconds;
  limits.cpu_seconds = node.seconds * node.numerics.threads + 1;
  limits.memory_mb = node.memory_mb;
  limits.disk_mb = node.disk_mb;
  limits.threads = node.processes + node.numerics.threads;
  limits.file_bytes = file_bytes;
  return limits;
}

}  // namespace

void Supervisor::start(Task& task) {
  const Node& node = *task.node;
  FileLock artifact_lock = cache_.try_lock(node);
  if (!artifact_lock.held()) return;
  FileLock scratch_lock = FileLock::try_lock(scratch(node) / "lock");
  if (!scratch_lock.held()) return;
  // Another supervisor may have done it while we waited.
  const bool cell = node.kind == NodeKind::cell;
  const auto manifest = cache_.lookup(node);
  if (cell ? done_already(node) && (manifest || !task.wanted_as_artifact) : manifest.has_value()) {
    remove_scratch(scratch(node));
    if (!cell) {
      reuse(task, *manifest);
    } else {
      task.state = State::ready;
      task.artifact = manifest;
      settled_ = true;
    }
    return;
  }
  if (!inputs_whole(task)) return;
  if (!cell && fs::exists(cache_.folder(node))) cache_.quarantine(node);
  task.state = State::running;
  task.flight = std::make_unique<Flight>(Flight{std::move(artifact_lock), std::move(scratch_lock), {}, nullptr, now_seconds()});
  task.flight->record.node = &node;
  task.flight->record.attempt = 1 + (callbacks_.attempts_before ? callbacks_.attempts_before(node) : 0);
  task.flight->record.input_digests = input_digests(task);
  mark_shared();
  try {
    task.flight->run = executor_.start(ticket_for(task));
  } catch (const Error& error) {
    if (error.fault() == Fault::io) throw;
    Ended ended;
    ended.status = "failed";
    ended.reason = error.what();
    ended.host = host_facts(node.numerics, load_average());
    finish(task, ended);
    return;
  }
  if (task.flight->run->ended()) finish(task, Ended(*task.flight->run->ended()));
}

// Times of nodes that ran beside others are marked so (rule 41).
void Supervisor::mark_shared() {
  if (!executor_.shares_machine()) return;
  const auto flies = [](const Task& t) { return t.flight != nullptr && t.state == State::running; };
  const auto flying = std::count_if(tasks_.begin(), tasks_.end(), flies);
  for (Task& task : tasks_)
    if (flies(task) && flying > 1) task.flight->shared = true;
}

// Checks the digest of every artifact file that the node's stages read. A damaged one is thrown out and made again.
bool Supervisor::inputs_whole(Task& task) {
  for (const Stage& stage : task.node->stages) {
    for (const InputRef& ref : stage.inputs) {
      if (ref.node.empty()) continue;
      Task& other = tasks_[index_.at(ref.node)];
      const std::string what = other.artifact ? cache_.damage(*other.node, *other.artifact, ref.file) : "no manifest";
      if (what.empty()) continue;
      mend(other, ref.file + ": " + what);
      return false;
    }
  }
  return true;
}

void Supervisor::mend(Task& damaged, const std::string& what) {
  const FileLock lock = cache_.try_lock(*damaged.node);
  if (!lock.held()) return;  // another supervisor is at it
  log::warn("artifact of '{}' is damaged and made again: {}", damaged.node->label, what);
  // Perhaps it has been mended already, and what we hold is the old manifest.
  const auto now = cache_.lookup(*damaged.node);
  const bool mended = now && damaged.artifact && now->to_json() != damaged.artifact->to_json();
  damaged.artifact = mended ? now : std::nullopt;
  settled_ = true;
  if (mended) return;
  cache_.quarantine(*damaged.node);
  damaged.made = false;
  if (++damaged.damaged >= most_damaged) {
    damaged.failure = "was damaged " + std::to_string(damaged.damaged) + " times: " + what;
    damaged.state = State::failed;
    return;
  }
  damaged.state = State::pending;
  damaged.wanted_as_artifact = true;
  for (const std::size_t need : damaged.needs) {
    tasks_[need].wanted_as_artifact = true;
    want(need);
  }
}

// What the node is made from, all stages together, so that a row names its data even when its first stage fails. What
// one stage hands to the next stays inside the node.
std::vector<std::pair<std::string, std::string>> Supervisor::input_digests(const Task& task) const {
  std::vector<std::pair<std::string, std::string>> digests;
  for (const Stage& stage : task.node->stages) {
    for (const InputRef& ref : stage.inputs) {
      if (!ref.stage.empty()) continue;
      const ManifestFile* file = ref.node.empty() ? nullptr : tasks_[index_.at(ref.node)].artifact->find(ref.file);
      if (!ref.node.empty() && file == nullptr) continue;  // job_for says so when it comes to that stage
      std::pair<std::string, std::string> digest(ref.name, file == nullptr ? ref.sha256 : file->sha256);
      if (std::find(digests.begin(), digests.end(), digest) == digests.end()) digests.push_back(std::move(digest));
    }
  }
  return digests;
}

Ticket Supervisor::ticket_for(const Task& task) const {
  const Node& node = *task.node;
  Ticket ticket;
  ticket.key = node.key;
  ticket.label = node.label;
  ticket.limits = limits_of(node, options_.file_bytes);
  ticket.sandbox = options_.sandbox;
  ticket.numerics = node.numerics;
  ticket.scratch = scratch(node);
  ticket.worker = options_.worker;
  for (const Stage& stage : node.stages) ticket.steps.push_back(step_for(task, stage));
  return ticket;
}

Step Supervisor::step_for(const Task& task, const Stage& stage) const {
  const Node& node = *task.node;
  Step step;
  Job& job = step.job;
  step.alone = stage.alone;
  job.stage = stage.stage;
  job.key = node.key;
  job.attempt = task.flight->record.attempt;
  job.scratch = (scratch(node) / stage.stage).string();
  job.numerics = node.numerics;
  job.seeds = node.seeds;
  job.spec = stage.spec;
  if (stage.plugin) {
    job.plugin_path = node.plugin_path;
    job.plugin_sha256 = node.plugin_sha256;
    job.plugin_id = node.plugin_id;
  }
  for (const InputRef& ref : stage.inputs) {
    if (!ref.stage.empty()) {
      step.from_stages.push_back(ref);
    } else {
      job.inputs[ref.name] = resolve(stage, ref);
    }
  }
  return step;
}

JobInput Supervisor::resolve(const Stage& stage, const InputRef& ref) const {
  if (!ref.path.empty()) return {fs::absolute(ref.path).string(), ref.sha256};
  const Task& other = tasks_[index_.at(ref.node)];
  const ManifestFile* file = other.artifact->find(ref.file);
  if (file == nullptr) {
    std::vector<std::string> names;
    for (const ManifestFile& one : other.artifact->files) names.push_back(one.name);
    throw Error(Fault::bad_input, stage.stage + ": the artifact of '" + other.node->label + "' has no file '" + ref.file + "'" +
                                      suggestion(ref.file, names));
  }
  return {(cache_.folder(*other.node) / ref.file).string(), file->sha256};
}

bool Supervisor::keeps_artifact(const Task& task, const std::map<std::string, std::string>& announced) const {
  if (task.node->kind != NodeKind::cell || task.node->keep_outputs || task.wanted_as_artifact) return true;
  if (announced.count(model_file) > 0 || announced.count(examples_file) > 0) return true;
  // Nobody that runs now reads it, but a node of this plan does.
  const std::size_t mine = index_.at(task.node->key);
  return std::any_of(tasks_.begin(), tasks_.end(), [&](const Task& other) {
    return std::find(other.needs.begin(), other.needs.end(), mine) != other.needs.end();
  });
}

// The product of a node is what its last producing stage announced. A judge's files are reports and no product, but for
// the pictures that it keeps of a cell which leaves nothing else.
void Supervisor::publish(Task& task) {
  Finished& record = task.flight->record;
  fs::path out;
  std::map<std::string, std::string> announced;
  for (const StageResult& stage : record.stages) {
    auto files = announced_artifacts(stage.shard);
    if (stage.stage == "judge")
      std::erase_if(files, [&](const auto& file) { return file.first != examples_file || !announced.empty(); });
    if (files.empty()) continue;
    announced = std::move(files);
    out = scratch(*task.node) / stage.stage / "out";
  }
  if (!keeps_artifact(task, announced)) return;
  const bool journal = task.node->kind != NodeKind::cell || task.node->keep_outputs;
  record.artifact = cache_.publish(record, out, announced, journal);
  task.artifact = record.artifact;
}

void Supervisor::finish(Task& task, const Ended& ended) {
  Finished& record = task.flight->record;
  record.host = ended.host;
  if (!record.host.has("shared")) record.host["shared"] = task.flight->shared;
  record.stages = ended.stages;
  record.status = ended.status;
  record.reason = ended.reason;
  try {
    if (record.status == "ok") publish(task);
  } catch (const Error& error) {
    if (error.fault() != Fault::constraint) throw;
    record.status = "failed";
    record.reason = error.what();
  }
  settled_ = true;
  task.made = true;
  task.state = record.status == "ok" ? State::ready : State::failed;
  task.failure = std::string(status_verb(record.status)) + " (" + record.reason + ")";
  double wall = 0;
  for (const StageResult& stage : record.stages) wall += stage.wall_seconds;
  if (record.status == "ok") costs_.learn(*task.node, wall);
  if (callbacks_.on_finished) callbacks_.on_finished(record);
  ended_.push_back(&task);
  report_progress(true);
  if (ended_.size() >= most_together) settle();
}

void Supervisor::settle() {
  if (callbacks_.on_settled) callbacks_.on_settled();
  for (Task* task : ended_) {
    remove_scratch(scratch(*task->node));
    task->flight.reset();
  }
  ended_.clear();
}

// A node that cannot run is a row all the same.
void Supervisor::fail_without_run(Task& task, const std::string& reason) {
  settled_ = true;
  task.state = State::failed;
  task.failure = "failed (" + reason + ")";
  Finished record;
  record.node = task.node;
  record.attempt = 1 + (callbacks_.attempts_before ? callbacks_.attempts_before(*task.node) : 0);
  record.status = "failed";
  record.reason = reason;
  record.host = host_facts(task.node->numerics, load_average());
  record.host["shared"] = false;
  if (callbacks_.on_finished) callbacks_.on_finished(record);
  report_progress(true);
}

}  // namespace assay::sched
