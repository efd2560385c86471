// Lists that choose classes: what a node is told, what nets have for outputs, and what is in the identity.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/plan/suites.hpp"

using namespace assay;
using namespace assay::test;

namespace {

// The same net for six of ten classes; the other four are the near list.
const std::string near_text = [] {
  std::string text = detect_text;
  const std::string set = "set = \"fashion-mnist\"", known = set + R"(, classes = ["class-0", "class-1", "class-2", "class-3", "class-4", "class-5"])";
  for (std::size_t at = text.find(set); at != std::string::npos; at = text.find(set, at + known.size())) text.replace(at, set.size(), known);
  const std::string list = "ood = [", near = R"({ set = "fashion-mnist", classes = ["class-8", "class-6"], limit = 300, label = "others", group = "near" }, )";
  return text.insert(text.find(list) + list.size(), near);
}();

const Node& made_of(const Plan& plan, const Stage& stage, const std::string& name) {
  const auto found = std::find_if(stage.inputs.begin(), stage.inputs.end(), [&](const InputRef& one) { return one.name == name; });
  REQUIRE_MESSAGE(found != stage.inputs.end(), name);
  const Node* node = plan.find(found->node);
  REQUIRE(node);
  return *node;
}

}  // namespace

TEST_CASE("detect: classes of one set as the near list of others; nets have as many outputs as there are known ones") {
  const Plan plan = plan_of(near_text);
  CHECK(plan.condition == "near:others");
  const Node& knn = cell(plan, "knn", 0);
  const Stage& stream = made_of(plan, knn.stages[0], "stream").stages[0];
  CHECK(stream.inputs.size() == 4);  // known, others, mnist, and what is fitted on
  const Node& others = made_of(plan, stream, "records:others");
  CHECK(others.stages[0].spec.at("classes") == Json(std::vector<std::int64_t>{6, 8}));  // in the catalogue's order
  CHECK(others.label == "prepare fashion-mnist test of class-6, class-8, 300");
  CHECK(made_of(plan, stream, "records:fashion-mnist").label == "prepare fashion-mnist test, 6 of 10 classes, 2000");
  CHECK(made_of(plan, knn.stages[0], "model:net").stages[0].spec.at("classes") == Json(6));
  // All classes have no key, as before lists could choose; order in the suite is no content.
  CHECK_FALSE(plan_of(detect_text).nodes[0].stages[0].spec.has("classes"));
  CHECK(cell(plan_of(edit(near_text, "[\"class-8\", \"class-6\"]", "[\"class-6\", \"class-8\"]")), "knn", 0).key == knn.key);
  CHECK(cell(plan_of(edit(near_text, "[\"class-8\", \"class-6\"]", "[\"class-7\", \"class-8\"]")), "knn", 0).key != knn.key);
}
