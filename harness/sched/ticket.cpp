#include "harness/sched/ticket.hpp"

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/sched/cache.hpp"

namespace assay::sched {
namespace {

Json ref_to_json(const InputRef& ref) {
  return Json::object({{"name", ref.name}, {"stage", ref.stage}, {"file", ref.file}});
}

InputRef ref_from_json(const Json& json) {
  InputRef ref;
  ref.name = json.at("name").as_string();
  ref.stage = json.at("stage").as_string();
  ref.file = json.at("file").as_string();
  return ref;
}

}  // namespace

Json Ticket::to_json() const {
  Json list(Json::Array{});
  for (const Step& step : steps) {
    Json refs(Json::Array{});
    for (const InputRef& ref : step.from_stages) refs.push_back(ref_to_json(ref));
    list.push_back(Json::object({{"job", step.job.to_json()}, {"from_stages", refs}, {"alone", step.alone}}));
  }
  return Json::object({{"key", key},
                       {"label", label},
                       {"scratch", scratch.string()},
                       {"worker", worker.string()},
                       {"sandbox", sandbox_mode_name(sandbox)},
                       {"seconds", limits.seconds},
                       {"cpu_seconds", limits.cpu_seconds},
                       {"memory_mb", limits.memory_mb},
                       {"disk_mb", limits.disk_mb},
                       {"threads", limits.threads},
                       {"file_bytes", static_cast<std::int64_t>(limits.file_bytes)},
                       {"numerics", numerics.to_json()},
                       {"steps", list}});
}

Ticket Ticket::from_json(const Json& json, const std::string& origin) {
  Ticket ticket;
  ticket.key = json.at("key").as_string();
  ticket.label = json.at("label").as_string();
  ticket.scratch = json.at("scratch").as_string();
  ticket.worker = json.at("worker").as_string();
  ticket.sandbox = parse_sandbox_mode(json.at("sandbox").as_string());
  ticket.limits.seconds = json.at("seconds").as_real();
  ticket.limits.cpu_seconds = json.at("cpu_seconds").as_real();
  ticket.limits.memory_mb = json.at("memory_mb").as_int();
  ticket.limits.disk_mb = json.at("disk_mb").as_int();
  ticket.limits.threads = json.at("threads").as_int();
  ticket.limits.file_bytes = static_cast<std::uint64_t>(json.at("file_bytes").as_int());
  ticket.numerics = Numerics::from_json(json.at("numerics"));
  for (const Json& one : json.at("steps").as_array()) {
    Step& step = ticket.steps.emplace_back();
    step.job = Job::from_json(one.at("job"), origin);
    step.alone = one.get("alone", false);
    for (const Json& ref : one.at("from_stages").as_array()) step.from_stages.push_back(ref_from_json(ref));
  }
  return ticket;
}

Job completed(const Ticket& ticket, const Step& step) {
  Job job = step.job;
  for (const InputRef& ref : step.from_stages) {
    const fs::path folder = ticket.scratch / ref.stage;
    const fs::path file = left_file(folder, ref.file == "shard" ? fs::path("shard") : fs::path("out") / ref.file);
    job.inputs[ref.name] = {file.string(), sha256_file(file)};
  }
  return job;
}

}  // namespace assay::sched
