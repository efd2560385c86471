// The training stage: a worker that is killed goes on from its last checkpoint within the epoch and ends with the bits of
// an undisturbed run; it reads the validation list that its recipe watches and counts what it spends.
#include <doctest/doctest.h>

#include <cmath>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/rng.hpp"
#include "harness/data/records.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "harness/tasks/training.hpp"

using namespace assay;

namespace {

data::RecordSet images(const std::string& split, std::int64_t n) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(n) * 64);
  const Rng rng(7, split);
  std::vector<std::int64_t> labels;
  data::RecordSet records;
  for (std::int64_t i = 0; i < n; ++i) {
    records.ids.push_back(data::sample_id("toy", split, i));
    labels.push_back(i % 2);
    for (std::size_t k = 0; k < 64; ++k) {
      const std::size_t at = static_cast<std::size_t>(i) * 64 + k;
      pixels[at] = static_cast<std::uint8_t>(rng.below(at, 128) + (k / 32 == static_cast<std::size_t>(i % 2) ? 100 : 0));
    }
  }
  records.add({"input", data::Role::input, data::FieldType::image_u8({1, 8, 8}), Array::u8({n, 1, 8, 8}, pixels), {}, {}});
  records.add({"target", data::Role::target, data::FieldType::category(2), Array::i64({n}, labels), {}, {}});
  return records;
}

struct Killed {};

struct Stage {
  TempDir folder;
  tasks::TrainingTask task;
  int attempt = 0, steps_made = 0;

  Stage() {
    images("train", 100).save(folder.path() / "train.safetensors");
    images("val", 30).save(folder.path() / "val.safetensors");
    task.start = zoo::build("mlp", Json::parse(R"({"hidden": [16]})"), {1, 8, 8}, 2, 1);
    task.recipe = graph::recipe("quick");
    task.recipe.batch = 10;
    task.recipe.epochs = 3;
    task.recipe.lr = 0.02;
    task.seed = 4;
    task.what = "training";
    task.checkpoint_seconds = 0;
  }

  Job job() const {
    Job out;
    out.stage = "train";
    out.scratch = (folder.path() / "scratch").string();
    for (const char* name : {"train", "val"}) {
      const fs::path file = folder.path() / (std::string(name) + ".safetensors");
      out.inputs[name] = {file.string(), ""};
    }
    return out;
  }

  // Dies in the step after `steps` steps; < 0: never.
  graph::Graph run(int steps, std::vector<Event>* events = nullptr) {
    fs::create_directories(folder.path() / "scratch/out");
    const fs::path at = folder.path() / ("shard" + std::to_string(attempt++));
    graph::Graph result;
    {
      ShardWriter shard(at);
      FileDigests digests;
      tasks::StageContext context(job(), shard, {}, digests);
      graph::TrainHooks hooks;
      hooks.objective = [&](const graph::ObjectiveBatch& b) {
        if (steps-- == 0) throw Killed{};
        ++steps_made;
        return cross_entropy(b);
      };
      result = tasks::fit_network(context, task, tasks::load_samples(context.input("train")), hooks);
    }
    if (events) *events = read_shard(at).events;
    return result;
  }

  static graph::ObjectiveResult cross_entropy(const graph::ObjectiveBatch& b) {
    const auto z = b.logits.to_f32();
    const auto y = b.labels.i64s();
    std::vector<float> slope(z.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      const float p = 1 / (1 + std::exp(z[2 * i] - z[2 * i + 1]));  // of class 1
      slope[2 * i + 1] = (p - static_cast<float>(y[i])) / static_cast<float>(y.size());
      slope[2 * i] = -slope[2 * i + 1];
    }
    return {engine::Tensor::f32(b.logits.shape(), slope), 0.5};
  }
};

}  // namespace

TEST_CASE("a killed training goes on from its last step, whatever it averages or watches [rule 9]") {
  for (const char* kind : {"plain", "ema and early stopping"}) {
    CAPTURE(kind);
    Stage calm, killed;
    if (std::string(kind) != "plain") {
      for (Stage* stage : {&calm, &killed}) {
        stage->task.recipe.ema = 0.9;
        stage->task.recipe.patience = 5;
      }
    }
    std::vector<Event> before, after;
    const graph::Graph expected = calm.run(-1, &before);
    CHECK_THROWS_AS(killed.run(3), Killed);
    CHECK_THROWS_AS(killed.run(9), Killed);
    CHECK_THROWS_AS(killed.run(0), Killed);
    const graph::Graph result = killed.run(-1, &after);
    CHECK(killed.steps_made == calm.steps_made);  // no step was made twice
    CHECK(graph::weight_digest(result) == graph::weight_digest(expected));
    const auto measured = [](const std::vector<Event>& events) {
      std::vector<std::string> out;
      for (const Event& event : events)
        if (event.type() == "trace" || event.type() == "counters") out.push_back(event.json.dump());
      return out;
    };
    CHECK(measured(after) == measured(before));
    CHECK(measured(after).size() == (std::string(kind) == "plain" ? 4 : 7));
  }
}

TEST_CASE("without waiting, a checkpoint is rare") {
  Stage stage;
  stage.task.checkpoint_seconds = 1000;
  CHECK_THROWS_AS(stage.run(5), Killed);
  CHECK_FALSE(fs::exists(stage.folder.path() / "scratch/tmp/checkpoint.safetensors"));
}
