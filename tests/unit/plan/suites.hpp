// One suite a task, for the small world of context.hpp, and edits of their text.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "harness/plan/plan.hpp"
#include "tests/unit/plan/context.hpp"

namespace assay::test {

inline const std::string attack_text = R"([suite]
name = "a"
task = "attack"
version = 1
seeds = [0, 1, 2]
[data]
train = { set = "fashion-mnist", limit = 20000 }
test = { set = "fashion-mnist", limit = 1000 }
[[model]]
id = "net"
build = "all-conv"
train = { epochs = 3 }
[threat]
norm = "linf"
eps = ["0", "8/255"]
rank_eps = "8/255"
[[method]]
use = "noise"
[[method]]
use = "pgd"
params = { steps = 20, verbose = false }
[limits]
memory_mb = 2000
)";

inline const std::string detect_text = R"([suite]
name = "d"
task = "detect"
seeds = [0, 1, 2]
[data]
train = { set = "fashion-mnist", limit = 20000 }
fit = { set = "fashion-mnist", limit = 5000 }
test = { set = "fashion-mnist", limit = 2000 }
ood = [{ set = "mnist", group = "far", limit = 2000 }]
[[model]]
id = "net"
build = "all-conv"
train = { epochs = 3 }
[[method]]
use = "random-score"
[[method]]
use = "knn"
params = { k = 50 }
)";

inline const std::string predict_text = R"([suite]
name = "p"
task = "predict"
seeds = [0, 1, 2]
[data]
train = { set = "fashion-mnist" }
test = { set = "fashion-mnist" }
[[model]]
id = "net"
build = "lenet"
members = 4
[[method]]
use = "single"
members = 1
[[method]]
use = "deep-ensemble"
)";

inline const std::string compress_text = R"([suite]
name = "c"
task = "compress"
seeds = [0, 1, 2]
[data]
train = { set = "fashion-mnist" }
test = { set = "fashion-mnist" }
[[model]]
id = "net"
build = "lenet"
[target]
kind = "ratio"
values = [2, 8]
rank_at = 8
[finetune]
epochs = 1
[[method]]
use = "no-pruning"
targets = [1]
[[method]]
use = "random-pruning"
[[method]]
use = "magnitude-global"
)";

inline const std::string reduce_text = R"([suite]
name = "r"
task = "reduce"
seeds = [0, 1, 2]
[data]
train = { set = "fashion-mnist", split = "train", limit = 20000 }
test = { set = "fashion-mnist" }
[[model]]
id = "net"
build = "lenet"
train = { epochs = 3 }
[target]
kind = "ratio"
values = [1, 4]
rank_at = 4
[[method]]
use = "random-subset"
[[method]]
use = "poison"
targets = [1]
)";

inline const std::string falsify_text = R"([suite]
name = "f"
task = "falsify"
seeds = [0, 1, 2]
[data]
train = { set = "fashion-mnist", split = "train", limit = 20000 }
test = { set = "fashion-mnist", limit = 100 }
[[model]]
id = "net"
build = "lenet"
train = { epochs = 3 }
[region]
eps = "3/20"
step = "1/20"
elements = 4
enumerate = 1000
[[method]]
use = "random-sampling"
[[method]]
use = "verifier"
)";

inline std::string edit(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  return text.replace(at, from.size(), to);
}

inline Plan plan_of(const std::string& text, const PlanContext& world = context()) {
  return make_plan(parse_suite(text, "suite.toml"), world);
}

// The only cell of a method and seed (and ratio, where given).
inline const Node& cell(const Plan& plan, const std::string& method, std::int64_t seed, const std::string& ratio = "") {
  const Node* found = nullptr;
  for (const Node& node : plan.nodes) {
    if (node.kind != NodeKind::cell || node.method != method || node.axes.get("seed", -1) != seed) continue;
    if (!ratio.empty() && node.axes.get("ratio", "") != ratio) continue;
    REQUIRE_MESSAGE(found == nullptr, "several cells of " << method);
    found = &node;
  }
  REQUIRE_MESSAGE(found != nullptr, "no cell of " << method);
  return *found;
}

inline std::size_t count(const Plan& plan, NodeKind kind) {
  std::size_t n = 0;
  for (const Node& node : plan.nodes) n += node.kind == kind ? 1 : 0;
  return n;
}

}  // namespace assay::test
