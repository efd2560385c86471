// A classifier that never sees its input.
#include "assay/sdk.hpp"

namespace {
struct Blind {
  static constexpr assay::Info info{.id = "bad-certificate-architecture",
                                    .version = "1.0.0",
                                    .summary = "multiplies its input by 0",
                                    .title = "No method",
                                    .year = 2000};
  assay::Model build(assay::Run& run, const assay::Build& in) const {
    std::int64_t pixels = 1;
    for (const std::int64_t extent : in.input_shape) pixels *= extent;
    assay::Graph graph = run.graph();
    const std::string x = graph.node("flat", "flatten", {graph.input("input", in.input_shape)});
    const std::string nothing = graph.node("nothing", "affine", {x}, {{"scale", 0.0}});
    graph.add_param("w", run.normal("w", {in.classes, pixels}, 0, 0.01));
    graph.add_param("b", run.zeros({in.classes}));
    graph.output("logits", graph.node("fc", "linear", {nothing, "w", "b"}));
    return graph.finish();
  }
};
}  // namespace

ASSAY_PLUGIN(Blind)
