#include "harness/sched/local_run.hpp"

#include "harness/base/error.hpp"
#include "harness/sched/facts.hpp"

namespace assay::sched {
namespace {

class LocalExecutor final : public Executor {
 public:
  explicit LocalExecutor(const SchedOptions& options)
      : jobs_(static_cast<std::size_t>(options.jobs)),
        confinement_(find_confinement(options.sandbox, options.worker)),
        judges_(options.worker, confinement_, {options.work, options.cache}) {}
  std::size_t capacity() const override { return jobs_; }
  std::unique_ptr<Run> start(Ticket ticket) override { return std::make_unique<LocalRun>(std::move(ticket), confinement_, &judges_); }
  bool shares_machine() const override { return true; }

 private:
  std::size_t jobs_;
  Confinement confinement_;
  JudgePool judges_;
};

}  // namespace

std::unique_ptr<Executor> local_executor(const SchedOptions& options) { return std::make_unique<LocalExecutor>(options); }

LocalRun::LocalRun(Ticket ticket, const Confinement& confinement, JudgePool* judges)
    : ticket_(std::move(ticket)), machine_{ticket_.worker, confinement, judges}, load_before_(load_average()) {
  advance();
}

// Called when a stage ended and at the start: goes on to the next stage that has to run, or ends the node.
void LocalRun::advance() {
  while (true) {
    if (stage_) {
      so_far_.stages.push_back(*stage_->result());
      stage_.reset();
      const StageResult& last = so_far_.stages.back();
      if (last.status != "ok") return end(last.status, last.stage + ": " + last.reason);
    }
    if (next_ == ticket_.steps.size()) return end("ok", "");
    const Step& step = ticket_.steps[next_++];
    try {
      stage_ = std::make_unique<StageRun>(completed(ticket_, step), ticket_.limits, machine_);
    } catch (const Error& error) {
      if (error.fault() == Fault::io) throw;
      return end("failed", step.job.stage + ": " + error.what());
    }
    if (!stage_->result()) return;
  }
}

void LocalRun::end(std::string status, std::string reason) {
  so_far_.status = std::move(status);
  so_far_.reason = std::move(reason);
  so_far_.host = host_facts(ticket_.numerics, load_before_);
  so_far_.host["limits_by"] = machine_.confinement.limits_by();
  ended_ = std::move(so_far_);
}

void LocalRun::poll() {
  if (ended_ || !stage_) return;
  stage_->poll();
  if (stage_->result()) advance();
}

void LocalRun::watch(const std::vector<ProcessFacts>* all) {
  if (stage_) stage_->watch(all);
}

void LocalRun::kill() {
  if (stage_) stage_->kill();
}

Running LocalRun::running() const {
  Running now;
  if (!stage_) return now;
  now.stage = stage_->stage();
  now.what = stage_->what();
  now.fraction = stage_->fraction();
  now.cpu_seconds = stage_->cpu_seconds();
  now.rss_bytes = stage_->rss_bytes();
  return now;
}

}  // namespace assay::sched
