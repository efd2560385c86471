// The suites that ship: they parse, they plan, they share their nets, and they keep to their budget.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "harness/base/files.hpp"
#include "tests/unit/plan/suites.hpp"

using namespace assay;
using namespace assay::test;

namespace {

PlanContext quickstart_world() {
  PlanContext world = context();
  for (const Descriptor& one : {plugin("mi-fgsm", "attack", {param("steps", "int", 10, 1, 1000)}), plugin("energy", "detector"),
                                plugin("mahalanobis", "detector"), plugin("mc-dropout", "ensemble"), plugin("magnitude-layer", "compressor")})
    world.plugins.emplace(one.id, one);
  // Names and ranges as the host's zoo and recipes declare them, and their multiply-adds.
  world.zoo["all-conv"] = {"all-conv", {param("width", "int", 16, 1, 512), param("depth", "int", 2, 1, 16), param("dropout", "real", 0.0, 0, 0.9)}};
  world.zoo["lenet"] = {"lenet", {param("width", "int", 1, 1, 16), param("dropout", "real", 0.0, 0, 0.9)}};
  world.macs = [](const Json& net) { return net.at("arch") == Json("all-conv") ? 2'042'560.0 : 416'520.0; };
  world.metrics = {};
  return world;
}

Plan load(const std::string& name) {
  return make_plan(load_suite(fs::path(ASSAY_SOURCE_DIR) / "suites/quickstart" / (name + ".toml")), quickstart_world());
}

std::set<std::string> trained(const Plan& plan) {
  std::set<std::string> out;
  for (const Node& node : plan.nodes)
    if (node.kind == NodeKind::train) out.insert(node.key);
  return out;
}

}  // namespace

TEST_CASE("quickstart suites plan the cells that they promise") {
  CHECK(count(load("attacks"), NodeKind::cell) == 3 * 4);
  CHECK(count(load("ood"), NodeKind::cell) == 3 * 5);
  CHECK(count(load("ensembles"), NodeKind::cell) == 3 * 3);
  CHECK(count(load("ensembles"), NodeKind::train) == 3 * 4);
  CHECK(count(load("pruners"), NodeKind::cell) == 3 * (1 + 4 * 5));
  CHECK(load("attacks").condition == "eps=1/10");
  CHECK(load("ood").condition == "far:mnist");
}

TEST_CASE("attacks, ood and pruners share three nets") {
  const std::set<std::string> nets = trained(load("attacks"));
  CHECK(nets.size() == 3);
  CHECK(trained(load("ood")) == nets);
  CHECK(trained(load("pruners")) == nets);
}

TEST_CASE("all four suites fit into twelve minutes on two cores, shared nets counted once") {
  double seconds = 0;
  std::set<std::string> done;
  for (const char* name : {"attacks", "ood", "ensembles", "pruners"})
    for (const Node& node : load(name).nodes)
      if (done.insert(node.key).second) seconds += node.cost_seconds;
  MESSAGE("estimated core seconds: " << seconds);
  CHECK(seconds / 2 < 12 * 60);
}

TEST_CASE("every quickstart suite states claims and has three seeds [rule 5]") {
  for (const char* name : {"attacks", "ood", "ensembles", "pruners"}) {
    const SuiteSpec suite = load_suite(fs::path(ASSAY_SOURCE_DIR) / "suites/quickstart" / (std::string(name) + ".toml"));
    CHECK(suite.claims.size() >= 2);
    CHECK_FALSE(suite.single_run);
  }
}

TEST_CASE("a pruning suite has at least five compression points and the unpruned one [rule 36]") {
  std::set<std::string> ratios;
  for (const Node& node : load("pruners").nodes)
    if (node.kind == NodeKind::cell) ratios.insert(node.axes.get("ratio", ""));
  CHECK(ratios.count("1") == 1);
  CHECK(ratios.size() >= 6);
}
