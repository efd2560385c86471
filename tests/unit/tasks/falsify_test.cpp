// The falsify task: regions and grids, what the judge makes of verdicts and witnesses, and the host's own enumeration.
#include <doctest/doctest.h>

#include <limits>
#include <map>

#include "assay/plugin.h"
#include "harness/base/error.hpp"
#include "harness/graph/builder.hpp"
#include "harness/record/safetensors.hpp"
#include "harness/tasks/falsify_truth.hpp"
#include "tests/unit/tasks/cell.hpp"

using namespace assay;
using namespace assay::tasks_test;
using tasks::Box;
using tasks::Boxes;
using tasks::Region;

namespace {

const fs::path kBuild = ASSAY_BINARY_DIR;

Region region_of(const char* eps, const char* step, std::int64_t elements = 0) {
  return Region::from_json(Json::object({{"eps", eps}, {"step", step}, {"elements", elements}}));
}

// Class 1 where the first element is above 0.525, class 0 elsewhere.
graph::Graph threshold() {
  graph::GraphBuilder net(engine::Shape{2}, 1);
  const std::string features = net.relu("relu", net.linear("fc1", net.input(), 2));
  graph::Graph graph = net.finish(net.linear("fc2", features, 2), features, Json::object({{"arch", "threshold"}}));
  const auto set = [&](const char* name, const engine::Shape& shape, const std::vector<float>& values) {
    graph.set_parameter(name, engine::Tensor::f32(shape, values));
  };
  set("fc1.weight", {2, 2}, {1, 0, 0, 1});
  set("fc1.bias", {2}, {0, 0});
  set("fc2.weight", {2, 2}, {0, 0, 1, 0});
  set("fc2.bias", {2}, {0.525f, 0});
  return graph;
}

data::RecordSet points() {
  data::RecordSet set;
  set.ids = {11, 12, 13};
  data::FieldType type = data::FieldType::dense(engine::DType::f32, {2});
  type.ranges = {{0, 1}};
  // Steps of 0.09 within 0.1: one on whose grid the class changes, one where it does only between the points, one where
  // it never does.
  set.add({"input",
           data::Role::input,
           type,
           Array::f32({3, 2}, std::vector<float>{0.5f, 0.5f, 0.43f, 0.5f, 0.1f, 0.9f}),
           {},
           {}});
  set.add({"target",
           data::Role::target,
           data::FieldType::category(2),
           Array::i64({3}, std::vector<std::int64_t>{0, 0, 1}),
           {},
           {}});
  return set;
}

// Run and judge of one method on the three points.
struct Trial {
  TempDir folder;
  std::vector<Event> events;

  explicit Trial(const std::string& id, bool truth = false,
                 const std::string& library = "tests/plugins/odd_analyzers.so") {
    points().save(folder.path() / "data.safetensors");
    graph::save_model(threshold(), folder.path() / "net.safetensors");
    Job run = job("run");
    run.plugin_path = (kBuild / library).string();
    run.plugin_id = id;
    perform(run, tasks::run_falsify);
    Job judge = job("judge");
    judge.inputs["run"] = {(fs::path(run.scratch) / "shard").string(), ""};
    if (truth) {
      Job look = job("enumerate");
      look.spec["region"]["enumerate"] = 1000;
      look.spec["region"]["finer"] = 10;
      perform(look, tasks::enumerate_grid);
      judge.inputs["truth"] = {(fs::path(look.scratch) / "out" / tasks::truth_file).string(), ""};
    }
    judged_ = judge;
  }
  void judge() {
    perform(judged_, tasks::judge_falsify);
    events = read_shard(fs::path(judged_.scratch) / "shard").events;
  }
  double score(const std::string& quantity) const {
    const Event* event = find(events, "score", "quantity", Json(quantity));
    REQUIRE_MESSAGE(event != nullptr, quantity);
    return event->json.at("value").as_real();
  }
  bool has(const std::string& quantity) const { return find(events, "score", "quantity", Json(quantity)) != nullptr; }

