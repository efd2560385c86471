// The mean of the members' predictions, declared as an ensemble that trains: its certificate must say that it does not.
#include "assay/sdk.hpp"

namespace {
struct Idle {
  static constexpr assay::Info info{.id = "odd-learns-nothing",
                                    .version = "1.0.0",
                                    .summary = "takes a training set and ignores it",
                                    .title = "Simple and Scalable Predictive Uncertainty Estimation",
                                    .year = 2017,
                                    .access = ASSAY_ACCESS_WEIGHTS};
  static constexpr auto slots = assay::slots(assay::slot("combine", "train", ASSAY_RECORDS, {.doc = "ignored"}));
  assay::Model combine(assay::Run& run, const assay::Members& in) const {
    assay::Graph graph = run.graph();
    const std::string x = graph.input("input", in.members.front().input_shape());
    std::vector<std::string> outputs;
    for (std::size_t i = 0; i < in.members.size(); ++i) {
      const std::string prefix = "m" + std::to_string(i) + "/";
      outputs.push_back(graph.node(prefix + "softmax", "softmax", {graph.inline_model(in.members[i], prefix, x)}));
    }
    graph.output("logits", graph.node("logits", "log", {graph.node("mean", "mean_of", outputs)}));
    return graph.finish();
  }
};
}  // namespace

ASSAY_PLUGIN(Idle)
