// Links of a chain, its judge, and the verdicts on victims that fool attacks: masked, random, softmax, quantising.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "harness/base/files.hpp"
#include "harness/base/rng.hpp"
#include "harness/data/records.hpp"
#include "harness/graph/builder.hpp"
#include "harness/record/safetensors.hpp"
#include "harness/tasks/attack_checks.hpp"
#include "harness/tasks/attack_longer.hpp"
#include "harness/tasks/stages.hpp"

using namespace assay;

namespace {

constexpr std::int64_t kSamples = 40, kClasses = 3, kSize = 6;

// Class k is brightest in elements 2 k and 2 k + 1; one sample in ten carries a wrong label.
std::vector<float> inputs() {
  std::vector<float> x(static_cast<std::size_t>(kSamples * kSize), 0.2f);
  const Rng rng(3, "chain");
  for (std::int64_t i = 0; i < kSamples; ++i) {
    for (std::int64_t j = 0; j < 2; ++j) x[static_cast<std::size_t>(i * kSize + 2 * (i % kClasses) + j)] = 0.6f;
    x[static_cast<std::size_t>(i * kSize)] += 0.01f * static_cast<float>(rng.below(static_cast<std::uint64_t>(i), 5));
  }
  return x;
}
std::vector<std::int64_t> labels() {
  std::vector<std::int64_t> y;
  for (std::int64_t i = 0; i < kSamples; ++i) y.push_back((i % kClasses + (i % 10 == 9 ? 1 : 0)) % kClasses);
  return y;
}

data::RecordSet records() {
  data::RecordSet set;
  for (std::int64_t i = 0; i < kSamples; ++i) set.ids.push_back(100 + i);
  set.add({"input",
           data::Role::input,
           data::FieldType::dense(engine::DType::f32, {kSize}),
           Array::f32({kSamples, kSize}, inputs()),
           {},
           {}});
  set.add(
      {"target", data::Role::target, data::FieldType::category(kClasses), Array::i64({kSamples}, labels()), {}, {}});
  return set;
}

// The sum of a class's two elements, times 4; `last` is an op put behind the logits or before them.
graph::Graph victim(const std::string& kind) {
  graph::GraphBuilder net(engine::Shape{kSize}, 1);
  std::string x = net.input();
  if (kind == "quantising") x = net.apply("levels", "round", {net.apply("scaled", "affine", {x}, {{"scale", 4.0}})});
  if (kind == "random") x = net.apply("noise", "dropout", {x}, {{"p", 0.2}, {"always", std::int64_t{1}}});
  std::string logits = net.linear("fc", x, kClasses);
  if (kind == "softmax") logits = net.apply("probabilities", "softmax", {logits}, {{"axis", std::int64_t{1}}});
  graph::Graph graph = net.finish(logits, x, Json::object({{"arch", "sums"}}));
  std::vector<float> weight(static_cast<std::size_t>(kClasses * kSize), 0.0f);
  for (std::int64_t k = 0; k < kClasses; ++k) {
    weight[static_cast<std::size_t>(k * kSize + 2 * k)] = weight[static_cast<std::size_t>(k * kSize + 2 * k + 1)] = 4;
  }
  for (const auto& [name, parameter] : std::map(graph.parameters)) {
    const bool matrix = parameter.value.shape().size() == 2;
    graph.set_parameter(name, matrix ? engine::Tensor::f32({kClasses, kSize}, weight)
                                     : engine::Tensor::f32({kClasses}, std::vector<float>(kClasses, 0.0f)));
  }
  return graph;
}

// A folder with the data, the victim and what a stage leaves.
struct Place {
  TempDir folder;
  std::int64_t longer = 0;  // samples of rule 21
  explicit Place(const std::string& kind = "plain") {
    records().save(folder.path() / "data.safetensors");
    graph::save_model(victim(kind), folder.path() / "victim.safetensors");
  }

