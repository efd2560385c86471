// The SDK's failure paths, against a host that fails, hides services, or passes wrong parameters.
#include "harness/graph/train.hpp"
#include "world.hpp"

using namespace world;

namespace {
// create() with parameters of the test's choosing, none checked.
std::string create_with(const char* plugin_name, const char* id, const Json& expanded, plugin::HostContext host) {
  const PluginLibrary library = PluginLibrary::open(test_plugin(plugin_name));
  return message_of([&] { library.create_unchecked(id, expanded, std::move(host)); });
}
}  // namespace

TEST_CASE("create fails while binding, without a leak") {  // the leak is what ASan would see
  CHECK(contains(create_with("good_attack", "good-attack", Json::object({{"step", 0.5}}), context()),
                 "the host passed no parameter 'steps'"));
  plugin::HostContext hidden = context();
  hidden.faults.hidden_services = {ASSAY_LIST_SERVICE};
  const Json whole = Json::parse(R"({"temperature": 1.0, "weights": [1.0], "negate": true, "form": "max"})");
  CHECK(contains(create_with("good_detector", "good-energy", whole, hidden),
                 "the host does not offer the service assay.list/1"));
  hidden.faults.hidden_services = {ASSAY_OBJECT_SERVICE};
  CHECK(contains(create_with("good_detector", "good-energy", whole, hidden), "assay.object/1"));
  CHECK(contains(create_with("good_detector", "no-such", Json::object({}), context()),
                 "this plugin has no method 'no-such'"));
}

TEST_CASE("a host error passes through the SDK with the host's own words") {
  plugin::HostContext host = context();
  host.faults.fail_call = 12;
  Instance method = attack_library().create("good-attack", Json(), std::move(host));
  const std::string message = message_of([&] { method.perturb(plugin::attack_inputs(attack_in(victim()))); });
  CHECK(contains(message, "perturb() failed with INTERNAL: injected failure of a host call"));
  CHECK(method.host().misuses().empty());  // the output stayed untouched
  CHECK(method.destroy().empty());
}

TEST_CASE("list, flag and choice parameters reach their members") {
  const PluginLibrary library = PluginLibrary::open(test_plugin("good_detector"));
  const plugin::Model model = victim();
  const plugin::AttackInputs in = attack_in(model);
  const auto score = [&](const char* params) {
    Instance method = library.create("good-energy", Json::parse(params), context());
    return plugin::scores_of(method.score(plugin::score_inputs(model, in.x, in.ids)), 8);
  };
  const auto plain = score("{}"), weighted = score(R"({"weights": [2, "3/2"]})"),
             turned = score(R"({"negate": false})");
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CHECK(weighted[i] == doctest::Approx(3 * plain[i]).epsilon(1e-5));
    CHECK(turned[i] == doctest::Approx(-plain[i]));
  }
  CHECK(score(R"({"form": "max"})")[0] > plain[0]);  // -max > -logsumexp
}

TEST_CASE("a trainer with its own loop learns through functional forwards, and reports") {
  const PluginLibrary library = PluginLibrary::open(test_plugin("good_trainer"));
  plugin::HostContext host = context();
  std::vector<double> losses;
  std::vector<std::string> phases;
  int checkpoints = 0;
  host.trace = [&](std::string_view, std::int64_t, double value) { losses.push_back(value); };
  host.phase = [&](std::string_view name) { phases.emplace_back(name); };
  host.checkpoint = [&](const plugin::Model& model) { checkpoints += model.graph->classes() == 4 ? 1 : 0; };
  Instance method = library.create("good-trainer", Json(), std::move(host));
  const Bundle out = method.train(plugin::train_inputs(victim(), validate::pattern_records(64, 9), 6, 16));
  CHECK(plugin::model_of(out)->classes() == 4);
  REQUIRE(losses.size() == 24);
  CHECK(losses.back() < 0.5 * losses.front());
  CHECK(phases == std::vector<std::string>{"descent"});
  CHECK(checkpoints == 6);
  CHECK(method.counters().backward == 6 * 64);
  CHECK(method.destroy().empty());
}

TEST_CASE("a model that a method edited keeps its masks and its label") {
  const PluginLibrary library = PluginLibrary::open(test_plugin("bad_compressor_meets_target"));
  Instance method = library.create("bad-compressor-meets-target", Json(), context());
  const plugin::Model model = victim();
  const Bundle out = method.compress(plugin::compress_inputs(model, validate::pattern_records(8, 1), "ratio", 2));
  const graph::Graph& pruned = *plugin::model_of(out);
  CHECK(pruned.masks.size() == pruned.parameters.size());
  CHECK(graph::nonzero_param_count(pruned) <= graph::param_count(pruned) / 2);
  CHECK(out.model("model").label == "victim");
}
