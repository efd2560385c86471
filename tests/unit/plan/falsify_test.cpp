// Plans of the falsify task: what a cell is given, what decides its outcome, and what its suites refuse.
#include <doctest/doctest.h>

#include "harness/base/error.hpp"
#include "tests/unit/plan/suites.hpp"

using namespace assay;
using namespace assay::test;

namespace {

std::vector<std::string> names_of(const std::vector<InputRef>& inputs) {
  std::vector<std::string> out;
  for (const InputRef& one : inputs) out.push_back(one.name);
  return out;
}

const Node& cell_of(const Plan& plan, const std::string& method, std::uint64_t seed = 2) {
  for (const Node& node : plan.nodes)
    if (node.kind == NodeKind::cell && node.method == method && node.seeds.get("method") == seed) return node;
  FAIL("no such cell");
  throw Error(Fault::internal, "");
}

}  // namespace

TEST_CASE("falsify: the method gets net and region, the judge also what the host found, which all methods share") {
  const Plan plan = plan_of(falsify_text);
  CHECK(plan.rank_by == "decided_rate");
  CHECK(plan.condition == "eps=3/20");
  const Node &node = cell_of(plan, "verifier"), &other = cell_of(plan, "random-sampling");
  REQUIRE(node.stages.size() == 2);
  const Stage &run = node.stages[0], &judge = node.stages[1];
  CHECK(run.plugin);
  CHECK(names_of(run.inputs) == std::vector<std::string>{"data", "model:net"});
  CHECK(run.spec.at("region").at("elements") == Json(4));
  CHECK_FALSE(run.spec.at("region").has("enumerate"));  // no business of the method's
  CHECK(names_of(judge.inputs) == std::vector<std::string>{"run", "data", "model:net", "truth"});
  CHECK_FALSE(judge.plugin);
  CHECK(judge.inputs[3].node == other.stages[1].inputs[3].node);
  const Node* truth = plan.find(judge.inputs[3].node);
  REQUIRE(truth);
  CHECK(truth->stages[0].stage == "enumerate");
  CHECK_FALSE(truth->stages[0].plugin);
  CHECK(names_of(truth->stages[0].inputs) == std::vector<std::string>{"data", "model:net"});
  CHECK_FALSE(cell_of(plan, "verifier").stages[1].spec.has("examples"));  // of the first seed only
  CHECK(cell_of(plan, "verifier", 0).stages[1].spec.has("examples"));
}

TEST_CASE("a region is in every key and in the protocol; what it is set against judges again and runs nothing") {
  const Plan before = plan_of(falsify_text);
  for (const auto& [from, to] : {std::pair{"eps = \"3/20\"", "eps = \"1/5\""},
                                 {"step = \"1/20\"", "step = \"1/40\""},
                                 {"elements = 4", "elements = 5"}}) {
    const Plan after = plan_of(edit(falsify_text, from, to));
    CHECK(cell_of(after, "verifier").key != cell_of(before, "verifier").key);
    CHECK(after.protocol_hash != before.protocol_hash);
  }
  for (const auto& [from, to] :
       {std::pair{"enumerate = 1000", "enumerate = 2000"}, {"enumerate = 1000", "enumerate = 1000\nfiner = 10"}}) {
    const Plan after = plan_of(edit(falsify_text, from, to));
    CHECK(cell_of(after, "verifier").key == cell_of(before, "verifier").key);
    CHECK(cell_of(after, "verifier").judgement != cell_of(before, "verifier").judgement);
    CHECK(after.protocol_hash != before.protocol_hash);
  }
  const Plan blind = plan_of(edit(falsify_text, "enumerate = 1000\n", ""));
  CHECK(names_of(cell_of(blind, "verifier").stages[1].inputs) == std::vector<std::string>{"run", "data", "model:net"});
}

TEST_CASE("lists are resized together, and only images are") {
  const std::string both = edit(edit(falsify_text, "limit = 20000 }", "limit = 20000, resize = 14 }"), "limit = 100 }",
                                "limit = 100, resize = 14 }");
  const Plan plan = plan_of(both);
  CHECK(cell_of(plan, "verifier").key != cell_of(plan_of(falsify_text), "verifier").key);
  CHECK_THROWS_WITH_AS(plan_of(edit(falsify_text, "limit = 100 }", "limit = 100, resize = 14 }")),
                       doctest::Contains("expected equal shapes"), Error);
}

TEST_CASE("a falsify suite may limit passes, and ranks beside the trivial search [rules 4 and 26]") {
  const Plan plan = plan_of(falsify_text + "[budget]\nforward_per_sample = 500\n");
  CHECK(cell_of(plan, "verifier").stages[0].spec.at("budget").at("forward_per_sample") == Json(500));
  CHECK(plan.protocol_hash != plan_of(falsify_text).protocol_hash);
  CHECK_THROWS_WITH_AS(plan_of(edit(falsify_text, "[[method]]\nuse = \"random-sampling\"\n", "")),
                       doctest::Contains("random-sampling"), Error);
}