  // Adversarial inputs for these rows, at eps = 1/2 with the label's elements darkened where `strong`.
  // `late`: what each gained late, as the run stage saw it; 0 or more.
  fs::path run(const std::string& name, const std::vector<std::int64_t>& rows,
               const std::function<bool(std::int64_t)>& strong, double late = -1,
               const std::vector<std::string>& conditions = {"eps=0", "eps=1/2"}) {
    const fs::path shard = folder.path() / name;
    ShardWriter writer(shard);
    for (const std::string& condition : conditions) {
      Container batch;
      std::vector<std::int64_t> ids;
      std::vector<float> x;
      const std::vector<float> clean = inputs();
      for (const std::int64_t row : rows) {
        ids.push_back(100 + row);
        for (std::int64_t j = 0; j < kSize; ++j) {
          const bool dark =
              condition != "eps=0" && strong(row) && j / 2 == labels()[static_cast<std::size_t>(row)];
          const float value = clean[static_cast<std::size_t>(row * kSize + j)];
          x.push_back(dark ? std::max(0.0f, value - 0.5f) : value);
        }
      }
      const auto n = static_cast<std::int64_t>(rows.size());
      batch.arrays["id"] = Array::i64({n}, ids);
      batch.arrays["x"] = Array::f32({n, kSize}, x);
      if (late >= 0) batch.arrays["passes"] = Array::f64({n}, std::vector<double>(rows.size(), 4.0));
      if (late >= 0) batch.arrays["late_gain"] = Array::f64({n}, std::vector<double>(rows.size(), late));
      Event event{Json::object({{"type", "batch"}, {"index", 0}, {"condition", condition}, {"count", n}}),
                  encode(batch)};
      event.json["spent"] = Json::object({{"forward", static_cast<double>(2 * n)}, {"backward", 0.0}, {"macs", 0.0}});
      if (n > 0) writer.append(event);
    }
    return shard;
  }

  std::vector<Event> stage(const std::string& what, const std::map<std::string, fs::path>& more,
                           const std::string& link = "") {
    Job job;
    job.stage = what;
    job.key = std::string(64, 'c');
    job.scratch = (folder.path() / (what + link)).string();
    fs::create_directories(job.scratch);
    job.inputs = {{"data", {(folder.path() / "data.safetensors").string(), ""}},
                  {"model:net", {(folder.path() / "victim.safetensors").string(), ""}}};
    for (const auto& [name, file] : more) job.inputs[name] = {file.string(), ""};
    job.spec = Json::object({{"task", "attack"},
                             {"victim", "net"},
                             {"access", "white-box"},
                             {"threat", Json::object({{"norm", "linf"}, {"eps", Json::Array{"0", "1/2"}}})},
                             {"method", Json::object({{"id", "chain"}, {"iterative", true}})}});
    if (longer > 0) job.spec["longer"] = longer;
    if (!link.empty())
      job.spec["link"] = Json::object({{"id", link}, {"gradients", link != "square"}, {"iterative", true}});
    {
      ShardWriter writer(fs::path(job.scratch) / "shard");
      FileDigests digests;
      tasks::StageContext context(job, writer, {}, digests);
      if (what == "judge") tasks::judge_attack(context);
      if (what == "survivors") tasks::survivors(context);
    }
    return read_shard(fs::path(job.scratch) / "shard").events;
  }
  fs::path left(const std::string& link) const {
    return folder.path() / ("survivors" + link) / "out" / tasks::kChainFile;
  }
};

std::vector<int> rules(const std::vector<Event>& events) {
  std::vector<int> found;
  for (const Event& event : events) {
    if (event.type() == "verdict") found.push_back(static_cast<int>(event.json.at("rule").as_int()));
  }
  return found;
}

double score(const std::vector<Event>& events, const std::string& quantity, const std::string& condition) {
  for (const Event& event : events) {
    if (event.type() == "score" && event.json.get("quantity", "") == quantity &&
        event.json.get("condition", "") == condition)
      return event.json.at("value").as_real();
  }
  FAIL("no score " << quantity);
  return 0;
}

std::vector<std::int64_t> everything() {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < kSamples; ++i) rows.push_back(i);
  return rows;
}

}  // namespace

