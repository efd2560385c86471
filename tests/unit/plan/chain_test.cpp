// Chains of attacks as plans: a start, a node a link, a cell that judges the whole.
#include <doctest/doctest.h>

#include <algorithm>

#include "harness/base/error.hpp"
#include "tests/unit/plan/suites.hpp"

using namespace assay;
using namespace assay::test;

namespace {

const std::string block = "[[method]]\nuse = \"pgd\"\nparams = { steps = 20, verbose = false }\n";
const std::string chain =
    "[[method]]\nname = \"worst\"\nchain = [\"fgsm\", { use = \"pgd\", params = { steps = 5 } }, \"aim\"]\n";

std::string with(const std::string& methods) { return edit(attack_text, block, methods); }

std::vector<const Node*> labelled(const Plan& plan, const std::string& start) {
  std::vector<const Node*> found;
  for (const Node& node : plan.nodes) {
    if (node.label.rfind(start, 0) == 0) found.push_back(&node);
  }
  return found;
}

std::string source(const Stage& stage, const std::string& name) {
  for (const InputRef& input : stage.inputs) {
    if (input.name == name) return input.node;
  }
  return "";
}

}  // namespace

TEST_CASE("a chain is a start, its links in order, and one cell under its name") {
  const Plan plan = plan_of(with(chain));
  CHECK(count(plan, NodeKind::cell) == 6);  // noise and the chain, three seeds each
  const Node& last = cell(plan, "worst", 1);
  CHECK(last.plugin_id == "aim");
  REQUIRE(last.stages.size() == 2);
  CHECK(last.params == Json::object({{"chain", "fgsm > pgd > aim"}}));
  const Node* second = plan.find(source(last.stages[0], "chain"));
  REQUIRE(second);
  CHECK(source(last.stages[1], "chain") == second->key);
  CHECK(last.stages[1].spec.at("link").at("id") == Json("aim"));
  CHECK(second->kind == NodeKind::prepare);
  CHECK(second->plugin_id == "pgd");
  CHECK(second->stages[0].spec.at("params").at("steps") == Json(5));
  CHECK(second->stages[1].stage == "survivors");
  CHECK_FALSE(second->stages[1].plugin);
  CHECK(second->seeds.get("method") == 1);
  const Node* first = plan.find(source(second->stages[0], "chain"));
  REQUIRE(first);
  CHECK(first->plugin_id == "fgsm");
  const Node* start = plan.find(source(first->stages[0], "chain"));
  REQUIRE(start);
  CHECK(start->plugin_id.empty());
  CHECK(start->stages.size() == 1);
  CHECK(source(start->stages[0], "model:net") == source(last.stages[1], "model:net"));
  for (const Node* link : {first, second, &last}) {  // each needs its certificate [rule 23]
    CHECK(std::any_of(link->needs.begin(), link->needs.end(), [&](const std::string& need) {
      return plan.find(need)->kind == NodeKind::certify && plan.find(need)->plugin_id == link->plugin_id;
    }));
  }
}

TEST_CASE("chains that begin alike share their links, others do not") {
  const std::string other =
      "[[method]]\nname = \"longer\"\nchain = [\"fgsm\", { use = \"pgd\", params = { steps = 5 } }, \"fgsm\", "
      "\"aim\"]\n";
  const Plan plan = plan_of(with(chain + other));
  CHECK(labelled(plan, "fgsm of").size() == 6);  // the first of both, the third of one
  CHECK(labelled(plan, "pgd of").size() == 3);
  CHECK(labelled(plan, "correctly classified").size() == 3);
  const Plan changed = plan_of(with(edit(chain, "steps = 5", "steps = 6")));
  CHECK(cell(changed, "worst", 0).key != cell(plan, "worst", 0).key);
}

TEST_CASE("a chain that stops early goes through its links once a look; the last one's judge counts") {
  const Plan plan = plan_of(with(edit(chain, "name = \"worst\"\n", "name = \"worst\"\nstop = { half_width = \"1/50\", looks = 3 }\n")));
  CHECK(labelled(plan, "fgsm of worst on net, seed 1, look").size() == 3);
  CHECK(labelled(plan, "pgd of worst on net, seed 1, look").size() == 3);
  CHECK(labelled(plan, "aim of worst on net, seed 1, look").size() == 2);  // the third is the cell
  const Node& last = cell(plan, "worst", 1);
  CHECK(last.params == Json::object({{"chain", "fgsm > pgd > aim"}, {"stop", "1/50"}}));
  CHECK(last.stages[0].spec.at("look") == Json::object({{"look", 2}, {"of", 3}, {"half_width", "1/50"}}));
  CHECK(last.stages[1].spec.at("link").at("place") == Json(2));
  // Backwards through links and looks.
  std::string names;
  for (const Node* at = &last; at != nullptr && !at->plugin_id.empty(); at = plan.find(source(at->stages[0], "chain")))
    names += at->plugin_id + std::to_string(at->stages[0].spec.at("look").at("look").as_int()) + " ";
  CHECK(names == "aim2 pgd2 fgsm2 aim1 pgd1 fgsm1 aim0 pgd0 fgsm0 ");
  const Plan whole = plan_of(with(chain));
  CHECK_FALSE(cell(whole, "worst", 1).stages[0].spec.has("look"));
  CHECK(cell(whole, "worst", 1).key != last.key);
}

TEST_CASE("what a chain cannot be is said at its place") {
  const auto refused = [](const std::string& methods, const std::string& what) {
    CHECK_THROWS_WITH_AS(plan_of(with(methods)), doctest::Contains(what.c_str()), Error);
  };
  refused("[[method]]\nchain = [\"fgsm\", \"pgd\"]\n", "name");
  refused("[[method]]\nname = \"c\"\nchain = [\"fgsm\"]\n", "at least two attacks");
  refused("[[method]]\nname = \"c\"\nchain = [\"fgsm\", \"pgdd\"]\n", "did you mean 'pgd'");
  refused("[[method]]\nname = \"c\"\nchain = [\"fgsm\", 3]\n", "a plugin id, or a table");
  refused("[[method]]\nname = \"c\"\nchain = [\"fgsm\", { use = \"pgd\", params = { step = 2 } }]\n", "step");
  const std::string ok = "[[method]]\nname = \"c\"\nchain = [\"fgsm\", \"pgd\"]\n";
  refused(ok + "stop = { half_width = 0.6 }\n", "method.stop.half_width: expected a share above 0 and below 1/2, found 3/5");
  refused(ok + "stop = { looks = 3 }\n", "half_width");
  refused(ok + "stop = { half_width = 0.1, looks = 1 }\n", "looks");
  refused("[[method]]\nuse = \"pgd\"\nstop = { half_width = 0.1 }\n", "unknown key 'stop'");
  refused("[[method]]\nname = \"c\"\nuse = \"pgd\"\nchain = [\"fgsm\", \"pgd\"]\n", "unknown key 'use'");
}
