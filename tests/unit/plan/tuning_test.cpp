// Trials of [method.tune]: on validation data and nothing else, all of them in the cell's key, equally many for all.
#include <algorithm>
#include <set>

#include "harness/base/error.hpp"
#include "tests/unit/plan/suites.hpp"

using namespace assay;
using namespace assay::test;

namespace {

const std::string val = "val = { set = \"fashion-mnist\", first = 20000, limit = 500 }\n[[model]]";

std::string tuned(const std::string& tune) {
  return edit(edit(attack_text, "[[model]]", val), "params = { steps = 20, verbose = false }", "params = { verbose = false }\ntune = " + tune);
}

const std::string grid = "{ search = \"grid\", space = { steps = [10, 20], step_size = [\"1/40\", \"1/10\"] } }";

std::vector<const Node*> trials_of(const Plan& plan, std::int64_t seed) {
  std::vector<const Node*> out;
  for (const Node& node : plan.nodes)
    if (node.label.starts_with("trial ") && node.seeds.get("method") == static_cast<std::uint64_t>(seed)) out.push_back(&node);
  return out;
}

std::vector<std::string> stages_of(const Node& node) {
  std::vector<std::string> out;
  for (const Stage& stage : node.stages) out.push_back(stage.stage);
  return out;
}

}  // namespace

TEST_CASE("trials are judged on the validation list, and nothing that they need reads the test list [rule 10]") {
  const Plan plan = plan_of(tuned(grid));
  const auto trials = trials_of(plan, 1);
  REQUIRE(trials.size() == 4);
  std::string test_list;
  for (const InputRef& input : cell(plan, "noise", 1).stages[0].inputs)
    if (input.name == "data") test_list = input.node;
  REQUIRE(!test_list.empty());
  std::set<std::string> reached;
  std::vector<std::string> next;
  for (const Node* trial : trials) {
    CHECK(trial->kind == NodeKind::train);  // no board shows it
    CHECK(stages_of(*trial) == std::vector<std::string>{"run", "judge", "measure"});
    next.push_back(trial->key);
  }
  while (!next.empty()) {
    const Node* node = plan.find(next.back());
    next.pop_back();
    REQUIRE(node);
    if (reached.insert(node->key).second) next.insert(next.end(), node->needs.begin(), node->needs.end());
  }
  CHECK(reached.count(test_list) == 0);
  CHECK(reached.size() > 6);
}

TEST_CASE("a cell takes the best of its trials, which are part of its key [rule 11]") {
  const Plan plan = plan_of(tuned(grid));
  const Node& node = cell(plan, "pgd", 1);
  CHECK(stages_of(node) == std::vector<std::string>{"select", "run", "judge"});
  CHECK(node.stages[0].inputs.size() == 4);
  CHECK(node.axes.at("trials") == Json(4));
  CHECK(node.identity.at("trials").size() == 4);
  CHECK(plan.protocol.at("trials") == Json(4));
  const auto& inputs = node.stages[1].inputs;
  CHECK(std::any_of(inputs.begin(), inputs.end(), [](const InputRef& i) { return i.name == "tuned" && i.stage == "select"; }));
  const auto params = [](const Node* trial) { return trial->params.at("steps").dump() + " " + trial->params.at("step_size").dump(); };
  std::vector<std::string> points;
  for (const Node* trial : trials_of(plan, 1)) points.push_back(params(trial));
  CHECK(points == std::vector<std::string>{"10 \"1/40\"", "10 \"1/10\"", "20 \"1/40\"", "20 \"1/10\""});
  const auto changed = [&](const std::string& from, const std::string& to) {
    CHECK(cell(plan_of(edit(tuned(grid), from, to)), "pgd", 1).key != node.key);
  };
  changed("steps = [10, 20]", "steps = [10, 21]");
  changed("first = 20000", "first = 20001");
  PlanContext judge = context();
  judge.judge_version = 2;  // another judge may choose another trial
  CHECK(cell(plan_of(tuned(grid), judge), "pgd", 1).key != node.key);
}

TEST_CASE("a random search draws the same points for every seed and on every machine") {
  const std::string text = tuned("{ search = \"random\", trials = 40, space = { steps = [5, 10], step_size = { min = 0.001, max = 0.5, log = true } } }");
  const Plan plan = plan_of(text);
  const auto first = trials_of(plan, 0), second = trials_of(plan, 1);
  REQUIRE((first.size() == 40 && second.size() == 40));
  std::set<double> seen;
  int small = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i]->params == second[i]->params);
    const double step = first[i]->params.at("step_size").as_real();
    CHECK((step >= 0.001 && step <= 0.5));
    seen.insert(step);
    small += step < 0.0224;  // the geometric mean of the range: half of the draws
  }
  CHECK(seen.size() == 40);
  CHECK((small > 10 && small < 30));
  CHECK(trials_of(plan_of(text), 2)[7]->params == first[7]->params);
}

TEST_CASE("every point of a compression has trials of its own") {
  const std::string tune = "[[method]]\nuse = \"tiny\"\ntune = { search = \"grid\", space = { share = [0.1, 0.2, 0.3] } }\n";
  PlanContext world = context();
  world.plugins.emplace("tiny", plugin("tiny", "compressor", {param("share", "real", 0.1, 0, 1)}));
  const std::string text = edit(edit(compress_text, "train = { set = \"fashion-mnist\" }", "train = { set = \"fashion-mnist\", limit = 20000 }"), "[[model]]", val) + tune;
  const Plan plan = plan_of(text, world);
  CHECK(trials_of(plan, 0).size() == 2 * 3);
  const Node& node = cell(plan, "tiny", 0, "8");
  CHECK(stages_of(node) == std::vector<std::string>{"select", "run", "finetune", "judge", "time"});
  CHECK(stages_of(*plan.find(node.stages[0].inputs[0].node)) == std::vector<std::string>{"run", "finetune", "judge", "measure"});
}

// The rule holds as long as nothing can be chosen on data that is out of distribution; a suite that could name such lists has
// to check their sources against those of the test.
TEST_CASE("a detector is not tuned: there is no list that is no test list to do it on [rule 29]") {
  const std::string text = edit(edit(detect_text, "[[model]]", val), "params = { k = 50 }",
                                "tune = { search = \"grid\", space = { k = [10, 50] } }");
  CHECK_THROWS_WITH_AS(plan_of(text), doctest::Contains("need lists of other out-of-distribution data to be tuned on (rule 29)"), Error);
}
