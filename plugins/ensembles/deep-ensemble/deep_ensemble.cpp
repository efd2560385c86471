// Deep ensemble (Lakshminarayanan et al., NeurIPS 2017, section 2.4): the mean of the members' softmax outputs. The
// result is a host graph whose logits are the logarithm of that mean.
#include "assay/sdk.hpp"

struct DeepEnsemble {
  static constexpr assay::Info info{
      .id = "deep-ensemble",
      .version = "1.0.0",
      .summary = "mean of the members' softmax outputs",
      .title = "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles",
      .year = 2017,
      .arxiv = "1612.01474",
      .access = ASSAY_ACCESS_WEIGHTS};

  assay::Model combine(assay::Run& run, const assay::Members& in) const {
    if (in.members.size() < 2) assay::fail(ASSAY_INVALID, "a deep ensemble needs at least two members");
    assay::Graph graph = run.graph();
    const std::string x = graph.input("x", in.members.front().input_shape());
    std::vector<std::string> probabilities;
    for (std::size_t i = 0; i < in.members.size(); ++i) {
      const std::string prefix = "member" + std::to_string(i) + "/";
      probabilities.push_back(graph.node(prefix + "softmax", "softmax", {graph.inline_model(in.members[i], prefix, x)}));
    }
    // The floor keeps the logarithm finite where every member's float32 probability underflows.
    const std::string mean = graph.node("mean", "mean_of", probabilities);
    graph.output("logits", graph.node("logits", "log", {graph.node("floor", "clamp", {mean}, {{"min", 1e-30}, {"max", 1.0}})}));
    return graph.finish();
  }
};

ASSAY_PLUGIN(DeepEnsemble)