TEST_CASE("[rule 14] [rule 17] a chain's links attack what is left, and its outcome is the worst case") {
  Place place;
  place.stage("survivors", {});
  const auto start = tasks::ChainState::load(place.left(""));
  CHECK(start.standing("eps=1/2").size() == 36);  // the wrong labels are not robust before any attack
  CHECK(start.links.empty());

  const auto half = place.run("half", start.standing("eps=1/2"), [](std::int64_t row) { return row % 2 == 0; });
  place.stage("survivors", {{"run", half}, {"chain", place.left("")}}, "apgd-ce");
  const auto middle = tasks::ChainState::load(place.left("apgd-ce"));
  CHECK(middle.standing("eps=0").size() == 36);
  CHECK(middle.standing("eps=1/2").size() == 16);
  CHECK(middle.spent.forward == 2 * 2 * 36);
  for (const std::int64_t row : middle.standing("eps=1/2")) CHECK(row % 2 == 1);

  // Of the rest the last link breaks one in three; at eps = 0 it was handed all 36.
  const fs::path last = place.run("last", start.standing("eps=1/2"), [](std::int64_t row) { return row % 3 == 0; });
  const auto events = place.stage("judge", {{"run", last}, {"chain", place.left("apgd-ce")}}, "fab-t");
  std::int64_t want = 0;
  for (const std::int64_t row : start.standing("eps=1/2")) want += row % 2 == 1 && row % 3 != 0 ? 1 : 0;
  CHECK(score(events, "robust_accuracy", "eps=1/2") == doctest::Approx(static_cast<double>(want) / kSamples));
  CHECK(score(events, "robust_accuracy", "eps=0") == doctest::Approx(36.0 / kSamples));
  CHECK(score(events, "accuracy", "clean") == doctest::Approx(36.0 / kSamples));
  const auto found = rules(events);
  CHECK(found == std::vector<int>{17});  // it left more than 1 % at radius 1/2
}

TEST_CASE("a chain that leaves its last link nothing to attack is judged all the same") {
  Place place;
  place.stage("survivors", {});
  const auto rows = tasks::ChainState::load(place.left("")).standing("eps=1/2");
  const fs::path all = place.run("all", rows, [](std::int64_t) { return true; });
  place.stage("survivors", {{"run", all}, {"chain", place.left("")}}, "apgd-ce");
  const fs::path none = place.run("none", rows, [](std::int64_t) { return true; }, -1, {"eps=0"});
  const auto events = place.stage("judge", {{"run", none}, {"chain", place.left("apgd-ce")}}, "square");
  CHECK(score(events, "robust_accuracy", "eps=1/2") == 0);
  CHECK(score(events, "attack_success_rate", "eps=1/2") == 1);
}

TEST_CASE("a link that leaves samples out is refused, and one that adds samples changes nothing") {
  Place place;
  place.stage("survivors", {});
  const fs::path few = place.run("few", {0, 1, 2}, [](std::int64_t) { return true; });
  CHECK_THROWS_WITH_AS(place.stage("survivors", {{"run", few}, {"chain", place.left("")}}, "x"),
                       doctest::Contains("33 of 36 samples have no adversarial input"), Error);
  const fs::path all = place.run("all", everything(), [](std::int64_t) { return true; });
  place.stage("survivors", {{"run", all}, {"chain", place.left("")}}, "y");
  CHECK(tasks::ChainState::load(place.left("y")).standing("eps=1/2").empty());
}

TEST_CASE("[rule 18] a search without gradients that beats the white-box links makes the cell suspect") {
  Place place;
  place.stage("survivors", {});
  const auto rows = tasks::ChainState::load(place.left("")).standing("eps=1/2");
  const fs::path weak = place.run("weak", rows, [](std::int64_t row) { return row < 20; });
  place.stage("survivors", {{"run", weak}, {"chain", place.left("")}}, "apgd-ce");
  const fs::path square = place.run("square", rows, [](std::int64_t) { return true; });
  const auto found = rules(place.stage("judge", {{"run", square}, {"chain", place.left("apgd-ce")}}, "square"));
  CHECK(std::count(found.begin(), found.end(), 18) == 1);
}

TEST_CASE("[rule 19] [rule 20] victims that fool attacks are named; a plain one is not") {
  const auto verdicts = [](const std::string& kind) {
    Place place(kind);
    const fs::path run = place.run("run", everything(), [](std::int64_t) { return true; });
    return rules(place.stage("judge", {{"run", run}}));
  };
  CHECK(verdicts("plain").empty());
  CHECK(verdicts("quantising") == std::vector<int>{19});
  CHECK(verdicts("softmax") == std::vector<int>{20});
  const auto random = verdicts("random");
  CHECK(std::count(random.begin(), random.end(), 20) == 1);
}

TEST_CASE("[rule 17] at a huge radius the strongest iterative white-box link must break nearly everything") {
  tasks::Threat threat;
  threat.norm = metrics::Norm::linf;
  threat.eps = {{1, 10}, {1, 2}};
  const auto rules_of = [&](std::int64_t at_tenth, std::int64_t at_half, bool iterative) {
    std::vector<int> out;
    const tasks::ChainLink link{"pgd", true, iterative, {{"eps=1/10", at_tenth}, {"eps=1/2", at_half}}};
    for (const auto& finding : tasks::compare_links({link}, threat, 1000)) out.push_back(finding.rule);
    return out;
  };
  CHECK(rules_of(900, 10, true).empty());  // 1 % may stand
  CHECK(rules_of(900, 11, true) == std::vector<int>{17});
  CHECK(rules_of(900, 900, false).empty());  // a single step proves nothing
  threat.norm = metrics::Norm::l2;
  CHECK(rules_of(900, 900, true).empty());
}

