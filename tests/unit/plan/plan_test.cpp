// The shape of plans: which nodes, which stages and inputs (the contract of harness/record/job.hpp), order, sharing.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "tests/unit/plan/suites.hpp"

using namespace assay;
using namespace assay::test;

namespace {

std::vector<std::string> input_names(const Stage& stage) {
  std::vector<std::string> names;
  for (const InputRef& input : stage.inputs) names.push_back(input.name);
  return names;
}

std::vector<std::string> stage_names(const Node& node) {
  std::vector<std::string> names;
  for (const Stage& stage : node.stages) names.push_back(stage.stage);
  return names;
}

using Names = std::vector<std::string>;

const InputRef& input(const Stage& stage, const std::string& name) {
  for (const InputRef& one : stage.inputs)
    if (one.name == name) return one;
  FAIL("no input " << name);
  return stage.inputs.front();
}

std::set<std::string> keys(const Plan& plan, NodeKind kind) {
  std::set<std::string> out;
  for (const Node& node : plan.nodes)
    if (node.kind == kind) out.insert(node.key);
  return out;
}

void check_sound(const Plan& plan) {
  std::set<std::string> done;
  for (const Node& node : plan.nodes) {
    CAPTURE(node.label);
    for (const std::string& need : node.needs) CHECK(done.count(need) == 1);  // topological order
    CHECK(done.insert(node.key).second);                                      // unique keys
    CHECK(node.cost_seconds > 0);
    Names earlier;
    for (const Stage& stage : node.stages) {
      for (const InputRef& one : stage.inputs) {
        const int set = (one.path.empty() ? 0 : 1) + (one.node.empty() ? 0 : 1) + (one.stage.empty() ? 0 : 1);
        CHECK(set == 1);
        if (!one.node.empty()) CHECK(std::count(node.needs.begin(), node.needs.end(), one.node) == 1);
        if (!one.stage.empty()) CHECK(std::count(earlier.begin(), earlier.end(), one.stage) == 1);
        if (!one.path.empty()) CHECK_FALSE(one.sha256.empty());
      }
      if (stage.plugin) CHECK_FALSE(node.plugin_path.empty());
      if (stage.stage == "judge" || stage.stage == "finetune" || stage.stage == "train" || stage.stage == "time") CHECK_FALSE(stage.plugin);
      CHECK(stage.alone == (stage.stage == "time"));  // rule 40
      earlier.push_back(stage.stage);
    }
    const std::string last = plan.task == "compress" ? "time" : "judge";
    if (node.kind == NodeKind::cell) CHECK(stage_names(node).back() == last);
  }
}

}  // namespace

TEST_CASE("plans of all tasks are sound") {
  for (const std::string& text : {attack_text, detect_text, predict_text, compress_text, reduce_text, falsify_text}) check_sound(plan_of(text));
}

