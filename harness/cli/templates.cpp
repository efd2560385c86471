// Scaffolds. Each is the simplest method of its role that measures something, so that a person replaces a few lines.
// tests/e2e builds, validates and runs every one of them.
#include "harness/cli/templates.hpp"

namespace assay::cli {
namespace {

constexpr const char* attack_source = R"source(// @ID@: one step of length eps along the sign of the loss gradient.
#include "assay/sdk.hpp"

struct @TYPE@ {
  double step;

  static constexpr assay::Info info{.id = "@ID@",
                                    .version = "0.1.0",
                                    .summary = "what the attack does, in one line",
                                    .title = "title of the paper, if there is one",
                                    .year = 2024,
                                    .needs_gradients = true};
  static constexpr auto params = assay::params(
      assay::real("step", &@TYPE@::step, {.fallback = 1, .min = 0, .max = 1, .doc = "length of the step as a share of eps"}));

  // Gives x', which the judge checks: within eps of x in the threat's norm, and within [lo, hi].
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    if (batch.norm != "linf" && batch.norm != "l2") {
      assay::fail(ASSAY_UNSUPPORTED, "@ID@ is not defined for norm " + batch.norm);
    }
    const assay::Tensor gradient = batch.model.gradient("cross-entropy", batch.x, batch.y);
    const double length = (batch.targeted ? -step : step) * batch.eps;
    const assay::Tensor direction =
        batch.norm == "l2" ? gradient / clamp(l2_norm(gradient), 1e-12, 1e30) : sign(gradient);
    return clamp(batch.x + direction * length, batch.lo, batch.hi);
  }
};

ASSAY_PLUGIN(@TYPE@)
)source";

constexpr const char* detector_source = R"source(// @ID@: the negated largest logit.
#include <algorithm>

#include "assay/sdk.hpp"

struct @TYPE@ {
  double scale;

  static constexpr assay::Info info{.id = "@ID@",
                                    .version = "0.1.0",
                                    .summary = "what the detector does, in one line",
                                    .title = "title of the paper, if there is one",
                                    .year = 2024,
                                    .access = ASSAY_ACCESS_SCORES};
  static constexpr auto params = assay::params(assay::real(
      "scale", &@TYPE@::scale, {.fallback = 1, .min = 0.001, .max = 1000, .doc = "factor on the score"}));

  // A method that learns from training data adds: void fit(assay::Run&, const assay::Fit&)
  // One score an input; higher means more anomalous.
  assay::Tensor score(assay::Run& run, const assay::Batch& batch) const {
    const assay::Tensor logits = batch.model(batch.x);
    const auto classes = static_cast<std::size_t>(logits.dim(1));
    std::vector<double> scores(static_cast<std::size_t>(batch.size()));
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const auto row = logits.floats().subspan(i * classes, classes);
      scores[i] = -scale * static_cast<double>(*std::max_element(row.begin(), row.end()));
    }
    return run.tensor<double>({batch.size()}, scores);
  }
};

ASSAY_PLUGIN(@TYPE@)
)source";

constexpr const char* ensemble_source = R"source(// @ID@: the mean of the members' logits, as one graph that the host runs and judges.
#include "assay/sdk.hpp"

struct @TYPE@ {
  static constexpr assay::Info info{.id = "@ID@",
                                    .version = "0.1.0",
                                    .summary = "what the ensemble does, in one line",
                                    .title = "title of the paper, if there is one",
                                    .year = 2024,
                                    .access = ASSAY_ACCESS_WEIGHTS};

  assay::Model combine(assay::Run& run, const assay::Members& in) const {
    if (in.members.empty()) assay::fail(ASSAY_INVALID, "@ID@ needs members");
    assay::Graph graph = run.graph();
    const auto x = graph.input("x", in.members.front().input_shape());
    auto sum = graph.inline_model(in.members.front(), "member0.", x);
    for (std::size_t i = 1; i < in.members.size(); ++i) {
      const std::string name = "member" + std::to_string(i);
      const auto logits = graph.inline_model(in.members[i], name + ".", x);
      sum = graph.node("sum" + std::to_string(i), "add", {sum, logits});
    }
    const double share = 1.0 / static_cast<double>(in.members.size());
    graph.output("logits", graph.node("mean", "affine", {sum}, {{"scale", share}, {"shift", 0.0}}));
    return graph.finish();
  }
};

ASSAY_PLUGIN(@TYPE@)
)source";

constexpr const char* compressor_source = R"source(// @ID@: masks the weights of every layer below a threshold that leaves 1 / ratio of the parameters.
#include <algorithm>

#include "assay/sdk.hpp"

struct @TYPE@ {
  static constexpr assay::Info info{.id = "@ID@",
                                    .version = "0.1.0",
                                    .summary = "what the compressor does, in one line",
                                    .title = "title of the paper, if there is one",
                                    .year = 2024,
                                    .access = ASSAY_ACCESS_WEIGHTS};