TEST_CASE("[rule 22] a cell whose unbroken samples still climbed at the end is suspect, at radii above 0") {
  const auto verdicts = [](double late, std::int64_t broken) {
    Place place;
    const fs::path run = place.run("run", everything(), [&](std::int64_t row) { return row < broken; }, late);
    return rules(place.stage("judge", {{"run", run}}));
  };
  CHECK(verdicts(0.1, 20) == std::vector<int>{22});
  CHECK(verdicts(0.01, 20).empty());
  CHECK(verdicts(0.1, kSamples).empty());      // nothing is left to climb
  CHECK(verdicts(0.1, kSamples - 5).empty());  // so few say nothing
  CHECK(verdicts(-1, 20).empty());
}

TEST_CASE("[rule 21] a tenfold longer attack of the host's that breaks what a cell left makes it suspect") {
  const auto verdicts = [](const std::string& kind, std::int64_t broken, double late, std::int64_t longer) {
    Place place(kind);
    place.longer = longer;
    const fs::path run = place.run("run", everything(), [&](std::int64_t row) { return row < broken; }, late);
    return rules(place.stage("judge", {{"run", run}}));
  };
  CHECK(verdicts("plain", 20, 0, 8) == std::vector<int>{21});  // at radius 1/2 every sample can be broken
  CHECK(verdicts("plain", 20, 0, 0).empty());                  // the suite asks for none
  CHECK(verdicts("plain", kSamples, 0, 8).empty());            // nothing stands
  CHECK(verdicts("plain", 20, -1, 8).empty());                 // no gradient pass was seen: nothing to be ten times as long as
  Place place;
  place.longer = 8;
  place.stage("survivors", {});
  const auto rows = tasks::ChainState::load(place.left("")).standing("eps=1/2");
  const fs::path weak = place.run("weak", rows, [](std::int64_t row) { return row < 20; });
  place.stage("survivors", {{"run", weak}, {"chain", place.left("")}}, "apgd-ce");
  const fs::path last = place.run("last", rows, [](std::int64_t) { return false; });
  const auto found = rules(place.stage("judge", {{"run", last}, {"chain", place.left("apgd-ce")}}, "square"));
  CHECK(std::count(found.begin(), found.end(), 21) == 1);
}

TEST_CASE("[rule 21] few breaks of many are chance; bounds are scipy's beta quantiles") {
  CHECK(tasks::lower_share(0, 32) == 0);
  CHECK(tasks::lower_share(1, 32) == doctest::Approx(0.0003140236).epsilon(1e-3));
  CHECK(tasks::lower_share(2, 32) == doctest::Approx(0.0047055412).epsilon(1e-3));
  CHECK(tasks::lower_share(7, 200) == doctest::Approx(0.0117595864).epsilon(1e-3));
  CHECK(tasks::lower_share(32, 32) == doctest::Approx(0.8659643233).epsilon(1e-3));
  CHECK(tasks::broke_more({200, 100, 32, 1, 200}).empty());
  CHECK(tasks::broke_more({200, 100, 32, 2, 200}).find("200 steps of the host's break 2 of 32") == 0);
  CHECK(tasks::broke_more({1000, 20, 20, 2, 200}).empty());  // 2 % of the samples stand: 0.2 points are not at stake
}

TEST_CASE("the subsample depends on ids alone") {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < 50; ++i) ids.push_back(10 * i);
  std::vector<double> standing(50, 1);
  standing[3] = 0;
  const auto rows = tasks::subsample(ids, standing, 10);
  CHECK(rows.size() == 10);
  CHECK(std::count(rows.begin(), rows.end(), 3) == 0);
  std::vector<std::int64_t> names, turned(ids.rbegin(), ids.rend());
  for (const std::int64_t row : rows) names.push_back(ids[static_cast<std::size_t>(row)]);
  std::vector<double> flags(standing.rbegin(), standing.rend());
  std::vector<std::int64_t> other;
  for (const std::int64_t row : tasks::subsample(turned, flags, 10)) other.push_back(turned[static_cast<std::size_t>(row)]);
  CHECK(names == other);
  CHECK(tasks::subsample(ids, standing, 100).size() == 49);
}