TEST_CASE("attack: nodes, stages, inputs and specification") {
  const Plan plan = plan_of(attack_text);
  CHECK(count(plan, NodeKind::prepare) == 2);
  CHECK(count(plan, NodeKind::train) == 3);
  CHECK(count(plan, NodeKind::certify) == 1);  // the baseline is exempt
  CHECK(count(plan, NodeKind::cell) == 6);
  CHECK(plan.condition == "eps=8/255");
  CHECK(plan.rank_by == "robust_accuracy");
  CHECK(plan.series == "attack/a");

  const Node& pgd = cell(plan, "pgd", 2);
  CHECK(stage_names(pgd) == Names{"run", "judge"});
  CHECK(input_names(pgd.stages[0]) == Names{"data", "model:net"});
  CHECK(input_names(pgd.stages[1]) == Names{"run", "data", "model:net"});
  CHECK(input(pgd.stages[1], "run").file == "shard");
  CHECK(input(pgd.stages[0], "model:net").file == "model.safetensors");
  const Json& spec = pgd.stages[0].spec;
  CHECK(spec.at("threat").at("eps") == Json(Json::Array{"0", "8/255"}));
  CHECK(spec.at("victim") == Json("net"));
  CHECK(spec.at("params").at("steps") == Json(20));
  CHECK(spec.at("params").has("verbose"));
  CHECK_FALSE(pgd.identity.at("params").has("verbose"));
  CHECK(pgd.stages[1].spec.at("method").at("iterative") == Json(true));
  CHECK(pgd.stages[1].spec.at("metrics").size() == 2);
  CHECK(pgd.memory_mb == 2000);
  CHECK(pgd.subject == "net");

  const Node* train = plan.find(input(pgd.stages[0], "model:net").node);
  REQUIRE(train);
  CHECK(stage_names(*train) == Names{"train"});
  CHECK(train->seeds.get("subject") == 2);
  CHECK(train->stages[0].spec.at("recipe").at("epochs") == Json(3));
  CHECK(train->stages[0].spec.at("recipe").at("batch") == Json(128));
  CHECK(train->stages[0].spec.at("build").at("params").at("width") == Json(32));
  CHECK(train->stages[0].spec.at("classes") == Json(10));
}

TEST_CASE("the judge of an attack keeps pictures for the suite's first seed at the radius that ranks; no key knows of them") {
  const Plan plan = plan_of(attack_text);
  const Stage judge = cell(plan, "pgd", 0).stages[1];
  CHECK(judge.spec.at("examples").at("eps") == Json("8/255"));
  CHECK(judge.spec.at("examples").at("each").as_int() > 0);
  CHECK_FALSE(cell(plan, "pgd", 1).stages[1].spec.has("examples"));
  CHECK_FALSE(cell(plan, "pgd", 0).stages[0].spec.has("examples"));
  const Plan later = plan_of(edit(attack_text, "seeds = [0, 1, 2]", "seeds = [1, 0, 2]"));
  CHECK(cell(later, "pgd", 1).stages[1].spec.has("examples"));
  CHECK_FALSE(cell(later, "pgd", 0).stages[1].spec.has("examples"));
  for (const std::int64_t seed : {0, 1}) {
    CHECK(cell(later, "pgd", seed).key == cell(plan, "pgd", seed).key);
    CHECK(cell(later, "pgd", seed).judgement == cell(plan, "pgd", seed).judgement);
  }
}

TEST_CASE("a certificate is needed by every cell of a method that is no baseline [rule 4]") {
  const Plan plan = plan_of(attack_text);
  const std::string certificate = *keys(plan, NodeKind::certify).begin();
  const auto needs = [&](const char* method) {
    const Node& node = cell(plan, method, 0);
    return std::count(node.needs.begin(), node.needs.end(), certificate);
  };
  CHECK(needs("pgd") == 1);
  CHECK(needs("noise") == 0);
  CHECK(cell(plan, "noise", 0).baseline);
}

TEST_CASE("transfer: the run gets surrogates only, the judge the victim; a victim that is its own surrogate is marked [rule 27]") {
  const std::string models = "[[model]]\nid = \"s\"\nbuild = \"lenet\"\n[threat]\naccess = \"transfer\"\nsurrogates = [\"s\"]\n";
  const Plan plan = plan_of(edit(attack_text, "[threat]\n", models));
  const Node& pgd = cell(plan, "pgd", 0);
  CHECK(input_names(pgd.stages[0]) == Names{"data", "model:s"});
  CHECK(input_names(pgd.stages[1]) == Names{"run", "data", "model:net"});
  CHECK_FALSE(pgd.axes.has("diagonal"));
  const Plan both = plan_of(edit(attack_text, "[threat]\n", models + "victims = [\"s\"]\n"));
  CHECK(cell(both, "pgd", 0).axes.has("diagonal"));
}

