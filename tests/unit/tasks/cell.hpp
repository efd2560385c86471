// One cell of the compress task: LeNet with a channel removed, and what its stages say.
#pragma once

#include <string>
#include <vector>

#include "harness/base/files.hpp"
#include "harness/base/rng.hpp"
#include "harness/data/records.hpp"
#include "harness/graph/edit.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks_test {

inline data::RecordSet images(std::int64_t n) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(n) * 784);
  const Rng rng(7, "pixels");
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(rng.below(i, 256));
  std::vector<std::int64_t> labels;
  data::RecordSet records;
  for (std::int64_t i = 0; i < n; ++i) {
    records.ids.push_back(data::sample_id("test", "test", i));
    labels.push_back(i % 10);
  }
  records.add({"input", data::Role::input, data::FieldType::image_u8({1, 28, 28}), Array::u8({n, 1, 28, 28}, pixels), {}, {}});
  records.add({"target", data::Role::target, data::FieldType::category(10), Array::i64({n}, labels), {}, {}});
  return records;
}

struct Cell {
  TempDir folder;
  graph::Graph original = zoo::build("lenet", Json(Json::Object{}), {1, 28, 28}, 10, 3);
  std::vector<std::string> producers;
  std::vector<std::int64_t> kept;
  graph::Graph small;

  Cell() {
    original = zoo::build("lenet", zoo::complete_params(zoo::find("lenet"), Json(Json::Object{})), {1, 28, 28}, 10, 3);
    for (const graph::ChannelGroup& group : graph::channel_groups(original)) {
      if (!group.removable) continue;
      producers = group.producers;
      for (std::int64_t c = 1; c < group.channels; ++c) kept.push_back(c);
      break;
    }
    small = graph::remove_output_channels(original, producers, kept);
  }

  void log_removed(const std::vector<std::int64_t>& claimed) {
    small.metadata["removed"] = Json::array();
    small.metadata["removed"].push_back(Json::object({{"producers", Json(producers)}, {"kept", Json(claimed)}}));
  }

  void write() const {
    const fs::path at = folder.path();
    images(80).save(at / "test.safetensors");
    graph::save_model(original, at / "original.safetensors");
    graph::save_model(small, at / "small.safetensors");
  }

  Job job(const std::string& stage) const {
    const fs::path at = folder.path();
    Job job;
    job.stage = stage;
    job.key = std::string(64, 'a');
    job.scratch = (at / "scratch").string();
    job.inputs = {{"test", {(at / "test.safetensors").string(), ""}},
                  {"model:net", {(at / "original.safetensors").string(), ""}},
                  {"model", {(at / "small.safetensors").string(), ""}},
                  {"compressed", {(at / "small.safetensors").string(), ""}}};
    job.seeds.values = {{"evaluation", 3}};
    job.spec = Json::object({{"task", "compress"}});
    return job;
  }

  // The events of a stage.
  std::vector<Event> run(const std::string& stage, void (*function)(tasks::StageContext&)) const {
    write();
    const Job made = job(stage);
    fs::create_directories(made.scratch);
    const fs::path shard = fs::path(made.scratch) / "shard";
    {
      ShardWriter writer(shard);
      FileDigests digests;
      tasks::StageContext context(made, writer, {}, digests);
      function(context);
    }
    return read_shard(shard).events;
  }
  std::vector<Event> judge() const { return run("judge", tasks::judge_compress); }
};

inline const Event* find(const std::vector<Event>& events, const std::string& type, const std::string& key, const Json& value) {
  for (const Event& event : events)
    if (event.type() == type && event.json.has(key) && event.json.at(key) == value) return &event;
  return nullptr;
}

}  // namespace assay::tasks_test
