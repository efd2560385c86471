// Wide residual nets WRN-d-k (Zagoruyko & Komodakis, BMVC 2016): three stages of (d - 4) / 6 pre-activation blocks with
// 16 k, 32 k and 64 k channels.
#include "harness/base/error.hpp"
#include "harness/graph/zoo/preact.hpp"

namespace assay::zoo {
namespace {

graph::Graph build_wide(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const std::int64_t depth = int_param(request, "depth"), widen = int_param(request, "widen"), base = int_param(request, "width");
  if (depth % 6 != 4) throw Error(Fault::bad_input, "params.depth: must be 6 n + 4 (10, 16, 22, 28, 40 ...), not " + std::to_string(depth));
  const std::int64_t blocks = (depth - 4) / 6;
  const std::string stem = b.conv("stem", b.input(), base);
  const std::vector<PreactStage> stages = {{blocks, base * widen}, {blocks, 2 * base * widen}, {blocks, 4 * base * widen}};
  return pooled_classifier(b, request, preact_stages(b, stem, stages, real_param(request, "block_dropout")));
}

}  // namespace

Architecture arch_wide_resnet() {
  return {"wide-resnet", "wide residual net WRN-depth-widen for small images",
          "Zagoruyko & Komodakis, Wide residual networks, 2016, arXiv:1605.07146",
          {{"depth", 16, 10, 1000, "weighted layers: 6 n + 4"},
           {"widen", 4, 1, 64, "multiplies the channels of the stages"},
           width_param(16, "channels of the stem, and of the first stage before widening"),
           {"block_dropout", 0.0, 0.0, 0.9, "probability of dropout between the convolutions of a block"},
           dropout_param()},
          build_wide};
}

}  // namespace assay::zoo