TEST_CASE("a longer attack of the judge's judges white-box cells again and runs nothing [rule 21]") {
  const Plan plain = plan_of(attack_text), longer = plan_of(edit(attack_text, "[threat]\n", "[threat]\nlonger = 16\n"));
  const Node &before = cell(plain, "pgd", 0), &after = cell(longer, "pgd", 0);
  CHECK(after.stages[1].spec.at("longer") == Json(16));
  CHECK_FALSE(before.stages[1].spec.has("longer"));
  CHECK_FALSE(after.stages[0].spec.has("longer"));
  CHECK(after.key == before.key);
  CHECK(after.judgement != before.judgement);
  const std::string scores = "[threat]\naccess = \"score\"\nlonger = 16\n";
  const Plan scored = plan_of(edit(attack_text, "[threat]\n", scores));
  CHECK_FALSE(cell(scored, "pgd", 0).stages[1].spec.has("longer"));
}

TEST_CASE("detect: one stream for all seeds, a fit list, truth only for the judge [rule 28] [rule 32]") {
  const Plan plan = plan_of(detect_text);
  CHECK(count(plan, NodeKind::prepare) == 5);  // train, fit, test, ood, stream
  CHECK(plan.condition == "far:mnist");
  const Node& knn = cell(plan, "knn", 1);
  CHECK(input_names(knn.stages[0]) == Names{"fit", "stream", "model:net"});
  CHECK(input_names(knn.stages[1]) == Names{"run", "truth", "stream", "model:net"});
  CHECK(input(knn.stages[1], "truth").file == "truth.safetensors");
  CHECK(input(knn.stages[0], "stream").node == input(cell(plan, "knn", 0).stages[0], "stream").node);
  const Node* stream = plan.find(input(knn.stages[0], "stream").node);
  REQUIRE(stream);
  CHECK(stream->stages[0].spec.at("ood").at(std::size_t{0}) == Json::object({{"label", "mnist"}, {"group", "far"}}));
  CHECK(stream->stages[0].spec.at("id") == Json("fashion-mnist"));
  CHECK(input_names(stream->stages[0]) == Names{"records:fashion-mnist", "records:mnist", "records:#fit"});
}

TEST_CASE("predict: members have seeds of their own, and methods may take the first few") {
  const Plan plan = plan_of(predict_text);
  CHECK(count(plan, NodeKind::train) == 12);
  const Node& ensemble = cell(plan, "deep-ensemble", 2);
  CHECK(input_names(ensemble.stages[0]) == Names{"model:net.0", "model:net.1", "model:net.2", "model:net.3"});
  CHECK(ensemble.stages[0].spec.at("members") == Json(Json::Array{"net.0", "net.1", "net.2", "net.3"}));
  CHECK(plan.find(input(ensemble.stages[0], "model:net.3").node)->seeds.get("subject") == 2003);
  CHECK(input_names(ensemble.stages[1]) == Names{"run", "model", "test", "model:net.0", "model:net.1", "model:net.2", "model:net.3"});
  CHECK(input_names(cell(plan, "single", 2).stages[0]) == Names{"model:net.0"});
  CHECK(input(ensemble.stages[1], "model").stage == "run");
}

TEST_CASE("predict: trainers and architectures get the train list and never the test list [rule 10]") {
  const Plan plan = plan_of(predict_text + "[[method]]\nuse = \"plain-sgd\"\n[[method]]\nuse = \"tiny-net\"\nparams = { width = 5 }\n");
  check_sound(plan);
  for (const char* method : {"plain-sgd", "tiny-net"}) {
    const Node& node = cell(plan, method, 0);
    CHECK(input_names(node.stages[0]) == Names{"train"});
    CHECK(input_names(node.stages[1]) == Names{"run", "model", "test"});
  }
  CHECK(cell(plan, "plain-sgd", 0).stages[0].spec.at("build").at("arch") == Json("lenet"));
  CHECK(cell(plan, "tiny-net", 0).stages[0].spec.at("build") ==
        Json::object({{"arch", "tiny-net"}, {"params", Json::object({{"width", 5}})}}));
}

