// Pictures that the judge of an attack keeps: which inputs, and that they are what was judged.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "harness/base/files.hpp"
#include "harness/data/records.hpp"
#include "harness/graph/builder.hpp"
#include "harness/record/examples.hpp"
#include "harness/tasks/stages.hpp"

using namespace assay;

namespace {

constexpr std::int64_t inputs_count = 24;

// Images of 1 x 2 x 2; the logit of class k is 10 times pixel k. Sample i is of
// class i % 2, whose pixel is 3/5 + i / 1000 against 2/5; every twelfth carries the wrong label.
std::vector<float> clean_pixels() {
  std::vector<float> x(inputs_count * 4, 0.0f);
  for (std::int64_t i = 0; i < inputs_count; ++i) {
    x[static_cast<std::size_t>(4 * i + i % 2)] = 0.6f + 0.001f * static_cast<float>(i);
    x[static_cast<std::size_t>(4 * i + 1 - i % 2)] = 0.4f;
  }
  return x;
}
std::int64_t label_of(std::int64_t i) { return i % 12 == 11 ? 1 - i % 2 : i % 2; }

// Inputs 0 to 9 lose (21 + i) hundredths of the true pixel, the others nothing of it; the last pixel rises by a
// hundredth.
std::vector<float> attacked_pixels() {
  std::vector<float> x = clean_pixels();
  for (std::int64_t i = 0; i < inputs_count; ++i) {
    x[static_cast<std::size_t>(4 * i + 3)] += 0.01f;
    if (i < 10) x[static_cast<std::size_t>(4 * i + i % 2)] -= 0.21f + 0.01f * static_cast<float>(i);
  }
  return x;
}

struct Scene {
  TempDir folder;
  std::map<std::string, std::vector<double>> columns;

  Scene() {
    data::RecordSet set;
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < inputs_count; ++i) {
      set.ids.push_back(500 + i);
      labels.push_back(label_of(i));
    }
    const auto type = data::FieldType::dense(engine::DType::f32, {1, 2, 2}, data::Space::image, {{0, 1}});
    set.add({"input", data::Role::input, type, Array::f32({inputs_count, 1, 2, 2}, clean_pixels()), {}, {}});
    set.add({"target", data::Role::target, data::FieldType::category(2), Array::i64({inputs_count}, labels), {}, {}});
    set.save(folder.path() / "data.safetensors");
    graph::GraphBuilder net(engine::Shape{1, 2, 2}, 1);
    const std::string flat = net.flatten("flat", net.input());
    graph::Graph model = net.finish(net.linear("fc", flat, 2), flat, Json::object({{"arch", "pixels"}}));
    for (const auto& [name, parameter] : std::map(model.parameters)) {
      const bool matrix = parameter.value.shape().size() == 2;
      model.set_parameter(name, matrix ? engine::Tensor::f32({2, 4}, std::vector<float>{10, 0, 0, 0, 0, 10, 0, 0})
                                       : engine::Tensor::f32({2}, std::vector<float>{0, 0}));
    }
    graph::save_model(model, folder.path() / "net.safetensors");
    ShardWriter run(folder.path() / "run");
    std::vector<std::int64_t> ids = set.ids;
    for (const auto& [condition, x] : {std::pair("eps=0", clean_pixels()), std::pair("eps=2/5", attacked_pixels())}) {
      Container batch;
      batch.arrays["id"] = Array::i64({inputs_count}, ids);
      batch.arrays["x"] = Array::f32({inputs_count, 1, 2, 2}, x);
      run.append({Json::object({{"type", "batch"}, {"index", 0}, {"condition", condition}, {"count", inputs_count}}),
                  encode(batch)});
    }
  }

