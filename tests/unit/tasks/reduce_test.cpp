// The reduce task: what the host adopts of a plugin's set and what it rejects, and that nothing changes when nothing was
// reduced.
#include <doctest/doctest.h>

#include "harness/base/error.hpp"
#include "harness/graph/train.hpp"
#include "harness/plugin/inputs.hpp"
#include "harness/plugin/library.hpp"
#include "harness/tasks/adopt.hpp"
#include "tests/unit/tasks/cell.hpp"

using namespace assay;
using namespace assay::tasks_test;

namespace {

const fs::path kBuild = ASSAY_BINARY_DIR;

data::RecordSet full_set() {
  data::RecordSet set = images(40);
  set.origin = "toy/train";
  return set;
}

data::RecordSet left_by(const std::string& id, const data::RecordSet& train, std::int64_t size) {
  const auto library = plugin::PluginLibrary::open(kBuild / "tests/plugins/odd_reducers.so");
  plugin::Instance method = library.create(id, Json(), {});
  const auto given = std::make_shared<const data::RecordSet>(train);
  const plugin::Bundle out = method.reduce(plugin::reduce_inputs(given, 10, size));
  return tasks::adopt(*plugin::records_of(out), train, size, id);
}

// A cell's run and train stages on `train`, and the training of the subject itself.
struct Reduction {
  TempDir folder;
  data::RecordSet train = full_set();

  Job job(const std::string& stage, const fs::path& records) const {
    Job out;
    out.stage = stage;
    out.scratch = (folder.path() / (stage + records.stem().string())).string();
    out.inputs = {{"train", {records.string(), ""}}};
    out.seeds.values = {{"subject", 2}, {"method", 2}};
    fs::create_directories(fs::path(out.scratch) / "out");
    return out;
  }
  fs::path reduce(const std::string& ratio) const {
    train.save(folder.path() / "full.safetensors");
    Job run = job("run", folder.path() / "full.safetensors");
    run.plugin_path = (kBuild / "plugins/random-subset.so").string();
    run.plugin_id = "random-subset";
    run.spec = Json::object({{"task", "reduce"}, {"classes", 10}, {"ratio", ratio}});
    ShardWriter shard(fs::path(run.scratch) / "shard");
    FileDigests digests;
    tasks::StageContext context(run, shard, {}, digests);
    tasks::run_reduce(context);
    return context.out() / "reduced.safetensors";
  }
  std::string trained_on(const fs::path& records) const {
    Job train_job = job("train", records);
    graph::Recipe recipe = graph::recipe("quick");
    recipe.epochs = 2;
    recipe.batch = 8;
    recipe.flip = true;
    train_job.spec = Json::object(
        {{"build", Json::object({{"arch", "mlp"}, {"params", Json::parse(R"({"hidden": [8]})")}})}, {"recipe", recipe.to_json()}, {"classes", 10}});
    ShardWriter shard(fs::path(train_job.scratch) / "shard");
    FileDigests digests;
    tasks::StageContext context(train_job, shard, {}, digests);
    tasks::train(context);
    return graph::weight_digest(graph::load_model(context.out() / "model.safetensors"));
  }
};

}  // namespace

TEST_CASE("a set that nothing can be trained on is rejected with its reason") {
  const std::pair<const char*, const char*> sins[] = {
      {"odd-shape", "reduced set: 'input' is [20, 784], not [20, 1, 28, 28]"},
      {"odd-type", "reduced set: 'input' holds I64, not U8 or F32"},
      {"odd-nan", "reduced set: 'input' row 19: a value is not finite"},
      {"odd-range", "reduced set: 'input' row 19: 1.001 is outside [0, 1]"},
      {"odd-class", "reduced set: 'target': class 10 is outside [0, 10)"},
      {"odd-none", "reduced set: it has no record"},
      {"odd-many", "reduced set: 21 records, at most 20 asked"},
      {"odd-unlabelled", "reduced set: it has no 'target'"},
      {"odd-field", "reduced set: field 'inputs' is none of the training set's; did you mean 'input'?"}};
  for (const auto& sin : sins) {
    CAPTURE(sin.first);
    try {
      left_by(sin.first, full_set(), 20);
      FAIL("adopted");
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::constraint);
      CHECK(std::string(error.what()) == sin.second);
    }
  }
  for (const char* id : {"odd-soft", "odd-weight"}) {
    CAPTURE(id);
    try {
      left_by(id, full_set(), 20);
      FAIL("adopted");
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::unsupported);
    }
  }
  // Records with an id twice cannot even be made; of other hands' records the host would see it itself.
  CHECK_THROWS_WITH_AS(left_by("odd-twice", full_set(), 20), doctest::Contains("occurs twice"), Error);
  data::RecordSet twice = full_set();
  twice.ids[1] = twice.ids[0];
  CHECK_THROWS_WITH_AS(tasks::adopt(twice, full_set(), 40, "m"), doctest::Contains("occurs twice"), Error);
}

TEST_CASE("an adopted set has the training set's types, and says where its records come from") {
  const data::RecordSet train = full_set();
  const data::RecordSet mixed = left_by("odd-mixed", train, 20);
  CHECK(mixed.find("target").type == train.find("target").type);
  CHECK(mixed.find("input").type.space == data::Space::image);
  CHECK(mixed.find("input").type.dtype == engine::DType::f32);  // 0.3 is no multiple of 1 / 255
  CHECK(mixed.ids[0] == train.ids[0]);
  CHECK(mixed.ids[2] == data::sample_id("toy/train by odd-mixed", "reduced", 2));
  const tasks::Composition made = tasks::composition(mixed, train);
  CHECK(made.kept == 1);
  CHECK(made.altered == 1);
  CHECK(made.added == 1);
  CHECK(made.smallest == 0);

  const data::RecordSet unnamed = left_by("odd-unnamed", train, 20);
  CHECK(unnamed.find("input").type == train.find("input").type);  // bytes again, every one of them
  CHECK(tasks::composition(unnamed, train).added == 20);
  CHECK(tasks::composition(unnamed, train).smallest == 2);
  CHECK(unnamed.origin == "toy/train reduced by odd-unnamed");
}

TEST_CASE("so many records are left at a ratio") {
  CHECK(tasks::reduced_size(1000, "1") == 1000);
  CHECK(tasks::reduced_size(1000, "3") == 333);
  CHECK(tasks::reduced_size(1000, "5/2") == 400);
  CHECK(tasks::reduced_size(10, "100") == 1);
  CHECK_THROWS_AS(tasks::reduced_size(10, "1/2"), Error);
  CHECK_THROWS_AS(tasks::reduced_size(10, "all"), Error);
}

TEST_CASE("random-subset at ratio 1 gives the very net of the full set [rules 4 and 39]") {
  const Reduction whole;
  const fs::path same = whole.reduce("1");
  const data::RecordSet reduced = data::RecordSet::load(same);
  CHECK(reduced.ids == whole.train.ids);
  CHECK(reduced.find("input").values.bytes == whole.train.find("input").values.bytes);
  CHECK(whole.trained_on(same) == whole.trained_on(whole.folder.path() / "full.safetensors"));

  const Reduction half;
  const fs::path fewer = half.reduce("2");
  CHECK(data::RecordSet::load(fewer).size() == 20);
  CHECK(tasks::composition(data::RecordSet::load(fewer), half.train).kept == 20);
  CHECK(half.trained_on(fewer) != half.trained_on(half.folder.path() / "full.safetensors"));
}
