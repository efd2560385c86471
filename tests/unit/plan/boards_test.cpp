// The boards of robust accuracy that ship: what they promise a reader holds in their files.
#include <doctest/doctest.h>

#include <set>

#include "harness/base/files.hpp"
#include "harness/plan/plan.hpp"

using namespace assay;

namespace {

SuiteSpec board(const std::string& name) { return load_suite(fs::path(ASSAY_SOURCE_DIR) / "suites/attack" / (name + ".toml")); }

// Everything that makes a net, as text.
std::string made_of(const ModelSpec& model) {
  std::string out = model.build ? model.build->value : model.onnx_sha256;
  out += model.params.to_json().dump();
  if (model.train) out += model.train->base.value + model.train->fields.to_json().dump();
  if (model.from) {
    out += model.from->method.value + std::to_string(model.from->members) + model.from->params.to_json().dump();
    for (const auto& one : model.from->models) out += one.value;
  }
  return out;
}

std::vector<std::string> links(const SuiteSpec& suite) {
  std::vector<std::string> out;
  for (const MethodSpec& method : suite.methods)
    for (const LinkSpec& link : method.chain) out.push_back(link.use.value);
  return out;
}

std::set<std::string> recipes(const SuiteSpec& suite) {
  std::set<std::string> out;
  for (const ModelSpec& model : suite.models)
    if (model.train) out.insert(model.train->base.value);
  return out;
}

}  // namespace

TEST_CASE("every board of robust accuracy is judged on 1,000 test images, has a baseline and names its radius") {
  const std::vector<std::pair<std::string, Rational>> boards = {{"cifar10-linf", {8, 255}}, {"cifar10-l2", {1, 2}}, {"mnist-linf", {3, 10}},
                                                                {"fashion-linf", {1, 10}}, {"fashion-linf-attacks", {1, 10}},
                                                                {"transfer-matrix-fashion", {1, 10}}};
  for (const auto& [name, eps] : boards) {
    const SuiteSpec suite = board(name);
    CAPTURE(name);
    CHECK(suite.name.value == name);
    CHECK(suite.data.test->limit == 1000);
    CHECK(suite.data.test->balanced);
    CHECK(suite.threat->eps == std::vector<Rational>{eps});
    CHECK(suite.threat->norm == (name == "cifar10-l2" ? "l2" : "linf"));
    CHECK(suite.methods[0].use.value == "noise");  // rule 4
  }
}

TEST_CASE("boards of nets attack them with AutoAttack standard, link by link, and have the judge go on longer") {
  for (const char* name : {"cifar10-linf", "cifar10-l2", "mnist-linf", "fashion-linf"}) {
    const SuiteSpec suite = board(name);
    CHECK(suite.rank == "subject");
    CHECK(links(suite) == std::vector<std::string>{"apgd-ce", "apgd-t", "fab-t", "square"});
    CHECK(suite.threat->longer == 32);
    for (const char* recipe : {"fast-at", "pgd-at", "trades"}) CHECK(recipes(suite).count(recipe) == 1);
  }
}

TEST_CASE("the CIFAR-10 boards have the same nets, five trained here and one that is given as ONNX") {
  const SuiteSpec linf = board("cifar10-linf"), l2 = board("cifar10-l2");
  REQUIRE(linf.models.size() == l2.models.size());
  for (std::size_t i = 0; i < linf.models.size(); ++i) CHECK(made_of(linf.models[i]) == made_of(l2.models[i]));
  CHECK(linf.threat->victims.size() == 6);
  std::size_t given = 0;
  for (const auto& id : linf.threat->victims) given += linf.model(id.value)->onnx.has_value() ? 1 : 0;
  CHECK(given == 1);
  CHECK(linf.single_run);  // and the board says so
}

TEST_CASE("the transfer matrix is over six architectures") {
  const SuiteSpec suite = board("transfer-matrix-fashion");
  std::set<std::string> architectures;
  for (const ModelSpec& model : suite.models) architectures.insert(model.build->value);
  CHECK(architectures.size() == 6);
  CHECK(suite.threat->matrix);
  CHECK(suite.threat->surrogates.size() == 6);
}

TEST_CASE("the board for new attacks has three seeds and one budget for all [rule 5] [rule 26]") {
  const SuiteSpec suite = board("fashion-linf-attacks");
  CHECK(suite.rank == "method");
  CHECK_FALSE(suite.single_run);
  CHECK(suite.budget.backward_per_sample == 110);
  CHECK(suite.models.size() == 1);
  // Seed 0 of the net is a row of the other board.
  CHECK(made_of(suite.models[0]) == made_of(*board("fashion-linf").model("pgd-at")));
}