TEST_CASE("compress: run, finetune by the same recipe for all, judge [rule 37] [rule 38]") {
  const Plan plan = plan_of(compress_text);
  CHECK(count(plan, NodeKind::cell) == 3 * (1 + 2 + 2));
  CHECK(plan.condition == "test");
  CHECK(plan.rank_axes == Json::object({{"ratio", "8"}}));
  const Node& node = cell(plan, "magnitude-global", 0, "8");
  CHECK(stage_names(node) == Names{"run", "finetune", "judge", "time"});
  CHECK(input_names(node.stages[0]) == Names{"model:net", "train"});
  CHECK(input_names(node.stages[1]) == Names{"model", "train"});
  CHECK(input_names(node.stages[2]) == Names{"run", "model", "compressed", "model:net", "test"});
  CHECK(input(node.stages[2], "model").stage == "finetune");
  CHECK(input(node.stages[2], "compressed").stage == "run");
  CHECK(node.stages[0].spec.at("target") == Json::object({{"kind", "ratio"}, {"value", "8"}}));
  CHECK(cell(plan, "no-pruning", 0, "1").stages[1].spec == node.stages[1].spec);
  const Plan bare = plan_of(edit(compress_text, "[finetune]\nepochs = 1\n", ""));
  CHECK(input(cell(bare, "magnitude-global", 0, "8").stages[1], "model").stage == "run");
}

TEST_CASE("suites that ask for the same net share its node; so do models of one suite") {
  CHECK(keys(plan_of(attack_text), NodeKind::train) == keys(plan_of(detect_text), NodeKind::train));
  const std::string twin = "[[model]]\nid = \"twin\"\nbuild = \"all-conv\"\ntrain = { epochs = 4 }\n"
                           "[[model]]\nid = \"triplet\"\nbuild = \"all-conv\"\ntrain = { epochs = 4, lr = 0.1 }\n";
  // twin and triplet are one net; cells on them would be the same, so only one of them may be a victim
  const Plan twice = plan_of(edit(attack_text, "[threat]\n", twin + "[threat]\nvictims = [\"net\", \"twin\"]\nsurrogates = [\"triplet\"]\n"));
  CHECK(count(twice, NodeKind::train) == 6);
}

TEST_CASE("a model made from another is a node with the method's stages") {
  const std::string small = "[[model]]\nid = \"small\"\nfrom = { method = \"magnitude-global\", model = \"net\", params = { ratio = 8 } }\n"
                            "[[model]]\nid = \"smaller\"\nfrom = { method = \"l1-filter\", model = \"small\", params = { ratio = \"3/2\" } }\n"
                            "[finetune]\nrecipe = \"quick\"\n[threat]\n";
  const Plan plan = plan_of(edit(attack_text, "[threat]\n", small));
  check_sound(plan);
  CHECK(count(plan, NodeKind::train) == 9);
  CHECK(count(plan, NodeKind::cell) == 18);
  for (const Node& node : plan.nodes)
    if (node.kind == NodeKind::cell && node.subject == "smaller" && node.method == "pgd") {
      const Node* derived = plan.find(input(node.stages[0], "model:smaller").node);
      REQUIRE(derived);
      CHECK(stage_names(*derived) == Names{"run", "finetune"});
      CHECK(derived->plugin_id == "l1-filter");
      CHECK(derived->stages[0].spec.at("target").at("value") == Json("3/2"));
      CHECK(derived->stages[0].spec.at("model") == Json("small"));
    }
}

