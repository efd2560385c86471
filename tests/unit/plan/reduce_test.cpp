// Plans of the reduce task: the stages of a cell, what decides its outcome, and what its suites refuse.
#include <doctest/doctest.h>

#include <functional>

#include "harness/base/error.hpp"
#include "tests/unit/plan/suites.hpp"

using namespace assay;
using namespace assay::test;

namespace {

std::vector<std::string> names_of(const std::vector<InputRef>& inputs) {
  std::vector<std::string> out;
  out.reserve(inputs.size());
  for (const InputRef& one : inputs) out.push_back(one.name);
  return out;
}

const Node& cell_at(const Plan& plan, const std::string& method, const std::string& ratio) {
  for (const Node& node : plan.nodes)
    if (node.kind == NodeKind::cell && node.method == method && node.seeds.get("method") == 2 &&
        node.axes.get("ratio", std::string()) == ratio)
      return node;
  FAIL("no such cell");
  throw Error(Fault::internal, "");
}

}  // namespace

TEST_CASE("reduce: the host trains on what the method left, and judges it beside the subject's own net [rule 39]") {
  const Plan plan = plan_of(reduce_text);
  CHECK(plan.rank_by == "accuracy");
  CHECK(plan.condition == "test");
  CHECK(plan.rank_axes.at("ratio") == Json("4"));
  const auto cells = std::count_if(plan.nodes.begin(), plan.nodes.end(), [](const Node& n) { return n.kind == NodeKind::cell; });
  CHECK(cells == 9);  // three seeds: the subset at two ratios, the poison at one

  const Node& node = cell_at(plan, "random-subset", "4");
  REQUIRE(node.stages.size() == 3);
  const Stage &run = node.stages[0], &fit = node.stages[1], &judge = node.stages[2];
  CHECK(run.plugin);
  CHECK(names_of(run.inputs) == std::vector<std::string>{"train"});
  CHECK(run.spec.at("ratio") == Json("4"));
  CHECK(fit.stage == "train");
  CHECK_FALSE(fit.plugin);
  CHECK(fit.inputs[0].stage == "run");
  CHECK(fit.inputs[0].file == "reduced.safetensors");
  CHECK(names_of(judge.inputs) == std::vector<std::string>{"run", "model", "reduced", "train", "test", "model:net"});
  CHECK(judge.inputs[1].stage == "train");

  // The subject and the net of the cell: one recipe, one seed; every method shares the subject.
  const Node* subject = plan.find(judge.inputs[5].node);
  REQUIRE(subject);
  CHECK(subject->stages[0].spec.dump() == fit.spec.dump());
  CHECK(subject->seeds.get("subject") == node.seeds.get("subject"));
  CHECK(cell_at(plan, "poison", "1").stages[2].inputs[5].node == subject->key);
}

TEST_CASE("everything that decides a reduced set's net is in the key of its cell") {
  const auto key = [](const std::string& text, const std::function<void(PlanContext&)>& change = {}) {
    PlanContext world = context();
    if (change) change(world);
    return cell_at(plan_of(text, world), "poison", "1").key;
  };
  const std::string before = key(reduce_text);
  CHECK(key(reduce_text) == before);
  CHECK(key(edit(reduce_text, "name = \"r\"", "name = \"other\"")) == before);
  CHECK(key(edit(reduce_text, "epochs = 3", "epochs = 4")) != before);
  CHECK(key(edit(reduce_text, "limit = 20000", "limit = 20001")) != before);
  CHECK(key(edit(reduce_text, "test = { set = \"fashion-mnist\" }", "test = { set = \"fashion-mnist\", limit = 5 }")) != before);
  CHECK(key(edit(reduce_text, "build = \"lenet\"", "build = \"all-conv\"")) != before);
  CHECK(key(edit(reduce_text, "use = \"poison\"\n", "use = \"poison\"\nparams = { blur = 0.4 }\n")) != before);
  CHECK(key(reduce_text, [](PlanContext& world) { world.plugins.at("poison").sha256 = "another"; }) != before);
}

TEST_CASE("without a target a set keeps its size, and no axis says so") {
  std::string text = edit(reduce_text, "[target]\nkind = \"ratio\"\nvalues = [1, 4]\nrank_at = 4\n", "");
  text = edit(text, "targets = [1]\n", "");
  const Plan plan = plan_of(text);
  for (const Node& node : plan.nodes) {
    if (node.kind != NodeKind::cell) continue;
    CHECK_FALSE(node.axes.has("ratio"));
    CHECK(node.stages[0].spec.at("ratio") == Json("1"));
  }
  CHECK(plan.rank_axes.as_object().empty());
}

TEST_CASE("what a reduce suite cannot do yet is said when it is planned") {
  CHECK_THROWS_WITH_AS(plan_of(edit(reduce_text, "epochs = 3", "epochs = 3, trainer = \"plain-sgd\"")),
                       doctest::Contains("the host's own loop"), Error);
  CHECK_THROWS_WITH_AS(plan_of(edit(reduce_text, "build = \"lenet\"", "build = \"tiny-net\"")),
                       doctest::Contains("expected it in `build`"), Error);
  PlanContext world = context();
  SlotSchema slot;
  slot.name = "model";
  slot.call = "reduce";
  slot.type = "model";
  world.plugins.at("poison").slots.push_back(slot);
  CHECK_THROWS_WITH_AS(plan_of(reduce_text, world), doctest::Contains("it trains a net of its own"), Error);
}
