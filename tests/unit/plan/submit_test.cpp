// Submissions: a cell that only a judge sees, at the place of a suite's cell; templates give what methods are given.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/plan/submit.hpp"
#include "tests/unit/plan/suites.hpp"

using namespace assay;
using namespace assay::test;

namespace {

const Submission brought{"mine", "/tmp/outputs", std::string(64, 'a'), std::string(64, 'b')};

std::string error_of(const auto& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::set<std::string> names(const Stage& stage) {
  std::set<std::string> out;
  for (const InputRef& input : stage.inputs) out.insert(input.name);
  return out;
}

using Names = std::set<std::string>;

// Every need stands before the node that has it.
void check_order(const Plan& plan) {
  std::set<std::string> done;
  for (const Node& node : plan.nodes) {
    for (const std::string& need : node.needs) CHECK(done.count(need) == 1);
    done.insert(node.key);
  }
}

Plan submitted(const std::string& text, const Submission& what = brought) {
  const Plan suite = plan_of(text);
  return submission_plan(suite, submission_site(suite, "", std::nullopt), what);
}

}  // namespace

TEST_CASE("a submission is judged like the suite's own cells, and no plugin is in sight") {
  const Plan suite = plan_of(attack_text);
  const Plan plan = submission_plan(suite, submission_site(suite, "net", 1), brought);
  check_order(plan);
  const Node& node = plan.nodes.back();
  const Node& own = cell(suite, "pgd", 1);
  REQUIRE(node.stages.size() == 1);
  CHECK(node.stages[0].stage == "judge");
  CHECK(names(node.stages[0]) == Names{"run", "data", "model:net"});
  for (const InputRef& input : node.stages[0].inputs) CHECK((input.name == "run") == (input.path == "/tmp/outputs"));
  CHECK(node.stages[0].spec.at("method").get("submitted", false));
  CHECK_FALSE(node.stages[0].plugin);
  CHECK(node.plugin_path.empty());
  CHECK(node.plugin_version == submitted_version);
  CHECK(node.judgement == own.judgement);
  CHECK(node.seeds.values == own.seeds.values);
  CHECK(plan.protocol_hash == suite.protocol_hash);
  CHECK(plan.claims.empty());
  CHECK(plan.suite == "submitted: a: mine on net, seed 1");
  CHECK(plan.nodes.size() < suite.nodes.size());
}

TEST_CASE("the cell's identity is the file and the place; the row's is the name") {
  const Plan first = submitted(attack_text);
  Submission other = brought;
  other.outputs_sha256 = std::string(64, 'c');
  const Plan second = submitted(attack_text, other);
  CHECK(first.nodes.back().key != second.nodes.back().key);
  CHECK(first.nodes.back().plugin_sha256 == second.nodes.back().plugin_sha256);
  CHECK(first.suite == second.suite);  // the later one takes the place of the earlier
  Submission moved = brought;
  moved.shard = "/elsewhere";
  CHECK(submitted(attack_text, moved).nodes.back().key == first.nodes.back().key);
}

TEST_CASE("submissions to detect and predict") {
  CHECK(names(submitted(detect_text).nodes.back().stages[0]) == Names{"run", "truth", "stream", "model:net"});
  const Plan plan = submitted(predict_text);
  CHECK(names(plan.nodes.back().stages[0]) == Names{"model_outputs", "test"});
  CHECK(count(plan, NodeKind::train) == 0);  // nothing is trained to judge answers
}

TEST_CASE("where the suite has a chain, a submission and a template take no part of it") {
  const std::string chained = edit(attack_text, "[[method]]\nuse = \"noise\"\n",
                                   "[[method]]\nname = \"first\"\nchain = [\"pgd\", { use = \"pgd\", params = { steps = 40 } }]\n"
                                   "[[method]]\nuse = \"noise\"\n");
  const Plan suite = plan_of(chained);
  const Node& site = submission_site(suite, "", 0);
  const Plan plan = submission_plan(suite, site, brought);
  CHECK(names(plan.nodes.back().stages[0]) == Names{"run", "data", "model:net"});
  CHECK_FALSE(plan.nodes.back().stages[0].spec.has("link"));
  const Plan given = template_plan(suite, site);
  CHECK(names(given.nodes.back().stages[0]) == Names{"data", "model:net"});
  CHECK(given.nodes.size() == submission_plan(plan_of(attack_text), submission_site(plan_of(attack_text), "", 0), brought).nodes.size());
}

TEST_CASE("a submission that has no place, or the name of another, is told so") {
  const Plan suite = plan_of(attack_text);
  CHECK(error_of([&] { submission_site(suite, "nett", std::nullopt); }) == "--subject: unknown model 'nett'; did you mean 'net'?");
  CHECK(error_of([&] { submission_site(suite, "", 7); }) == "--seed: the suite has no seed 7; expected one of 0, 1, 2");
  const auto named = [&](const std::string& name) {
    Submission one = brought;
    one.method = name;
    return error_of([&] { submission_plan(suite, submission_site(suite, "", 0), one); });
  };
  CHECK(named("pgd").find("a method of the suite itself") != std::string::npos);
  CHECK(named("a b").find("expected letters") != std::string::npos);
  CHECK(named("") != "");
  CHECK(named("mine").empty());
  const Plan compress = plan_of(compress_text);
  CHECK(error_of([&] { submission_site(compress, "", std::nullopt); }).find("judged by the model itself") != std::string::npos);
  const Plan two = plan_of(edit(attack_text, "[threat]", "[[model]]\nid = \"other\"\nbuild = \"lenet\"\ntrain = { epochs = 1 }\n[threat]"));
  CHECK(error_of([&] { submission_site(two, "", std::nullopt); }).find("expected one of net, other") != std::string::npos);
}

TEST_CASE("a template holds what the task's methods are given, and the truth of detection never") {
  const auto made = [](const std::string& text) {
    const Plan suite = plan_of(text);
    const Plan plan = template_plan(suite, submission_site(suite, "", 0));
    check_order(plan);
    CHECK(plan.nodes.back().stages[0].stage == "template");
    CHECK(plan.nodes.back().keep_outputs);
    return names(plan.nodes.back().stages[0]);
  };
  CHECK(made(attack_text) == Names{"data", "model:net"});
  CHECK(made(detect_text) == Names{"fit", "stream", "model:net"});
  const Names predict = made(predict_text);
  CHECK(predict.count("test") == 1);
  CHECK(predict.size() == 5);  // and four members
}
