#include "harness/sched/local_run.hpp"

#include "harness/base/error.hpp"
#include "harness/base/log.hpp"
#include "harness/sched/facts.hpp"

namespace assay::sched {
namespace {

class LocalExecutor final : public Executor {
 public:
  explicit LocalExecutor(const SchedOptions& options)
      : jobs_(static_cast<std::size_t>(options.jobs)),
        confinement_(find_confinement(options.sandbox, options.worker)),
        judges_(options.worker, confinement_, {options.work, options.cache}) {
    const int ended = end_orphaned_sandboxes(std::filesystem::absolute(options.work));
    if (ended > 0) log::info("ended {} sandboxes that a killed run had left", ended);
  }
  // Nothing new starts while a timed stage waits for the machine or has it.
  std::size_t capacity() const override { return turns_.taken() ? turns_.runs() : jobs_; }
  int parallel() const override { return static_cast<int>(jobs_); }
  std::unique_ptr<Run> start(Ticket ticket) override {
    return std::make_unique<LocalRun>(std::move(ticket), confinement_, &judges_, &turns_);
  }
  bool shares_machine() const override { return true; }

 private:
  std::size_t jobs_;
  Confinement confinement_;
  JudgePool judges_;
  Turns turns_;
};

}  // namespace

std::unique_ptr<Executor> local_executor(const SchedOptions& options) {
  return std::make_unique<LocalExecutor>(options);
}

void Turns::share(const void* run) {
  if (alone_ == run) alone_ = nullptr;
}

void Turns::leave(const void* run) {
  share(run);
  working_.erase(run);
  waiting_.erase(run);
}

bool Turns::alone(const void* run, const std::string& key) {
  working_.erase(run);
  waiting_[run] = key;
  if (!working_.empty() || alone_ != nullptr) return false;
  for (const auto& [other, its_key] : waiting_)
    if (its_key < key) return false;
  waiting_.erase(run);
  working_.insert(run);
  alone_ = run;
  return true;
}

LocalRun::LocalRun(Ticket ticket, const Confinement& confinement, JudgePool* judges, Turns* turns)
    : ticket_(std::move(ticket)),
      machine_{ticket_.worker, confinement, judges},
      turns_(turns),
      load_before_(load_average()) {
  if (turns_ != nullptr) turns_->enter(this);
  advance();
}

LocalRun::~LocalRun() {
  if (turns_ != nullptr) turns_->leave(this);
}

// Called when a stage ended and at the start: goes on to the next stage that has to run, or ends the node.
void LocalRun::advance() {
  while (true) {
    if (stage_) {
      so_far_.stages.push_back(*stage_->result());
      stage_.reset();
      if (turns_ != nullptr) turns_->share(this);
      const StageResult& last = so_far_.stages.back();
      if (last.status != "ok") return end(last.status, last.stage + ": " + last.reason);
    }
    if (next_ == ticket_.steps.size()) return end("ok", "");
    const Step& step = ticket_.steps[next_];
    waiting_ = step.alone && turns_ != nullptr && !turns_->alone(this, ticket_.key);
    if (waiting_) return;
    ++next_;
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
  if (turns_ != nullptr) turns_->leave(this);
  so_far_.status = std::move(status);
  so_far_.reason = std::move(reason);
  so_far_.host = host_facts(ticket_.numerics, load_before_);
  so_far_.host["limits_by"] = machine_.confinement.limits_by();
  ended_ = std::move(so_far_);
}

void LocalRun::poll() {
  if (ended_) return;
  if (waiting_) return advance();
  if (!stage_) return;
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
  if (waiting_) now.stage = "waits";
  if (!stage_) return now;
  now.stage = stage_->stage();
  now.what = stage_->what();
  now.fraction = stage_->fraction();
  now.cpu_seconds = stage_->cpu_seconds();
  now.rss_bytes = stage_->rss_bytes();
  return now;
}

}  // namespace assay::sched
