// A budget that is a list: a cell a level, an axis of the board, levels that grow geometrically.
#include <algorithm>
#include <set>

#include "harness/base/error.hpp"
#include "tests/unit/plan/suites.hpp"

using namespace assay;
using namespace assay::test;

namespace {

std::string with_budget(const std::string& block) { return attack_text + "[budget]\n" + block + "\n"; }

const std::string curve = "forward_per_sample = 100\nbackward_per_sample = [5, 10, 20, 40]\nrank_at = 20";

std::string refusal(const std::string& text) {
  try {
    plan_of(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool refused(const std::string& block, const std::string& because) {
  const std::string said = refusal(with_budget(block));
  INFO(said);
  return said.find(because) != std::string::npos;
}

}  // namespace

TEST_CASE("a curve over a budget is a cell a level, ranked at one of them [rule 43]") {
  const Plan plan = plan_of(with_budget(curve));
  CHECK(plan.rank_axes.dump() == R"({"backward_per_sample":"20"})");
  CHECK(plan.protocol.at("budget").at("backward_per_sample").dump() == R"(["5","10","20","40"])");
  std::vector<std::int64_t> limits;
  std::set<std::string> keys;
  for (const Node& node : plan.nodes) {
    if (node.kind != NodeKind::cell || node.method != "pgd" || node.axes.get("seed", -1) != 1) continue;
    const Json& budget = node.stages[0].spec.at("budget");
    limits.push_back(budget.get("backward_per_sample", 0));
    CHECK(budget.get("forward_per_sample", 0) == 100);
    CHECK(node.axes.at("backward_per_sample").as_string() == std::to_string(limits.back()));
    CHECK(node.label == "pgd backward_per_sample=" + std::to_string(limits.back()) + " on net, seed 1");
    keys.insert(node.key);
  }
  CHECK(limits == std::vector<std::int64_t>{5, 10, 20, 40});
  CHECK(keys.size() == 4);
}

TEST_CASE("a level of a curve and a suite with that budget alone agree on the cell") {
  const Plan levels = plan_of(with_budget(curve));
  const Plan alone = plan_of(with_budget("forward_per_sample = 100\nbackward_per_sample = 20"));
  const std::string key = cell(alone, "pgd", 0).key;
  CHECK(std::any_of(levels.nodes.begin(), levels.nodes.end(), [&](const Node& node) { return node.key == key; }));
  CHECK(levels.protocol_hash != alone.protocol_hash);
}

TEST_CASE("a chain has a curve too: each link holds to the level") {
  const Plan plan = plan_of(with_budget(curve) + "[[method]]\nname = \"both\"\nchain = [\"fgsm\", \"pgd\"]\n");
  std::set<std::string> levels;
  std::size_t cells = 0;
  for (const Node& node : plan.nodes) {
    if (node.kind != NodeKind::cell || node.method != "both") continue;
    levels.insert(node.axes.at("backward_per_sample").as_string());
    ++cells;
  }
  CHECK(cells == 12);  // three seeds
  CHECK(levels.size() == 4);
}

TEST_CASE("levels grow geometrically, and what is wrong with a curve is said where it stands [rule 43]") {
  CHECK(refusal(with_budget("backward_per_sample = [1, 2, 5, 10]\nrank_at = 10")).empty());
  CHECK(refusal(with_budget("seconds = [0.5, 1, 2]\nrank_at = 2")).empty());
  CHECK(refused("backward_per_sample = [5, 10, 15, 20]\nrank_at = 20",
                "budget.backward_per_sample: expected budgets that grow geometrically (rule 43), such as 5, 10, 20, 40; found factors "
                "from 1.33 to 2 between neighbours"));
  CHECK(refused("backward_per_sample = [100, 110, 121]\nrank_at = 121", "grow geometrically"));
  CHECK(refused("backward_per_sample = [5, 10]", "key 'budget.rank_at' is missing"));
  CHECK(refused("backward_per_sample = [5, 10]\nrank_at = 7", "budget.rank_at: expected one of the values of budget.backward_per_sample (5, 10), found 7"));
  CHECK(refused("backward_per_sample = [\"1/2\", 1]\nrank_at = 1", "expected whole numbers from 1"));
  CHECK(refused("forward_per_sample = [5, 10]\nbackward_per_sample = [5, 10]\nrank_at = 5", "is a list already"));
  CHECK(refused("backward_per_sample = 5\nrank_at = 5", "budget.rank_at: no budget is a list"));
  CHECK(refusal(compress_text + "[budget]\nseconds = [1, 2]\nrank_at = 2\n").find("a curve over the budget has no meaning for task 'compress'") !=
        std::string::npos);
}
