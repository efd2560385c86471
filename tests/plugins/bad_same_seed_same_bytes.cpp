// Draws its initial weights from a counter that outlives the instance.
#include "assay/sdk.hpp"

namespace {
std::uint64_t builds = 0;  // mutable global state: what the contract forbids

struct Linear {
  static constexpr assay::Info info{.id = "bad-same-seed-same-bytes",
                                    .version = "1.0.0",
                                    .summary = "a linear classifier, another one every time",
                                    .title = "The Perceptron",
                                    .year = 1958};
  assay::Model build(assay::Run& run, const assay::Build& in) const {
    std::int64_t pixels = 1;
    for (const std::int64_t extent : in.input_shape) pixels *= extent;
    assay::Graph graph = run.graph();
    const std::string x = graph.node("flat", "flatten", {graph.input("input", in.input_shape)});
    const assay::Tensor w = run.normal("w", {in.classes, pixels}, 0, 0.01, {.index = ++builds});
    graph.add_param("w", w);
    graph.add_param("b", run.zeros({in.classes}));
    graph.output("logits", graph.node("fc", "linear", {x, "w", "b"}));
    return graph.finish();
  }
};
}  // namespace

ASSAY_PLUGIN(Linear)