  assay::Model compress(assay::Run& run, const assay::Compress& in) const {
    if (in.target != "ratio") assay::fail(ASSAY_UNSUPPORTED, "@ID@ knows target kind 'ratio' only");
    assay::Graph graph = assay::Graph::clone(in.model);
    double total = 0, prunable = 0;  // the ratio counts all parameters; biases and norms are kept
    for (const assay::ParamInfo& param : graph.params()) {
      if (param.buffer) continue;
      const assay::Tensor tensor = graph.param(param.name);
      total += static_cast<double>(tensor.count());
      if (tensor.ndim() > 1) prunable += static_cast<double>(tensor.count());
    }
    const double share = (total / in.value - (total - prunable)) / prunable;
    if (share <= 0) assay::fail(ASSAY_INVALID, "the ratio leaves no weight");
    for (const assay::ParamInfo& param : graph.params()) {
      const assay::Tensor weight = graph.param(param.name);
      if (!param.buffer && weight.ndim() > 1) graph.set_mask(param.name, mask(run, weight, share));
    }
    return graph.finish();
  }

  // 1 for the largest `share` of the values by magnitude, else 0; ties go to the lower index.
  static assay::Tensor mask(assay::Run& run, const assay::Tensor& weight, double share) {
    const auto values = weight.floats();
    std::vector<std::size_t> order(values.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return std::abs(values[a]) > std::abs(values[b]); });
    const auto kept = std::max<std::size_t>(1, static_cast<std::size_t>(share * static_cast<double>(order.size())));
    std::vector<float> ones(values.size(), 0.0f);
    for (std::size_t i = 0; i < std::min(kept, order.size()); ++i) ones[order[i]] = 1.0f;
    return run.tensor<float>(weight.shape(), ones);
  }
};

ASSAY_PLUGIN(@TYPE@)
)source";

constexpr const char* trainer_source = R"source(// @ID@: cross-entropy with a penalty on large logits, as an objective inside the host's training loop.
#include "assay/sdk.hpp"

struct @TYPE@ {
  double weight;

  static constexpr assay::Info info{.id = "@ID@",
                                    .version = "0.1.0",
                                    .summary = "what the objective does, in one line",
                                    .title = "title of the paper, if there is one",
                                    .year = 2024};
  static constexpr auto params = assay::params(assay::real(
      "weight", &@TYPE@::weight, {.fallback = 0.001, .min = 0, .max = 1, .doc = "weight of the mean squared logit"}));

  // dL/dlogits of the mean over the batch: (softmax - one-hot) / n + weight * 2 * logits / (n * classes).
  // A scalar loss made of ops may be given instead; the host then differentiates it.
  assay::Tensor objective(assay::Run& run, const assay::Step& step) const {
    const assay::Tensor logits = detach(step.logits);
    const assay::Tensor probabilities = softmax(logits);
    const auto z = logits.floats(), p = probabilities.floats();
    const auto y = step.y.ints();
    const std::size_t n = y.size(), classes = z.size() / n;
    std::vector<float> gradient(z.size());
    for (std::size_t i = 0; i < z.size(); ++i) {
      const double target = static_cast<std::size_t>(y[i / classes]) == i % classes ? 1 : 0;
      const double penalty = weight * 2 * static_cast<double>(z[i]) / static_cast<double>(classes);
      gradient[i] = static_cast<float>((static_cast<double>(p[i]) - target + penalty) / static_cast<double>(n));
    }
    return run.tensor<float>(logits.shape(), gradient);
  }
};

ASSAY_PLUGIN(@TYPE@)
)source";

constexpr const char* architecture_source = R"source(// @ID@: a perceptron with one hidden layer.
#include "assay/sdk.hpp"

struct @TYPE@ {
  std::int64_t width;

  static constexpr assay::Info info{.id = "@ID@",
                                    .version = "0.1.0",
                                    .summary = "what the network is, in one line",
                                    .title = "title of the paper, if there is one",
                                    .year = 2024};
  static constexpr auto params = assay::params(assay::integer(
      "width", &@TYPE@::width, {.fallback = 64, .min = 1, .max = 65536, .doc = "hidden units"}));

  // He initialisation (fan in), keyed by the parameter's name.
  static auto weight(assay::Run& run, assay::Graph& graph, const std::string& name, std::int64_t out, std::int64_t in) {
    const double sd = std::sqrt(2.0 / static_cast<double>(in));
    return graph.add_param(name, run.normal(("init/" + name).c_str(), {out, in}, 0, sd));
  }

