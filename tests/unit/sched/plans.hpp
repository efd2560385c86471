// Small plans for the fake worker, and a store of files that survives the supervisor.
#pragma once

#include <algorithm>
#include <fstream>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/record/shard.hpp"
#include "harness/sched/sched.hpp"

namespace assay::sched_test {

inline Stage stage_of(const std::string& name, Json spec, std::vector<InputRef> inputs = {}) {
  Stage stage;
  stage.stage = name;
  stage.spec = std::move(spec);
  stage.inputs = std::move(inputs);
  return stage;
}

inline InputRef from_node(const std::string& name, const std::string& node, const std::string& file) {
  InputRef ref;
  ref.name = name, ref.node = node, ref.file = file;
  return ref;
}

inline InputRef from_stage(const std::string& name, const std::string& stage, const std::string& file) {
  InputRef ref;
  ref.name = name, ref.stage = stage, ref.file = file;
  return ref;
}

inline Node node_of(NodeKind kind, const std::string& key, std::vector<Stage> stages) {
  Node node;
  node.kind = kind;
  node.key = key;
  node.label = std::string(node_kind_name(kind)) + " " + key;
  node.stages = std::move(stages);
  node.seconds = 30;
  node.memory_mb = 2048;
  return node;
}

// A world in one temporary folder: cache, work, rows of a store, the trace of all worker processes.
struct World {
  TempDir folder{"assay-sched"};
  fs::path rows = folder.path() / "rows", trace = folder.path() / "trace";
  std::atomic<int> stop{0};
  std::vector<Finished> finished;   // as handed over, in order
  std::list<Node> nodes;            // copies, since Finished points into a plan that may be gone
  std::function<void(const Finished&)> also;

  Json spec(const std::string& what = "ok") const {
    return Json::object({{"do", what}, {"trace", trace.string()}, {"batches", 1}});
  }

  sched::SchedOptions options(int jobs = 2) {
    sched::SchedOptions options;
    options.jobs = jobs;
    options.cache = folder.path() / "cache";
    options.work = folder.path() / "work";
    options.worker = ASSAY_FAKE_WORKER;
    options.stop = &stop;
    options.sandbox = sched::SandboxMode::off;  // the trace is one file that all workers write
    options.progress_seconds = 0;
    return options;
  }

  // What the row of a node says: status, reason, outputs of every stage, artifact digests; no times.
  static Json row_of(const Finished& record) {
    Json row = Json::object({{"status", record.status}, {"reason", record.reason}});
    row["artifact"] = record.artifact.to_json();
    row["inputs"] = Json::array();
    for (const auto& [name, digest] : record.input_digests) row["inputs"].push_back(name + "=" + digest);
    for (const StageResult& stage : record.stages) {
      Json batches = Json::array();
      if (fs::exists(stage.shard))
        for (const Event& event : read_shard(stage.shard).events)
          if (event.type() == "batch") batches.push_back(event.json.at("index").dump() + ":" + sha256(event.blob));
      row["stages"][stage.stage] = Json::object({{"status", stage.status}, {"batches", batches}});
    }
    return row;
  }

  sched::Callbacks callbacks() {
    sched::Callbacks calls;
    calls.on_finished = [this](const Finished& record) {
      write_atomic(rows / (record.node->key + ".json"), row_of(record).dump(2));
      finished.push_back(record);
      finished.back().node = &nodes.emplace_back(*record.node);
      if (also) also(record);
    };
    calls.already_done = [this](const Node& node) { return fs::exists(rows / (node.key + ".json")); };
    return calls;
  }

  sched::Summary run(const Plan& plan, int jobs = 2) { return sched::run(plan, options(jobs), callbacks()); }

  const Finished* record(const std::string& key) const {
    for (const Finished& one : finished)
      if (one.node->key == key) return &one;
    return nullptr;
  }

  std::map<std::string, std::string> all_rows() const {
    std::map<std::string, std::string> all;
    if (!fs::exists(rows)) return all;
    for (const auto& entry : fs::directory_iterator(rows))
      if (entry.path().extension() == ".json") all[entry.path().filename()] = read_text(entry.path());  // no temporary of a kill
    return all;
  }

  std::vector<std::string> trace_lines() const {
    std::ifstream in(trace);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  std::int64_t count(const std::string& line) const {
    const auto lines = trace_lines();
    return std::count(lines.begin(), lines.end(), line);
  }

  std::int64_t position(const std::string& line) const {
    const auto lines = trace_lines();
    return std::find(lines.begin(), lines.end(), line) - lines.begin();
  }
};

// prep -> two trainings -> cells of run and judge: the shape of a real suite.
inline Plan small_plan(const World& world, int cells = 4, std::int64_t batches = 1, double seconds = 0) {
  Plan plan;
  plan.suite = "small";
  const auto spec = [&](const char* file) {
    Json json = world.spec();
    json["file"] = file;
    json["batches"] = batches;
    json["seconds"] = seconds;
    return json;
  };
  plan.nodes.push_back(node_of(NodeKind::prepare, "prep", {stage_of("prepare", spec("records"))}));
  for (const char* key : {"train-a", "train-b"})
    plan.nodes.push_back(node_of(NodeKind::train, key, {stage_of("train", spec("model"), {from_node("train", "prep", "records")})}));
  for (int i = 0; i < cells; ++i) {
    const std::string model = i % 2 == 0 ? "train-a" : "train-b";
    plan.nodes.push_back(node_of(
        NodeKind::cell, "cell-" + std::to_string(i),
        {stage_of("run", spec(""), {from_node("data", "prep", "records"), from_node("model:m", model, "model")}),
         stage_of("judge", spec(""), {from_stage("run", "run", "shard"), from_node("model:m", model, "model")})}));
    plan.nodes.back().method = "method-" + std::to_string(i);
  }
  return plan;
}

}  // namespace assay::sched_test