TEST_CASE("an ensemble is a subject of any task: nets of one block with seeds of their own, or several blocks") {
  const std::string made = "[[model]]\nid = \"small\"\nfrom = { method = \"magnitude-global\", model = \"net\", params = { ratio = 8 } }\n"
                           "[[model]]\nid = \"three\"\nfrom = { method = \"deep-ensemble\", model = \"small\", members = 3 }\n"
                           "[[model]]\nid = \"mixed\"\nfrom = { method = \"deep-ensemble\", models = [\"net\", \"small\"] }\n[threat]\n";
  const Plan plan = plan_of(edit(attack_text, "[threat]\n", made));
  check_sound(plan);
  const auto victim_of = [&](const std::string& subject) {
    for (const Node& node : plan.nodes)
      if (node.kind == NodeKind::cell && node.subject == subject && node.method == "pgd" && node.seeds.get("method") == 2)
        return plan.find(input(node.stages[0], "model:" + subject).node);
    return static_cast<const Node*>(nullptr);
  };
  const Node* three = victim_of("three");
  REQUIRE(three);
  CHECK((three->plugin_id == "deep-ensemble" && three->kind == NodeKind::train));
  CHECK(input_names(three->stages[0]) == Names{"model:small.0", "model:small.1", "model:small.2"});
  CHECK(three->stages[0].spec.at("members") == Json(Json::Array{"small.0", "small.1", "small.2"}));
  CHECK(three->identity.at("members").size() == 3);
  const Node* pruned = plan.find(input(three->stages[0], "model:small.1").node);
  REQUIRE(pruned);
  CHECK((pruned->plugin_id == "magnitude-global" && pruned->seeds.get("subject") == 2001));
  CHECK(plan.find(pruned->identity.at("model").as_string())->seeds.get("subject") == 2001);  // a net of its own, pruned

  const Node* mixed = victim_of("mixed");
  REQUIRE(mixed);
  CHECK(input_names(mixed->stages[0]) == Names{"model:net", "model:small"});
  // The very nets that are attacked by themselves.
  CHECK(input(mixed->stages[0], "model:net").node == victim_of("net")->key);
  CHECK(input(mixed->stages[0], "model:small").node == victim_of("small")->key);
  CHECK(mixed->cost_seconds > 0);
  // What it was made of changes its key, down to the nets that the members were pruned from.
  const Plan longer = plan_of(edit(edit(attack_text, "epochs = 3", "epochs = 4"), "[threat]\n", made));
  const auto keys_before = keys(plan, NodeKind::train);
  for (const std::string& key : keys(longer, NodeKind::train)) CHECK(keys_before.count(key) == 0);
}

TEST_CASE("an ensemble that trains gets the training set, as a subject and as a method; others do not") {
  const auto trains = [](PlanContext context) {
    Descriptor method = plugin("deep-ensemble", "ensemble", {param("epochs", "int", 8, 1, 100)});
    method.slots = {{"train", "combine", "records", "training set", false, false, true, {}}};
    context.plugins[method.id] = method;
    return context;
  };
  const std::string pair = "[[model]]\nid = \"pair\"\nfrom = { method = \"deep-ensemble\", model = \"net\", members = 2 }\n[threat]\n";
  const std::string text = edit(attack_text, "[threat]\n", pair);
  const auto ensemble_of = [](const Plan& plan) {
    for (const Node& node : plan.nodes)
      if (node.kind == NodeKind::train && node.plugin_id == "deep-ensemble") return &node;
    return static_cast<const Node*>(nullptr);
  };
  const Plan combined = plan_of(text), trained = plan_of(text, trains(context()));
  REQUIRE((ensemble_of(combined) && ensemble_of(trained)));
  CHECK(input_names(ensemble_of(combined)->stages[0]) == Names{"model:net.0", "model:net.1"});
  CHECK_FALSE(ensemble_of(combined)->identity.has("train"));
  check_sound(trained);
  CHECK(input_names(ensemble_of(trained)->stages[0]) == Names{"model:net.0", "model:net.1", "train"});
  CHECK(ensemble_of(trained)->identity.at("train") == Json(input(ensemble_of(trained)->stages[0], "train").node));
  CHECK(ensemble_of(trained)->cost_seconds > 2 * ensemble_of(combined)->cost_seconds);

  const Plan cells = plan_of(predict_text, trains(context()));
  const Node& as_method = cell(cells, "deep-ensemble", 1);
  CHECK(as_method.identity.has("train"));
  CHECK(as_method.stages[0].inputs.back().name == "train");
  for (const InputRef& one : as_method.stages[1].inputs) CHECK(one.name != "train");
  CHECK_FALSE(cell(cells, "single", 1).identity.has("train"));
}

