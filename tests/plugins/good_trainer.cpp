// Stochastic gradient descent that owns its loop: the functional form of forward, gradients for the weights, edits of
// the graph, phases, traces and a checkpoint an epoch.
#include <map>
#include <numeric>

#include "assay/sdk.hpp"

namespace {

struct GoodTrainer {
  double rate = 0;

  static constexpr assay::Info info{.id = "good-trainer",
                                    .version = "1.0.0",
                                    .summary = "plain gradient descent in the plugin's own loop",
                                    .title = "A Stochastic Approximation Method",
                                    .year = 1951};
  static constexpr auto params = assay::params(
      assay::real("rate", &GoodTrainer::rate, {.fallback = 0.5, .min = 1e-4, .max = 10, .doc = "learning rate"}));

  using Weights = std::map<std::string, assay::Tensor>;

  static assay::Model with(const assay::Model& model, const Weights& weights) {
    assay::Graph graph = assay::Graph::clone(model);
    for (const auto& [name, value] : weights) graph.set_param(name, value);
    return graph.finish();
  }

  void step(assay::Run& run, const assay::Training& in, Weights& weights, const assay::Rows& rows,
            std::int64_t n) const {
    assay::Bundle replaced = assay::Bundle::create(run.api());
    std::vector<assay::Tensor> leaves;
    for (auto& [name, value] : weights) {
      leaves.push_back(watch(value));
      replaced.set(name.c_str(), leaves.back());
    }
    const assay::Tensor logits = in.model.forward(rows.x(), {.params = replaced}).logits;
    const assay::Tensor loss = mean(cross_entropy(logits, rows.y()));
    const std::vector<assay::Tensor> gradients = assay::grad(std::span(&loss, 1), leaves);
    std::size_t i = 0;
    for (auto& [name, value] : weights) value = value - rate * gradients[i++];
    run.trace("loss", n, loss.item());
  }

  assay::Model train(assay::Run& run, const assay::Training& in) const {
    run.phase("descent");
    Weights weights;
    for (const std::string& name : in.model.params()) weights[name] = in.model.param(name);
    std::int64_t n = 0;
    for (std::int64_t epoch = 0; epoch < in.epochs; ++epoch) {
      in.train.each(in.batch, [&](const assay::Rows& rows) {
        run.check();
        step(run, in, weights, rows, n++);
      });
      run.checkpoint(with(in.model, weights));
      run.progress(static_cast<double>(epoch + 1) / static_cast<double>(in.epochs), "epochs");
    }
    return with(in.model, weights);
  }
};

}  // namespace

ASSAY_PLUGIN(GoodTrainer)
