// The public functions: a run, and a look ahead.
#include "harness/sched/sched.hpp"

#include "harness/base/error.hpp"
#include "harness/sched/slurm.hpp"
#include "harness/sched/supervisor.hpp"

namespace assay::sched {

namespace {

std::unique_ptr<Executor> executor_for(const SchedOptions& options) {
  if (!options.slurm) return local_executor(options);
  return std::make_unique<SlurmExecutor>(*options.slurm, fs::absolute(options.work), fs::absolute(options.program));
}

}  // namespace

Summary run(const Plan& plan, const SchedOptions& options, const Callbacks& callbacks) {
  if (options.jobs < 1) throw Error(Fault::bad_input, "jobs must be at least 1");
  try {
    const std::unique_ptr<Executor> executor = executor_for(options);
    return Supervisor(plan, options, callbacks, *executor).run();
  } catch (const fs::filesystem_error& error) {
    throw Error(Fault::io, error.what());
  }
}

Preview preview(const Plan& plan, const std::filesystem::path& cache_folder,
                const std::function<bool(const Node&)>& already_done) {
  enum class Fate { unneeded, run, cached, done };
  const auto needs = checked_needs(plan);
  const Cache cache(cache_folder);
  std::vector<Fate> fates(plan.nodes.size(), Fate::unneeded);
  std::vector<bool> wanted(plan.nodes.size(), false);
  // Users stand behind what they need, so one pass from the end decides everything.
  for (std::size_t i = plan.nodes.size(); i-- > 0;) {
    const Node& node = plan.nodes[i];
    const bool cell = node.kind == NodeKind::cell;
    if (!cell && !wanted[i]) continue;
    const bool cached = wanted[i] && cache.lookup(node).has_value();
    const bool done = cell && already_done && already_done(node) && (!wanted[i] || cached);
    fates[i] = done ? Fate::done : cached && !cell ? Fate::cached : Fate::run;
    if (fates[i] != Fate::run) continue;
    for (const std::size_t need : needs[i]) wanted[need] = true;
  }
  Preview preview;
  for (std::size_t i = 0; i < fates.size(); ++i) {
    if (fates[i] == Fate::run) preview.to_run.push_back(&plan.nodes[i]);
    if (fates[i] == Fate::cached) preview.cached.push_back(&plan.nodes[i]);
    if (fates[i] == Fate::done) preview.done.push_back(&plan.nodes[i]);
  }
  return preview;
}

}  // namespace assay::sched
