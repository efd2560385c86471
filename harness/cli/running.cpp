#include "harness/cli/running.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/base/error.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/progress.hpp"
#include "harness/cli/repeating.hpp"
#include "harness/cli/space.hpp"

namespace assay::cli {
namespace {

bool is_failure(const std::string& status) { return status != "ok" && status != "cancelled"; }

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

const Descriptor* plugin_of(const PlanContext& context, const Node& node) {
  const auto found = context.plugins.find(node.plugin_id);
  return found == context.plugins.end() ? nullptr : &found->second;
}

// Failed cells of the plan as the store has them, so that a run that repeats nothing still tells what is missing.
std::vector<Failure> stored_failures(const store::Store& db, const Plan& plan) {
  std::vector<Failure> failures;
  for (const Node& node : plan.nodes) {
    if (node.kind != NodeKind::cell || db.has_valid(node.key, node.judgement)) continue;
    const auto cell = db.find(node.key);
    if (!cell || !cell->standing || !is_failure(cell->standing->status)) continue;
    failures.push_back({node.label, cell->standing->status, cell->standing->reason, node.key});
  }
  return failures;
}

void tell_repeats(const RepeatCheck& repeats, RunReport& report) {
  report.summary = repeats.without_repeats(report.summary);
  report.repeated = repeats.identical();
  for (const RepeatCheck::Result& one : repeats.different()) report.unequal.push_back({one.label, "SUSPECT", one.says, one.key});
  for (const RepeatCheck::Result& one : repeats.unchecked()) report.unrepeated.push_back({one.label, "not repeated", one.says, one.key});
}

}  // namespace

std::filesystem::path artifact_folder() { return assay_home() / "cache"; }
std::filesystem::path work_folder() { return assay_home() / "work"; }

bool stands(const store::Store& db, const Plan& plan, const Node& node, bool retry_failed) {
  if (db.concluded(node.key, node.judgement, plan.protocol_hash)) return true;
  if (retry_failed || db.attempts_known(node.key) == 0) return false;
  const auto cell = db.find(node.key);
  if (!cell || !cell->standing) return false;
  const store::AttemptRecord& last = *cell->standing;
  return last.judgement == node.judgement && last.protocol == plan.protocol_hash && last.retracted.empty() && is_failure(last.status);
}

std::string PlanState::of(const Node& node) const {
  const auto found = states.find(node.key);
  return found == states.end() ? "unused" : found->second;
}

std::vector<std::string> PlanState::finished_keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, state] : states)
    if (state != "to do") keys.push_back(key);
  return keys;
}

PlanState plan_state(const Plan& plan, const std::string& db_option, bool retry_failed) {
  std::optional<store::Store> db;
  const std::filesystem::path file = database_path(db_option);
  if (std::filesystem::exists(file) && !std::filesystem::is_empty(file)) db = open_database(db_option);
  const auto done = [&](const Node& node) { return db && stands(*db, plan, node, retry_failed); };
  const sched::Preview preview = sched::preview(plan, artifact_folder(), done);
  PlanState state;
  for (const Node* node : preview.to_run) state.states[node->key] = "to do";
  for (const Node* node : preview.cached) state.states[node->key] = "cached";
  for (const Node* node : preview.done) state.states[node->key] = "done";
  return state;
}

int default_jobs(const Plan& plan) {
  int threads = 1;
  for (const Node& node : plan.nodes) threads = std::max(threads, node.numerics.threads);
  return std::max(1, usable_cores() / threads);
}

