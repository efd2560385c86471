// [rule 38] The judge of compress compares what was physically removed with the masked original, and is not fooled.
#include <doctest/doctest.h>

#include "harness/base/files.hpp"
#include "harness/base/rng.hpp"
#include "harness/data/records.hpp"
#include "harness/graph/edit.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "harness/tasks/stages.hpp"

using namespace assay;

namespace {

data::RecordSet images(std::int64_t n) {
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

  // The judge's events.
  std::vector<Event> judge() {
    const fs::path at = folder.path();
    images(80).save(at / "test.safetensors");
    graph::save_model(original, at / "original.safetensors");
    graph::save_model(small, at / "small.safetensors");
    Job job;
    job.stage = "judge";
    job.key = std::string(64, 'a');
    job.scratch = (at / "scratch").string();
    fs::create_directories(job.scratch);
    job.inputs = {{"test", {(at / "test.safetensors").string(), ""}},
                  {"model:net", {(at / "original.safetensors").string(), ""}},
                  {"model", {(at / "small.safetensors").string(), ""}},
                  {"compressed", {(at / "small.safetensors").string(), ""}}};
    job.spec = Json::object({{"task", "compress"}});
    const fs::path shard = fs::path(job.scratch) / "shard";
    {
      ShardWriter writer(shard);
      tasks::StageContext context(job, writer, {});
      tasks::judge_compress(context);
    }
    return read_shard(shard).events;
  }
};

const Event* find(const std::vector<Event>& events, const std::string& type, const std::string& key, const Json& value) {
  for (const Event& event : events)
    if (event.type() == type && event.json.has(key) && event.json.at(key) == value) return &event;
  return nullptr;
}

}  // namespace

TEST_CASE("[rule 38] an honest compaction agrees with the masked original") {
  Cell cell;
  cell.log_removed(cell.kept);
  const auto events = cell.judge();
  const Event* error = find(events, "score", "quantity", "compaction_error");
  REQUIRE(error != nullptr);
  CHECK(error->json.at("value").as_real() <= 1e-4);
  CHECK(find(events, "verdict", "rule", 38) == nullptr);
}

TEST_CASE("[rule 38] a net that computes something else is INVALID") {
  Cell cell;
  std::vector<std::int64_t> wrong = cell.kept;
  for (std::int64_t& index : wrong) --index;  // claims to have removed the last channel, removed the first
  cell.log_removed(wrong);
  const auto events = cell.judge();
  const Event* verdict = find(events, "verdict", "rule", 38);
  REQUIRE(verdict != nullptr);
  CHECK(verdict->json.at("level") == Json("INVALID"));
}

TEST_CASE("[rule 35] both ratios are original over kept") {
  Cell cell;
  const auto events = cell.judge();
  const Event* ratio = find(events, "score", "quantity", "compression_ratio");
  const Event* speedup = find(events, "score", "quantity", "theoretical_speedup");
  REQUIRE(ratio != nullptr);
  REQUIRE(speedup != nullptr);
  CHECK(ratio->json.at("value").as_real() == doctest::Approx(static_cast<double>(graph::nonzero_param_count(cell.original)) /
                                                              static_cast<double>(graph::nonzero_param_count(cell.small))));
  CHECK(speedup->json.at("value").as_real() ==
        doctest::Approx(graph::nonzero_macs(cell.original) / graph::nonzero_macs(cell.small)));
}