 private:
  Job job(const std::string& stage) const {
    Job out;
    out.stage = stage;
    out.key = std::string(64, 'b');
    out.scratch = (folder.path() / stage).string();
    out.inputs = {{"data", {(folder.path() / "data.safetensors").string(), ""}},
                  {"model:net", {(folder.path() / "net.safetensors").string(), ""}}};
    out.spec = Json::object({{"task", "falsify"},
                             {"model", "net"},
                             {"params", Json(Json::Object{})},
                             {"region", Json::object({{"eps", "1/10"}, {"step", "9/100"}})}});
    fs::create_directories(fs::path(out.scratch) / "out");
    return out;
  }
  static void perform(const Job& job, void (*stage)(tasks::StageContext&)) {
    ShardWriter shard(fs::path(job.scratch) / "shard");
    FileDigests digests;
    tasks::StageContext context(job, shard, {}, digests);
    stage(context);
  }
  Job judged_;
};

}  // namespace

TEST_CASE("a box is clipped to the valid range before its grid is built, so that steps stay even") {
  const std::vector<float> x = {0.05f, 0.5f, 1.0f};
  const Boxes boxes = tasks::boxes_of(x, 3, region_of("0.15", "0.01"));
  CHECK(boxes.below == std::vector<std::int64_t>{5, 15, 15});
  CHECK(boxes.above == std::vector<std::int64_t>{15, 15, 0});
  CHECK(boxes.lo[0] == 0.0f);
  CHECK(boxes.hi[2] == 1.0f);
  CHECK(tasks::points_of(boxes.below, boxes.above) == 21 * 31 * 16);
  const Box box = tasks::box_at(x, boxes, 0, 3, 0.01);
  CHECK(tasks::on_grid(box, x));
  CHECK(tasks::on_grid(box, std::vector<float>{0.0f, 0.65f, 0.85f}));
  CHECK_FALSE(tasks::on_grid(box, std::vector<float>{0.055f, 0.5f, 1.0f}));
  CHECK(tasks::in_box(box, std::vector<float>{0.055f, 0.5f, 1.0f}));
  CHECK_FALSE(tasks::in_box(box, std::vector<float>{0.05f, 0.66f, 1.0f}));
  CHECK_FALSE(tasks::in_box(box, std::vector<float>{0.05f, std::numeric_limits<float>::quiet_NaN(), 1.0f}));
}

TEST_CASE("so many elements move, those farthest from the mean, the first of equals") {
  const std::vector<float> x = {0.5f, 0.0f, 1.0f, 0.5f, 0.875f, 0.125f};
  const Boxes boxes = tasks::boxes_of(x, 6, region_of("0.2", "0.1", 3));
  std::vector<std::size_t> moved;
  for (std::size_t i = 0; i < 6; ++i)
    if (boxes.below[i] + boxes.above[i] > 0) moved.push_back(i);
  CHECK(moved == std::vector<std::size_t>{1, 2, 4});
  CHECK(boxes.lo[0] == boxes.hi[0]);
}

TEST_CASE("a grid's points come once each, whatever the pieces") {
  const std::vector<float> x = {0.5f, 0.05f, 0.3f};
  const Boxes boxes = tasks::boxes_of(x, 3, region_of("0.1", "0.05", 2));
  const Box box = tasks::box_at(x, boxes, 0, 3, 0.05);
  const auto count = static_cast<std::int64_t>(tasks::points_of(box.below, box.above));
  CHECK(count == 5 * 4);
  for (const std::int64_t piece : {1, 7, 1000}) {
    tasks::Points points(box);
    std::map<std::vector<float>, int> seen;
    for (std::vector<float> out; points.next(piece, out) > 0; out.clear()) {
      for (std::size_t at = 0; at < out.size(); at += 3) {
        const std::vector<float> one(out.begin() + static_cast<std::ptrdiff_t>(at),
                                     out.begin() + static_cast<std::ptrdiff_t>(at + 3));
        CHECK(tasks::on_grid(box, one));
        ++seen[one];
      }
    }
    CHECK(static_cast<std::int64_t>(seen.size()) == count);
  }
}

TEST_CASE("malformed regions are refused by key") {
  CHECK_THROWS_WITH_AS(region_of("0", "0.1"), doctest::Contains("region.eps: expected a number above 0"), Error);
  CHECK_THROWS_WITH_AS(region_of("0.1", "x"), doctest::Contains("region.step"), Error);
}