  assay::Model build(assay::Run& run, const assay::Build& in) const {
    const auto hidden = std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(width) * in.size));
    std::int64_t inputs = 1;
    for (const std::int64_t dim : in.input_shape) inputs *= dim;
    assay::Graph graph = run.graph();
    const auto x = graph.input("x", in.input_shape);
    const auto flat = graph.node("flat", "flatten", {x});
    const auto w1 = weight(run, graph, "hidden.weight", hidden, inputs);
    const auto b1 = graph.add_param("hidden.bias", run.full({hidden}, 0));
    const auto features = graph.node("features", "relu", {graph.node("hidden", "linear", {flat, w1, b1})});
    graph.tap("features", features);
    const auto w2 = weight(run, graph, "head.weight", in.classes, hidden);
    const auto b2 = graph.add_param("head.bias", run.full({in.classes}, 0));
    graph.output("logits", graph.node("head", "linear", {features, w2, b2}));
    return graph.finish();
  }
};

ASSAY_PLUGIN(@TYPE@)
)source";

// Every suite is small enough for a minute on one core, and names no rank: one seed shows that it runs, no more.
constexpr const char* data_block = R"toml(
[data]
train = { set = "fashion-mnist", split = "train", limit = 2000 }
test  = { set = "fashion-mnist", split = "test", limit = 200 }
)toml";

constexpr const char* head_block = R"toml(# The smallest run of @ID@: shows that it works, measures nothing worth citing.
[suite]
name    = "try-@ID@"
task    = "@TASK@"
version = 1
seeds   = [0]
rank    = "none"
)toml";

constexpr const char* model_block = R"toml(
[[model]]
id    = "net"
build = "mlp"
train = { recipe = "quick", epochs = 1 }
)toml";

}  // namespace

const std::vector<RoleTemplate>& role_templates() {
  static const std::string head = head_block, data = data_block, model = model_block;
  static const std::string attack = head + data + model + R"toml(
[threat]
norm = "linf"
eps  = "1/10"

[[method]]
use = "noise"

[[method]]
use = "@ID@"
)toml";
  static const std::string detect = head + data + R"toml(ood   = [{ set = "mnist", split = "test", limit = 200, group = "far" }]
)toml" + model + R"toml(
[[method]]
use = "random-score"

[[method]]
use = "@ID@"
)toml";
  static const std::string predict = head + data + R"toml(
[[model]]
id      = "net"
build   = "mlp"
train   = { recipe = "quick", epochs = 1 }
members = 3

[[method]]
use = "single"

[[method]]
use = "@ID@"
)toml";
  static const std::string compress = head + data + model + R"toml(
[target]
kind   = "ratio"
values = [2, 4]
rank_at = 4

[[method]]
use = "magnitude-global"

[[method]]
use = "@ID@"
)toml";
  static const std::string train = head + data + R"toml(
[[model]]
id    = "net"
build = "mlp"
train = { recipe = "quick", epochs = 1, trainer = "@ID@" }

[[method]]
use = "single"
)toml";
  static const std::string build = head + data + R"toml(
[[model]]
id    = "net"
build = "@ID@"
train = { recipe = "quick", epochs = 1 }

[[method]]
use = "single"
)toml";
  static const std::string falsify = head + data + model + analyzer_methods;
  static const std::string reduce = head + data + model + reducer_methods;
  static const std::vector<RoleTemplate> all = {
      {"attack", "attacks", "attack", attack_source, attack.c_str()},
      {"detector", "detectors", "detect", detector_source, detect.c_str()},
      {"ensemble", "ensembles", "predict", ensemble_source, predict.c_str()},
      {"compressor", "compressors", "compress", compressor_source, compress.c_str()},
      {"trainer", "trainers", "predict", trainer_source, train.c_str()},
      {"architecture", "architectures", "predict", architecture_source, build.c_str()},
      {"reducer", "reducers", "reduce", reducer_source, reduce.c_str()},
      {"analyzer", "analyzers", "falsify", analyzer_source, falsify.c_str()},
  };
  return all;
}

const char* readme_template() {
  return R"md(# @ID@

What the method does, in two sentences, and the paper it comes from (authors, title, year, arXiv id).

## What is claimed, what was measured

The paper's claim, with table and setting. The number that assay measured, with the suite that measured it.

## Build, check, try

    cmake -S . -B build -DCMAKE_PREFIX_PATH=<where assay is installed> && cmake --build build
    assay check build/plugins/@ID@.so
    ASSAY_PLUGINS=$PWD/build/plugins assay run @FILE@.toml

Inside assay's own source tree the folder is found and built with the others.
)md";
}

const char* cmake_template() {
  return R"cmake(cmake_minimum_required(VERSION 3.25)
if(NOT COMMAND assay_add_plugin)
  project(@ID@ LANGUAGES C CXX)
  find_package(assay REQUIRED)
endif()
assay_add_plugin(@ID@ @FILE@.cpp)
)cmake";
}

}  // namespace assay::cli