  // What the judge announced, with `asked` as its spec's "examples".
  std::vector<Event> judge(const Json& asked, const std::string& scratch = "judge") {
    Job job;
    job.stage = "judge";
    job.key = std::string(64, 'e');
    job.scratch = (folder.path() / scratch).string();
    fs::create_directories(job.scratch);
    job.inputs = {{"data", {(folder.path() / "data.safetensors").string(), ""}},
                  {"model:net", {(folder.path() / "net.safetensors").string(), ""}},
                  {"run", {(folder.path() / "run").string(), ""}}};
    job.spec = Json::object({{"task", "attack"},
                             {"victim", "net"},
                             {"access", "white-box"},
                             {"threat", Json::object({{"norm", "linf"}, {"eps", Json::Array{"0", "2/5"}}})},
                             {"method", Json::object({{"id", "x"}})}});
    if (!asked.is_null()) job.spec["examples"] = asked;
    {
      ShardWriter writer(fs::path(job.scratch) / "shard");
      FileDigests digests;
      tasks::StageContext context(job, writer, {}, digests);
      tasks::judge_attack(context);
    }
    std::vector<Event> announced;
    for (const Event& event : read_shard(fs::path(job.scratch) / "shard").events) {
      if (event.type() == "artifact") announced.push_back(event);
      if (event.type() != "column") continue;
      const Column column = decode_column(event);
      columns[column.quantity + "@" + column.condition] = column.values;
    }
    return announced;
  }
  fs::path kept(const std::string& scratch = "judge") const { return folder.path() / scratch / "out" / examples_file; }
};

std::uint8_t byte_of(float v) { return static_cast<std::uint8_t>(std::lround(255.0 * static_cast<double>(v))); }

}  // namespace

TEST_CASE("the judge keeps the inputs that broke with the least change and those that stand with the largest margin") {
  Scene scene;
  const auto announced = scene.judge(Json::object({{"eps", "2/5"}, {"each", 3}}));
  REQUIRE(announced.size() == 1);
  CHECK(announced[0].json.at("name").as_string() == examples_file);
  const Examples set = Examples::from_container(load_container(scene.kept()), "kept");
  CHECK(set.condition == "eps=2/5");
  CHECK(set.channels * set.height * set.width == 4);
  std::vector<std::int64_t> ids;
  for (const Example& one : set.items) ids.push_back(one.id - 500);
  // Input 23 has the largest margin and the wrong label, so it is not looked at.
  CHECK(ids == std::vector<std::int64_t>{0, 1, 2, 22, 21, 20});
}

TEST_CASE("a kept picture is what was judged: flags, distances, margins, pixels and amplified differences") {
  Scene scene;
  scene.judge(Json::object({{"eps", "2/5"}, {"each", 50}}));
  const Examples set = Examples::from_container(load_container(scene.kept()), "kept");
  CHECK(set.items.size() == 22);  // all that are classified correctly
  const std::vector<float> clean = clean_pixels(), attacked = attacked_pixels();
  for (const Example& one : set.items) {
    const auto i = static_cast<std::size_t>(one.id - 500);
    CAPTURE(i);
    CHECK(one.label == label_of(static_cast<std::int64_t>(i)));
    CHECK(one.broken == (scene.columns.at("robust@eps=2/5")[i] == 0));
    CHECK(one.broken == (i < 10));
    CHECK((one.predicted == one.label) == !one.broken);
    CHECK(one.distance == scene.columns.at("distance@eps=2/5")[i]);
    const float *before = &clean[4 * i], *after = &attacked[4 * i];
    CHECK(one.margin == doctest::Approx(10.0 * (static_cast<double>(after[i % 2]) - after[1 - i % 2])).epsilon(1e-4));
    CHECK(one.scale == doctest::Approx(i < 10 ? 0.21 + 0.01 * static_cast<double>(i) : 0.01).epsilon(1e-4));
    for (std::size_t k = 0; k < 4; ++k) {
      CHECK(one.clean[k] == byte_of(before[k]));
      CHECK(one.perturbed[k] == byte_of(after[k]));
      const double d = static_cast<double>(after[k]) - static_cast<double>(before[k]);
      CHECK(std::abs(one.difference[k] - (128 + 127 * d / one.scale)) <= 0.5001);
    }
  }
}

TEST_CASE(
    "pictures are kept where they are asked for, equal outcomes give equal bytes, and no outcome depends on them") {
  Scene scene;
  CHECK(scene.judge(Json()).empty());
  const auto without = scene.columns;
  CHECK(scene.judge(Json::object({{"eps", "1/10"}, {"each", 3}}), "radius").empty());  // the threat has no such radius
  CHECK(scene.judge(Json::object({{"eps", "0"}, {"each", 3}}), "zero").empty());
  const auto first = scene.judge(Json::object({{"eps", "2/5"}, {"each", 2}}), "first");
  const auto second = scene.judge(Json::object({{"eps", "2/5"}, {"each", 2}}), "second");
  REQUIRE(first.size() == 1);
  CHECK(first[0].json.at("sha256") == second.at(0).json.at("sha256"));
  CHECK(scene.columns == without);
}
