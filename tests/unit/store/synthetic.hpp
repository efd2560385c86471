// Plans and shards made by hand, for the tests of store and board. Nothing here runs a worker.
#pragma once

#include <unistd.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/record/descriptor.hpp"
#include "harness/record/plan.hpp"
#include "harness/record/shard.hpp"

namespace synthetic {

using assay::Column;
using assay::Event;
using assay::Finished;
using assay::Json;
using assay::Node;
using assay::NodeKind;
using assay::Plan;

// The message of the Error that `call` throws, or "".
template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const assay::Error& error) {
    return error.what();
  }
  return "";
}

inline Plan make_plan(const std::string& task, const std::string& rank_by, const std::string& condition) {
  Plan plan;
  plan.suite = task + "-demo";
  plan.task = task;
  plan.file = "suites/" + task + ".toml";
  plan.suite_sha256 = assay::sha256(task);
  plan.protocol = Json::object({{"task", task}, {"data", "toy"}});
  plan.protocol_hash = assay::sha256(plan.protocol.dump());
  plan.series = "series-" + task;
  plan.rank_by = rank_by;
  plan.rank = "method";
  plan.condition = condition;
  plan.claims = {{"first", "A beats B", "mean(x) > 0", "paired-bootstrap", true}, {"second", "B is cheap", "y < 1", "", false}};
  return plan;
}

struct CellSpec {
  std::string method;
  std::int64_t seed = 0;
  bool baseline = false;
  Json params = Json(Json::Object{});
  Json axes = Json(Json::Object{});
  std::string subject = "net";
};

inline Node make_cell(const CellSpec& spec) {
  Node node;
  node.kind = NodeKind::cell;
  node.method = spec.method;
  node.params = spec.params;
  node.axes = spec.axes;
  node.subject = spec.subject;
  node.baseline = spec.baseline;
  node.plugin_id = spec.method.substr(0, spec.method.find('#'));
  node.plugin_version = "1.0";
  node.plugin_sha256 = assay::sha256("library of " + node.plugin_id);
  node.seeds.values = {{"method", spec.seed}, {"subject", spec.seed}};
  node.numerics.isa = "avx2";
  node.numerics.dnnl = "2.6.3";
  node.identity = Json::object({{"method", spec.method}, {"params", spec.params}, {"axes", spec.axes},
                                {"subject", spec.subject}, {"seed", spec.seed}});
  node.key = assay::sha256(node.identity.dump());
  node.judgement = assay::sha256("judge 1");
  node.label = spec.method + " on " + spec.subject + ", seed " + std::to_string(spec.seed);
  assay::Stage run, judge;
  run.stage = "run";
  run.plugin = true;
  judge.stage = "judge";
  node.stages = {run, judge};
  return node;
}

inline Column column(const std::string& quantity, const std::string& condition, std::vector<double> values) {
  Column c{quantity, condition, "", "sample", "judged", {}, std::move(values)};
  for (std::size_t i = 0; i < c.values.size(); ++i) c.ids.push_back(static_cast<std::int64_t>(1000 + 7 * i));
  return c;
}

inline Event score(const std::string& quantity, const std::string& condition, double value, std::int64_t n = 0,
                   const Json& extra = Json(Json::Object{})) {
  Json json = Json::object({{"type", "score"}, {"quantity", quantity}, {"condition", condition}, {"value", value}, {"n", n},
                            {"grade", "judged"}});
  for (const auto& [key, v] : extra.as_object()) json[key] = v;
  return {json, {}};
}

inline Event verdict(const std::string& level, int rule, const std::string& reason) {
  return {Json::object({{"type", "verdict"}, {"level", level}, {"rule", rule}, {"reason", reason}}), {}};
}

inline void write_shard(const std::filesystem::path& file, const std::string& stage, const std::vector<Event>& events,
                        bool end = true) {
  assay::ShardWriter shard(file);
  shard.append(Json::object({{"type", "begin"}, {"stage", stage}, {"attempt", 1}}));
  for (const Event& event : events) shard.append(event);
  if (end) shard.append(Json::object({{"type", "end"}, {"status", "ok"}, {"reason", ""}}));
  shard.sync();
}

// In memory where that is possible: these tests make many small databases, and each import syncs.
inline std::filesystem::path scratch_parent() {
  const std::filesystem::path memory = "/dev/shm";
  return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::path();
}

// A folder of shards; makes the records that a supervisor would hand to the store.
class Bench {
 public:
  Finished ok(const Node& node, const std::vector<Event>& judged, std::vector<Event> run = {}) {
    Finished f = base(node, "ok", "");
    run.push_back({Json::object({{"type", "counters"}, {"forward", 400}, {"backward", 200}, {"macs", 123456789}}), {}});
    add_stage(f, "run", "ok", run);
    add_stage(f, "judge", "ok", judged);
    return f;
  }

  Finished failed(const Node& node, const std::string& status, const std::string& reason) {
    Finished f = base(node, status, reason);
    add_stage(f, "run", status, {}, false);
    f.stages[0].reason = reason;
    f.stages[0].log_tail = "last words of " + node.label + "\n";
    return f;
  }

  void add_stage(Finished& f, const std::string& stage, const std::string& status, const std::vector<Event>& events,
                 bool end = true) {
    const auto file = dir_.path() / ("shard" + std::to_string(count_++));
    write_shard(file, stage, events, end);
    assay::StageResult result;
    result.stage = stage;
    result.status = status;
    result.wall_seconds = 2;
    result.cpu_seconds = stage == "judge" ? 50 : 1.5;
    result.peak_rss_bytes = 100 << 20;
    result.shard = file.string();
    f.stages.push_back(result);
  }

  const std::filesystem::path& path() const { return dir_.path(); }

 private:
  static Finished base(const Node& node, const std::string& status, const std::string& reason) {
    Finished f;
    f.node = &node;
    f.status = status;
    f.reason = reason;
    f.host = Json::object({{"machine", "m-0123"}, {"build", "b-4567"}, {"cpu", "a CPU"}});
    f.input_digests = {{"data", assay::sha256("data")}, {"model:net", assay::sha256("net")}, {"run", assay::sha256("run")}};
    return f;
  }

  assay::TempDir dir_{"assay-store-test", scratch_parent()};
  int count_ = 0;
};

}  // namespace synthetic