TEST_CASE("suites of other tasks take what a method returned, too") {
  const std::string pair = "[[model]]\nid = \"pair\"\nfrom = { method = \"deep-ensemble\", model = \"net\", members = 2 }\n[[method]]\nuse = \"random-score\"";
  const Plan detect = plan_of(edit(detect_text, "[[method]]\nuse = \"random-score\"", pair));
  check_sound(detect);
  CHECK(count(detect, NodeKind::train) == 3 * (1 + 2 + 1) - 2);  // the members of seed 0 are the nets of seeds 0 and 1
  // In a predict suite the members are the nets that its own methods combine.
  const std::string four = "[[model]]\nid = \"four\"\nfrom = { method = \"deep-ensemble\", model = \"net\" }\n[[method]]\nuse = \"single\"";
  const Plan predict = plan_of(edit(predict_text, "[[method]]\nuse = \"single\"", four));
  CHECK(count(predict, NodeKind::train) == 3 * (4 + 1));
}

TEST_CASE("a trainer or an architecture plugin makes a subject in a run stage") {
  const Plan trained = plan_of(edit(attack_text, "epochs = 3", "epochs = 3, trainer = \"plain-sgd\", params = { rate = \"1/2\" }"));
  const Node* node = trained.find(input(cell(trained, "pgd", 0).stages[0], "model:net").node);
  REQUIRE(node);
  CHECK(node->plugin_id == "plain-sgd");
  CHECK(node->stages[0].stage == "run");
  CHECK(node->stages[0].spec.at("role") == Json("trainer"));
  CHECK(node->stages[0].spec.at("params").at("rate") == Json("1/2"));
  const Plan built = plan_of(edit(attack_text, "build = \"all-conv\"", "build = \"tiny-net\""));
  const Node* net = built.find(input(cell(built, "pgd", 0).stages[0], "model:net").node);
  REQUIRE(net);
  CHECK(net->stages[0].spec.at("role") == Json("architecture"));
  CHECK(net->stages[0].spec.at("recipe").at("epochs") == Json(3));
}

TEST_CASE("a grid is the product of its axes") {
  const Plan plan = plan_of(edit(attack_text, "params = { steps = 20, verbose = false }", "grid = { steps = [1, 20], step_size = [\"1/40\", \"1/20\", 0.1] }"));
  std::set<std::string> points;
  for (const Node& node : plan.nodes)
    if (node.method == "pgd") points.insert(node.axes.at("steps").dump() + node.axes.at("step_size").dump());
  CHECK(points.size() == 6);
  CHECK(count(plan, NodeKind::cell) == 3 + 18);
}

TEST_CASE("filter keeps the cells asked for and what they need") {
  const Plan plan = plan_of(compress_text);
  const Plan part = filter(plan, {{"method", "magnitude-global"}, {"ratio", "8"}, {"seed", "0"}, {"seed", "2"}});
  check_sound(part);
  CHECK(count(part, NodeKind::cell) == 2);
  CHECK(count(part, NodeKind::train) == 2);
  CHECK(count(part, NodeKind::prepare) == 2);
  CHECK(part.protocol_hash == plan.protocol_hash);
  CHECK(filter(plan, {}).nodes.size() == plan.nodes.size());
  CHECK(count(filter(plan, {{"model", "net"}}), NodeKind::cell) == count(plan, NodeKind::cell));
  CHECK_THROWS_WITH(filter(plan, {{"metod", "x"}}), "--only metod: unknown key; did you mean 'method'?");
  CHECK_THROWS_WITH(filter(plan, {{"method", "magnitude-globl"}}),
                    "--only method=magnitude-globl: no cell of suite 'c' has it; did you mean 'magnitude-global'?");
  CHECK_THROWS_AS(filter(plan, {{"method", "no-pruning"}, {"ratio", "8"}}), Error);
}

