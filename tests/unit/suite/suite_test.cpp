// What parsing keeps: values, exact rationals, places, defaults. Malformed suites are in tests/golden.
#include <doctest/doctest.h>

#include <string>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"
#include "harness/suite/suite.hpp"

using namespace assay;

namespace {

const std::string attack = R"(
[suite]
name = "demo"
task = "attack"
version = 3
seeds = [0, 1, 2]
cites = "arXiv:1706.06083"
rank_by = "robust_accuracy"
min_coverage = 0.9
on_failure = "worst"
keep_outputs = true

[data]
train = { set = "a", limit = 100 }
test  = { set = "a", first = 10, limit = 20, balanced = true }

[[model]]
id = "net"
build = "lenet"
params = { width = 3 }
train = { epochs = 2, trainer = "sam", params = { rho = "1/20" } }

[[model]]
id = "small"
from = { method = "magnitude-global", model = "net", params = { ratio = 8 } }

[threat]
norm = "l2"
eps = ["0", "8/255", 0.1, "2/4"]
rank_eps = "16/510"
victims = ["net"]
surrogates = ["small"]
access = "score"

[[method]]
use = "pgd"
params = { steps = 20 }
grid = { step_size = [0.1, "1/5"] }

[[method]]
use = "pgd"
name = "long"

[budget]
forward_per_sample = 400

[limits]
seconds_per_cell = 12.5

[numerics]
batch = 32

[[claim]]
id = "c"
says = "something"
expect = "1 >= 0"
test = "paired-bootstrap"
gate = false
)";

std::string with_seeds(const std::string& seeds) {
  std::string text = attack;
  return text.replace(text.find("[0, 1, 2]"), 9, seeds);
}

}  // namespace

TEST_CASE("every block arrives with its values") {
  const SuiteSpec suite = parse_suite(attack, "demo.toml");
  CHECK(suite.sha256 == sha256(attack));
  CHECK(suite.version == 3);
  CHECK(suite.seeds == std::vector<std::int64_t>{0, 1, 2});
  CHECK(suite.rank_by.value == "robust_accuracy");
  CHECK(suite.min_coverage == 0.9);
  CHECK(suite.on_failure == "worst");
  CHECK(suite.keep_outputs);
  CHECK(suite.data.train->limit == 100);
  CHECK(suite.data.train->split.value == "train");
  CHECK(suite.data.test->split.value == "test");
  CHECK(suite.data.test->first == 10);
  CHECK(suite.data.test->balanced);
  REQUIRE(suite.models.size() == 2);
  CHECK(suite.models[0].train->base.value == "standard");
  CHECK(suite.models[0].train->fields.to_json() == Json::object({{"epochs", 2}}));
  CHECK(suite.models[0].train->trainer->value == "sam");
  CHECK(suite.models[0].train->trainer_params.to_json() == Json::object({{"rho", "1/20"}}));
  CHECK(suite.models[1].from->models[0].value == "net");
  CHECK(suite.threat->access == "score");
  REQUIRE(suite.methods.size() == 2);
  CHECK(suite.methods[0].id() == "pgd");
  CHECK(suite.methods[1].id() == "pgd#long");
  CHECK(suite.methods[0].grid.find("step_size")->value.size() == 2);
  CHECK(suite.budget.forward_per_sample == 400);
  CHECK(suite.budget.backward_per_sample == 0);
  CHECK(suite.limits.seconds_per_cell == 12.5);
  CHECK(suite.limits.memory_mb == 4096);
  CHECK(suite.numerics.batch == 32);
  CHECK(suite.numerics.threads == 1);
  CHECK_FALSE(suite.claims[0].gate);
}

TEST_CASE("radii are exact fractions, however they are written") {
  const SuiteSpec suite = parse_suite(attack, "demo.toml");
  const std::vector<Rational> expected = {{0, 1}, {8, 255}, {1, 10}, {1, 2}};
  CHECK(suite.threat->eps == expected);
  CHECK(suite.threat->rank_eps == Rational{8, 255});
}

TEST_CASE("values know where they stand") {
  const SuiteSpec suite = parse_suite(attack, "demo.toml");
  CHECK(suite.name.place.str() == "demo.toml:3:8");
  CHECK(suite.methods[0].params.find("steps")->place.str() == "demo.toml:37:20");
  CHECK(suite.methods[0].params.find("steps")->key_place.str() == "demo.toml:37:12");
  CHECK_FALSE(suite.data.train->split.given());
}

TEST_CASE("fewer than three seeds run, and are marked single-run [rule 5]") {
  CHECK_FALSE(parse_suite(with_seeds("[0, 1, 2]"), "s").single_run);
  CHECK(parse_suite(with_seeds("[0, 1]"), "s").single_run);
  CHECK(parse_suite(with_seeds("[7]"), "s").single_run);
}

TEST_CASE("known tasks that are not available are told apart from unknown ones") {
  for (const std::string& task : planned_tasks()) {
    std::string text = attack;
    text.replace(text.find("\"attack\""), 8, "\"" + task + "\"");
    try {
      parse_suite(text, "s");
      FAIL("accepted " << task);
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::unsupported);
    }
  }
  CHECK(available_tasks().size() + planned_tasks().size() == 12);
}

TEST_CASE("hostile text gives an error, never a crash") {
  for (const char* text : {"", "[suite]", "suite = 1", "[suite]\nname=[]", "[[suite]]", "\xff\xfe", "[data]\n[data]", "a.b.c=1",
                           "[suite]\nname='x'\ntask='attack'\nseeds=[]", "[suite]\nname='x'\ntask='attack'\nseeds=[-1]",
                           "[suite]\nname='x'\ntask='attack'\nseeds=[9223372036854775807]",
                           "[suite]\nname='x'\ntask='attack'\nseeds=[1979-05-27]",
                           "[suite]\nname='x'\ntask='attack'\nseeds=[1]\n[data]\ntest=3",
                           "[suite]\nname='x'\ntask='attack'\nseeds=[1]\n[data]\ntest={set='a'}\ntrain={set='a',limit=-4}"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_suite(text, "s.toml"), Error);
  }
}

TEST_CASE("a truncated suite gives an error with a place or a whole suite, never a crash") {
  for (std::size_t length = 0; length < attack.size(); ++length) {
    try {
      parse_suite(attack.substr(0, length), "cut.toml");
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find("cut.toml") == 0);
    }
  }
}
