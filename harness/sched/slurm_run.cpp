#include "harness/sched/slurm_run.hpp"

#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/log.hpp"
#include "harness/sched/facts.hpp"

namespace assay::sched {
namespace {

constexpr int most_submissions = 3;  // after that the node or the cluster is to blame, not chance

// A ticket as far as it decides what the task does.
std::string essence(Json ticket) {
  for (Json& step : ticket["steps"].array_ref()) step["job"]["attempt"] = 0;
  return ticket.dump();
}

}  // namespace

SlurmRun::SlurmRun(SlurmExecutor& executor, Ticket ticket) : executor_(executor), ticket_(std::move(ticket)) {
  if (!adopt()) {
    for (const char* name : {"task.json", "ended.json"}) fs::remove(file(name));
    write_atomic(file("ticket.json"), ticket_.to_json().dump(1));
  }
  take_result();
}

// A task that an earlier supervisor submitted for the same ticket is ours.
bool SlurmRun::adopt() {
  if (!fs::exists(file("ticket.json"))) return false;
  std::string task;
  int submissions = 0;
  bool same = false;
  try {
    same = essence(Json::parse(read_text(file("ticket.json")), file("ticket.json").string())) == essence(ticket_.to_json());
    if (fs::exists(file("task.json"))) {
      const Json json = Json::parse(read_text(file("task.json")), file("task.json").string());
      task = json.at("task").as_string();
      submissions = static_cast<int>(json.at("submissions").as_int());
    }
  } catch (const Error& error) {
    if (error.fault() != Fault::bad_input) throw;
    return false;
  }
  if (!same) {
    if (!task.empty()) cancel({task});
    return false;
  }
  task_ = std::move(task);
  submissions_ = submissions;
  return true;
}

bool SlurmRun::take_result() {
  if (ended_ || !fs::exists(file("ended.json"))) return ended_.has_value();
  try {
    ended_ = Ended::from_json(Json::parse(read_text(file("ended.json")), file("ended.json").string()), ticket_);
  } catch (const Error& error) {
    if (error.fault() != Fault::bad_input) throw;
    log::warn("the result of '{}' cannot be read and is made again: {}", ticket_.label, error.what());
    fs::remove(file("ended.json"));
    return false;
  }
  ended_->host["shared"] = executor_.shares_machine();
  ended_->host["slurm"] = Json::object({{"task", task_}, {"submissions", submissions_}});
  return true;
}

void SlurmRun::submitted(const std::string& task, int submissions) {
  task_ = task;
  submissions_ = submissions;
  absent = 0;
  state = "PENDING";
  write_atomic(file("task.json"), Json::object({{"task", task_}, {"submissions", submissions_}}).dump());
}

bool SlurmRun::give_up_or_again(const std::string& last) {
  if (submissions_ >= most_submissions) {
    end("failed", fmt::format("Slurm lost it {} times, last as {} ({})", submissions_, last, task_));
    return false;
  }
  log::warn("'{}' is submitted again: Slurm had {} as {} without a result", ticket_.label, task_, last);
  task_.clear();
  return true;
}

void SlurmRun::end(const std::string& status, const std::string& reason) {
  Ended ended;
  ended.status = status;
  ended.reason = reason;
  ended.host = host_facts(ticket_.numerics, load_average());
  ended.host["shared"] = executor_.shares_machine();
  ended.host["slurm"] = Json::object({{"task", task_}, {"submissions", submissions_}, {"node", node}});
  ended_ = std::move(ended);
}

void SlurmRun::kill() {
  if (!task_.empty()) executor_.to_cancel_.push_back(task_);
}

Running SlurmRun::running() const {
  Running now;
  now.stage = task_.empty() ? "waiting" : "slurm " + task_;
  now.what = node.empty() ? state : state + " on " + node;
  return now;
}

}  // namespace assay::sched
