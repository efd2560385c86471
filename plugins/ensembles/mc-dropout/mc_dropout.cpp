// Monte Carlo dropout (Gal and Ghahramani, ICML 2016, eq. 6): the mean softmax of `draws` passes with dropout active.
// The result is a host graph: one parameter set, `draws` copies whose masks the host keys by (seed, sample, copy).
#include "assay/sdk.hpp"

struct McDropout {
  std::int64_t draws;

  static constexpr assay::Info info{
      .id = "mc-dropout",
      .version = "1.0.0",
      .summary = "mean softmax over passes with dropout active",
      .title = "Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning",
      .year = 2016,
      .arxiv = "1506.02142",
      .access = ASSAY_ACCESS_WEIGHTS | ASSAY_ACCESS_STOCHASTIC};
  static constexpr auto params = assay::params(
      assay::integer("draws", &McDropout::draws, {.fallback = 16, .min = 2, .max = 256, .doc = "stochastic passes"}));

  assay::Model combine(assay::Run& run, const assay::Members& in) const {
    if (in.members.empty()) assay::fail(ASSAY_INVALID, "the host passed no members");
    const assay::Model& model = in.members.front();
    assay::Graph graph = run.graph();
    const std::string x = graph.input("x", model.input_shape());
    std::vector<std::string> probabilities;
    for (std::int64_t i = 0; i < draws; ++i) {
      const std::string prefix = "draw" + std::to_string(i) + "/";
      const std::string logits = graph.inline_model(
          model, prefix, x, {.share = i == 0 ? "" : "draw0/", .stochastic = true, .draw = static_cast<std::uint64_t>(i)});
      probabilities.push_back(graph.node(prefix + "softmax", "softmax", {logits}));
    }
    const std::string mean = graph.node("mean", "mean_of", probabilities);
    graph.output("logits", graph.node("logits", "log", {graph.node("floor", "clamp", {mean}, {{"min", 1e-30}, {"max", 1.0}})}));
    return graph.finish();
  }
};

ASSAY_PLUGIN(McDropout)