TEST_CASE("estimates add up over what is not done") {
  const Plan plan = plan_of(attack_text);
  const double all = estimated_seconds(plan);
  CHECK(all > 0);
  const Node& node = plan.nodes.back();
  CHECK(estimated_seconds(plan, {node.key}) == doctest::Approx(all - node.cost_seconds));
}

TEST_CASE("a claim names the task's metrics and the plan's own methods, axes and values") {
  const auto text = [](const std::string& rest) { return attack_text + "[[claim]]\nid = \"c\"\nsays = \"s\"\ngate = false\n" + rest; };
  const Plan plan = plan_of(text("expect = \"mean(robust_accuracy, seed='1') < 1/2\"\ngiven = \"mean(robust_accuracy) > 0\"\npower = 0.9\n"));
  CHECK(plan.claims.at(0).expect == "mean(robust_accuracy, seed='1') < 1/2");
  CHECK(plan.claims.at(0).given == "mean(robust_accuracy) > 0");
  CHECK(plan.claims.at(0).power == 0.9);
  CHECK_FALSE(plan.claims.at(0).gate);
  CHECK_THROWS_WITH(plan_of(text("expect = \"mean(robust_acuracy) < 1/2\"\n")),
                    "suite.toml:28:10: claim 'c', expect, column 6: unknown metric 'robust_acuracy'; did you mean 'robust_accuracy'?");
  CHECK_THROWS_WITH(plan_of(text("expect = \"mean(robust_accuracy, seed='9') < 1/2\"\n")),
                    doctest::Contains("claim 'c', expect, column 23: no cell has seed='9'"));
  CHECK_THROWS_WITH(plan_of(text("expect = \"mean(robust_accuracy) < 1\"\ngiven = \"all(sede, mean(robust_accuracy) < 1)\"\n")),
                    "suite.toml:29:9: claim 'c', given, column 5: unknown axis 'sede'; did you mean 'seed'?");
}

TEST_CASE("a suite may cap the instruction set") {
  const Plan plan = plan_of(attack_text + "[numerics]\nisa = \"avx2\"\nthreads = 2\nbatch = 16\n");
  for (const Node& node : plan.nodes) {
    CHECK(node.numerics.isa == "avx2");
    CHECK(node.numerics.threads == 2);
    CHECK(node.numerics.batch == 16);
  }
}

TEST_CASE("estimates follow the net: ten times the multiply-adds, about ten times the seconds; keys do not") {
  PlanContext world = context();
  const double scale = 10;
  const Plan before = plan_of(predict_text, world);
  world.macs = [inner = world.macs, scale](const Json& net) { return scale * inner(net); };
  const Plan after = plan_of(predict_text, world);
  world.macs = nullptr;
  const Plan unknown = plan_of(predict_text, world);
  REQUIRE(before.nodes.size() == after.nodes.size());
  bool trained = false;
  for (std::size_t i = 0; i < before.nodes.size(); ++i) {
    CHECK(before.nodes[i].key == after.nodes[i].key);
    CHECK(before.nodes[i].key == unknown.nodes[i].key);
    if (before.nodes[i].kind != NodeKind::train) continue;
    trained = true;
    CHECK(after.nodes[i].cost_seconds > 5 * before.nodes[i].cost_seconds);
    CHECK(unknown.nodes[i].cost_seconds > 0);
  }
  CHECK(trained);
}
