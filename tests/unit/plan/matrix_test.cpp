// Transfer matrices as plans: every surrogate by itself against every victim.
#include <doctest/doctest.h>

#include <set>

#include "harness/base/error.hpp"
#include "harness/plan/submit.hpp"
#include "tests/unit/plan/suites.hpp"

using namespace assay;
using namespace assay::test;

namespace {

const std::string others = "[[model]]\nid = \"s\"\nbuild = \"lenet\"\n[[model]]\nid = \"t\"\nbuild = \"lenet\"\ntrain = { epochs = 2 }\n";

std::string with(const std::string& keys) {
  return edit(edit(attack_text, "[threat]\n", others + "[threat]\naccess = \"transfer\"\nsurrogates = [\"net\", \"s\"]\n" + keys), "version = 1\n",
              "version = 1\nrank = \"none\"\n");
}

std::string refusal(const std::string& text) {
  try {
    plan_of(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

const Node& of(const Plan& plan, const std::string& source, const std::string& victim) {
  for (const Node& node : plan.nodes)
    if (node.kind == NodeKind::cell && node.method == "pgd" && node.subject == victim && node.axes.get("surrogate", "") == source && node.axes.at("seed") == Json(0))
      return node;
  FAIL("no cell from " << source << " on " << victim);
  return plan.nodes[0];
}

std::set<std::string> nets(const Stage& stage) {
  std::set<std::string> out;
  for (const InputRef& input : stage.inputs)
    if (input.name.rfind("model:", 0) == 0) out.insert(input.name.substr(6));
  return out;
}

}  // namespace

TEST_CASE("a matrix has a cell for each source and victim, each with one surrogate, and its diagonal is marked [rule 27]") {
  const Plan plan = plan_of(with("matrix = true\n"));
  CHECK(count(plan, NodeKind::cell) == 2 * 3 * 3 * 2);  // sources, victims (every model), seeds, methods
  const Node& across = of(plan, "s", "t");
  CHECK(nets(across.stages[0]) == std::set<std::string>{"s"});  // no handle on the victim
  CHECK(across.stages[0].spec.at("surrogates") == Json(std::vector<std::string>{"s"}));
  CHECK(nets(across.stages[1]).count("t") == 1);
  CHECK_FALSE(across.axes.has("diagonal"));
  CHECK(across.label.find("pgd from s on t") == 0);
  CHECK(of(plan, "s", "s").axes.get("diagonal", false));
  CHECK_FALSE(of(plan, "net", "s").axes.has("diagonal"));
  CHECK(plan.protocol.at("threat").get("matrix", false));
}

TEST_CASE("a matrix may name its victims, and a chain goes over its sources too") {
  CHECK(count(plan_of(with("matrix = true\nvictims = [\"t\"]\n")), NodeKind::cell) == 2 * 3 * 2);
  const std::string chain = "[[method]]\nname = \"both\"\nchain = [\"fgsm\", \"pgd\"]\n[limits]\n";
  const Plan plan = plan_of(edit(with("matrix = true\nvictims = [\"t\"]\n"), "[limits]\n", chain));
  std::set<std::string> sources;
  for (const Node& node : plan.nodes)
    if (node.kind == NodeKind::cell && node.method == "both") sources.insert(node.axes.get("surrogate", ""));
  CHECK(sources == std::set<std::string>{"net", "s"});
}

TEST_CASE("without the key a transfer suite keeps its surrogates together, and its protocol says nothing of a matrix") {
  const Plan plan = plan_of(with(""));
  CHECK(count(plan, NodeKind::cell) == 3 * 2);  // on t alone
  CHECK_FALSE(plan.protocol.at("threat").has("matrix"));
  CHECK(plan.protocol_hash != plan_of(with("matrix = true\n")).protocol_hash);
}

TEST_CASE("a matrix that is no transfer, that ranks, or that is asked for foreign inputs is refused") {
  CHECK(refusal(edit(with("matrix = true\n"), "access = \"transfer\"\n", "")).find("expected access = \"transfer\", found \"white-box\"") != std::string::npos);
  CHECK(refusal(edit(with("matrix = true\n"), "rank = \"none\"\n", "")).find("expected suite.rank = \"none\"") != std::string::npos);
  const Plan plan = plan_of(with("matrix = true\n"));
  std::string said;
  try {
    submission_site(plan, "t", 0);
  } catch (const Error& error) {
    said = error.what();
  }
  CHECK(said.find("a transfer matrix has a cell for each source and victim") != std::string::npos);
}