std::string plan_summary(const Plan& plan, const PlanState& state, int jobs) {
  std::size_t cells = 0, cells_done = 0, make = 0, cached = 0;
  for (const Node& node : plan.nodes) {
    const std::string now = state.of(node);
    if (node.kind == NodeKind::cell) {
      ++cells;
      cells_done += now == "done";
    } else {
      make += now == "to do";
      cached += now == "cached";
    }
  }
  std::vector<std::string> skipped = state.finished_keys();
  for (const Node& node : plan.nodes)
    if (state.of(node) == "unused") skipped.push_back(node.key);
  const double seconds = estimated_seconds(plan, skipped) / jobs;
  std::string text = fmt::format("{} (protocol {}): {} cells, {} done, {} to run; {} artifacts to make, {} cached\n",
                                 paint(plan.suite, Tone::bold), short_key(plan.protocol_hash), cells, cells_done,
                                 cells - cells_done, make, cached);
  if (cells_done < cells)
    text += fmt::format("about {} with {} job{}\n", seconds < 1 ? "a second" : duration_text(seconds), jobs, jobs == 1 ? "" : "s");
  return text;
}

static sched::SchedOptions sched_options(const RunOptions& options, const std::atomic<int>& stop) {
  sched::SchedOptions how;
  how.jobs = options.jobs;
  how.cache = artifact_folder();
  how.work = work_folder();
  how.worker = installed_layout().worker;
  how.stop = &stop;
  how.sandbox = options.sandbox;
  how.slurm = options.slurm;
  how.program = self_path();
  return how;
}

RunReport run_plan(const Plan& plan, const Plan& whole, const PlanContext& context, const RunOptions& options) {
  store::Store db = store::Store::open(options.database);
  db.record_plan(whole);
  RunReport report;
  ProgressView view;
  SpaceWatch space({work_folder(), artifact_folder(), std::filesystem::absolute(options.database).parent_path()});
  // What the user asked for, or an orderly end while the disk still has room for it.
  std::atomic<int> stop{0};
  const auto look = [&] { stop = std::max(options.stop == nullptr ? 0 : options.stop->load(), space.low() ? 1 : 0); };
  look();
  std::optional<RepeatCheck> repeats;
  if (options.repeat_share > 0) repeats.emplace(plan, whole, options.repeat_share, db, context);
  const auto is_repeat = [&](const Node& node) { return repeats && repeats->is_repeat(node); };

  // One sync for the nodes that ended together: a supervisor of Slurm's tasks may find thousands.
  std::optional<store::Store::Batch> batch;
  sched::Callbacks callbacks;
  callbacks.on_settled = [&] {
    if (batch) batch->commit();
    batch.reset();
  };
  callbacks.already_done = [&](const Node& node) {
    if (is_repeat(node)) return repeats->settled(node, stands(db, whole, repeats->cell_of(node), options.retry_failed));
    return stands(db, whole, node, options.retry_failed);
  };
  callbacks.attempts_before = [&](const Node& node) { return db.attempts_known(node.key); };
  callbacks.on_progress = [&](const sched::Progress& progress) {
    look();
    view.update(progress, stop);
  };
  callbacks.on_finished = [&](const Finished& finished) {
    if (space.starved(finished)) {  // says nothing of the cell, which runs again when there is space
      report.starved = true;
      return view.refused(finished, "not recorded, the disk is full");
    }
    if (is_repeat(*finished.node)) return repeats->repeat_ended(finished);
    if (!batch) batch.emplace(db);
    try {
      const store::Imported imported = db.import(whole, finished, plugin_of(context, *finished.node));
      view.finished(finished, imported);
      if (repeats) repeats->cell_ended(*finished.node);
    } catch (const Error& error) {
      // A record that breaks a rule is refused; the other cells go on.
      if (error.fault() != Fault::constraint) throw;
      report.refused.push_back({finished.node->label, "refused", error.what(), finished.node->key});
      view.refused(finished, error.what());
    }
  };

  const sched::SchedOptions how = sched_options(options, stop);
  try {
    report.summary = sched::run(repeats ? repeats->plan() : plan, how, callbacks);
  } catch (const Error& error) {
    if (error.fault() != Fault::io || !space.low()) throw;
    throw Error(Fault::io, std::string(error.what()) + "\n" + space.message());
  }
  report.summary.interrupted |= report.starved;
  if (options.stop == nullptr || options.stop->load() == 0) report.out_of_space = space.message();
  view.close();
  if (repeats) tell_repeats(*repeats, report);
  report.failures = stored_failures(db, plan);
  return report;
}

}  // namespace assay::cli
