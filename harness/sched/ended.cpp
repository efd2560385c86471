// How a node ended, as the JSON that crosses from a machine of the cluster.
#include "harness/base/error.hpp"
#include "harness/sched/executor.hpp"
#include "harness/sched/facts.hpp"

namespace assay::sched {

Json Ended::to_json() const {
  Json list(Json::Array{});
  for (const StageResult& stage : stages) list.push_back(sched::to_json(stage));
  return Json::object({{"status", status}, {"reason", reason}, {"stages", list}, {"host", host}});
}

Ended Ended::from_json(const Json& json, const Ticket& ticket) {
  Ended ended;
  ended.status = json.at("status").as_string();
  ended.reason = json.at("reason").as_string();
  ended.host = json.at("host");
  for (const Json& one : json.at("stages").as_array()) {
    StageResult& stage = ended.stages.emplace_back(stage_result_from_json(one));
    stage.shard = (ticket.scratch / stage.stage / "shard").string();
  }
  return ended;
}

}  // namespace assay::sched
