// EfficientNet (Tan & Le, ICML 2019, table 1): inverted residuals with squeeze-excite and silu. Width and depth 1 give
// B0. Without stochastic depth. For small images the stem and the first halving stage keep the resolution.
#include <cmath>

#include "harness/graph/zoo/blocks.hpp"

namespace assay::zoo {
namespace {

struct EfficientStage {
  std::int64_t expansion, kernel, stride, channels, blocks;
};

graph::Graph build_efficientnet(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const double width = real_param(request, "width"), depth = real_param(request, "depth");
  const std::int64_t early = int_param(request, "large") == 1 ? 2 : 1;
  const std::vector<EfficientStage> stages = {{1, 3, 1, 16, 1}, {6, 3, early, 24, 2}, {6, 5, 2, 40, 2},
                                              {6, 3, 2, 80, 3}, {6, 5, 1, 112, 3},    {6, 5, 2, 192, 4},
                                              {6, 3, 1, 320, 1}};
  const graph::Init init = {graph::InitKind::he_normal_out};
  std::string x = conv_norm(b, "stem", b.input(),
                            {make_divisible(32 * width), {.kernel = 3, .stride = early, .init = init}, "silu"});
  std::int64_t number = 0;
  for (const EfficientStage& stage : stages) {
    const std::string name = numbered("stage", ++number);
    const auto blocks = static_cast<std::int64_t>(std::ceil(static_cast<double>(stage.blocks) * depth));
    for (std::int64_t i = 1; i <= blocks; ++i) {
      const std::int64_t in = b.shape(x)[0];
      InvertedResidual block;
      block.expanded = stage.expansion == 1 ? in : make_divisible(static_cast<double>(in * stage.expansion));
      block.channels = make_divisible(static_cast<double>(stage.channels) * width);
      block.kernel = stage.kernel;
      block.stride = i == 1 ? stage.stride : 1;
      block.squeezed = std::max<std::int64_t>(1, in / 4);
      block.act = block.squeeze_act = "silu";
      x = inverted_residual(b, name + "." + std::to_string(i), x, block);
    }
    b.tap(name, x);
  }
  x = conv_norm(b, "head", x, {4 * b.shape(x)[0], {.kernel = 1, .init = init}, "silu"});
  return pooled_classifier(b, request, x);
}

}  // namespace

Architecture arch_efficientnet() {
  return {"efficientnet",
          "EfficientNet-B0, scaled by width and depth",
          "Tan & Le, EfficientNet: rethinking model scaling for convolutional neural networks, 2019, arXiv:1905.11946",
          {scale_param(),
           {"depth", 1.0, 0.1, 16.0, "multiplies the blocks of a stage, rounded up"},
           large_param("1: stride 2 in the stem and the first halving stage, as for images of 224 pixels; 0: stride 1"),
           dropout_param()},
          build_efficientnet};
}

}  // namespace assay::zoo