TEST_CASE("a counter-example that is none makes the cell invalid [rule 15]") {
  const std::pair<const char*, const char*> sins[] = {
      {"odd-outside", "witnesses are not in the region of their input"},
      {"odd-witness-nan", "witnesses are not in the region of their input"},
      {"odd-same-class", "3 of 3 witnesses have the class of their input"}};
  for (const auto& [id, why] : sins) {
    CAPTURE(id);
    Trial trial(id);
    CHECK_THROWS_WITH_AS(trial.judge(), doctest::Contains(why), Error);
  }
}

TEST_CASE("what is no finding ends the run with its reason") {
  CHECK_THROWS_WITH_AS(Trial("odd-verdict"), doctest::Contains("'verdict' holds 7, expected -1 to 1"), Error);
  CHECK_THROWS_WITH_AS(Trial("odd-witness-shape"), doctest::Contains("'witness' is"), Error);
  CHECK_THROWS_WITH_AS(Trial("odd-explored"), doctest::Contains("'explored' holds -1"), Error);
}

TEST_CASE("unknown, partly safe and verified are told apart, and holds are set against the enumerated grid") {
  Trial optimist("odd-optimist", true);
  optimist.judge();
  CHECK(optimist.score("verified_rate") == 1);
  CHECK(optimist.score("violated_rate") == doctest::Approx(1.0 / 3));
  CHECK(optimist.score("false_safe_rate") == doctest::Approx(1.0 / 3));
  CHECK(optimist.score("agreement") == doctest::Approx(2.0 / 3));
  CHECK(optimist.score("false_safe_fine_rate") == 0.5);  // of the two on whose grids nothing happens
  CHECK_FALSE(optimist.has("witness_l1"));
  CHECK(optimist.score("accuracy") == doctest::Approx(2.0 / 3));

  Trial partly("odd-partly", true);
  partly.judge();
  CHECK(partly.score("verified_rate") == 0);
  CHECK(partly.score("partly_safe_rate") == 1);
  CHECK(partly.score("decided_rate") == 0);
  CHECK(partly.score("agreement") == 0);
  CHECK_FALSE(partly.has("false_safe_rate"));

  Trial silent("odd-silent");
  silent.judge();
  CHECK(silent.score("unknown_rate") == 1);
  CHECK_FALSE(silent.has("agreement"));  // the suite does not let the host look
}

TEST_CASE("brute force agrees with the host, and its counter-examples are measured") {
  Trial trial("grid-enumeration", true, "plugins/grid-enumeration.so");
  trial.judge();
  CHECK(trial.score("agreement") == 1);
  CHECK(trial.score("false_safe_rate") == 0);
  CHECK(trial.score("falsified_rate") == trial.score("violated_rate"));
  CHECK(trial.score("witness_on_grid_rate") == 1);
  CHECK(trial.score("witness_linf") <= 0.1 + 1e-6);
  CHECK(trial.score("witness_l0") >= 1);
}

TEST_CASE("the host counts violations of the grid and looks at the finer one only where there is none") {
  const TempDir folder;
  graph::save_model(threshold(), folder.path() / "net.safetensors");
  points().save(folder.path() / "data.safetensors");
  const tasks::Samples samples = tasks::load_samples(folder.path() / "data.safetensors");
  tasks::Subject net(folder.path() / "net.safetensors", Job{});
  const Region region = region_of("0.1", "0.09");
  const tasks::Truth truth = tasks::enumerate_regions(net, samples, region, {10000, 10});
  CHECK(truth.points == std::vector<double>{9, 9, 9});
  // 0.59 of the first is above 0.525 in three points; 0.52 of the second is below, 0.43 + 0.1 on the finer grid above.
  CHECK(truth.violations == std::vector<double>{3, 0, 0});
  CHECK(truth.fine == std::vector<double>{tasks::kNotLooked, 1, 0});
  const tasks::Truth few = tasks::enumerate_regions(net, samples, region, {8, 0});
  CHECK(few.violations == std::vector<double>(3, tasks::kNotLooked));
  truth.save(folder.path() / "truth.safetensors");
  CHECK(tasks::Truth::load(folder.path() / "truth.safetensors").fine == truth.fine);
}
