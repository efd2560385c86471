// The mean of the logits, flattened: equal members do not give their own answer.
#include "assay/sdk.hpp"

namespace {
struct Ensemble {
  static constexpr assay::Info info{.id = "bad-certificate-ensemble",
                                    .version = "1.0.0",
                                    .summary = "halves the logits",
                                    .title = "Simple and Scalable Predictive Uncertainty Estimation",
                                    .year = 2017};
  assay::Model combine(assay::Run& run, const assay::Members& in) const {
    assay::Graph graph = run.graph();
    const std::string x = graph.input("input", in.members.front().input_shape());
    std::vector<std::string> logits;
    for (std::size_t i = 0; i < in.members.size(); ++i) {
      logits.push_back(graph.inline_model(in.members[i], "m" + std::to_string(i) + "/", x));
    }
    const std::string mean = graph.node("mean", "mean_of", logits);
    graph.output("logits", graph.node("half", "affine", {mean}, {{"scale", 0.5}}));
    return graph.finish();
  }
};
}  // namespace

ASSAY_PLUGIN(Ensemble)
