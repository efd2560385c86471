// MobileNetV2 (Sandler et al., CVPR 2018, table 2): inverted residuals with linear bottlenecks. For small images the
// stem and the second stage keep the resolution.
#include <cmath>

#include "harness/graph/zoo/blocks.hpp"

namespace assay::zoo {
namespace {

struct Stage {
  std::int64_t expansion, channels, blocks, stride;
};

graph::Graph build_mobilenet_v2(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const double width = real_param(request, "width");
  const bool large = int_param(request, "large") == 1;
  const std::int64_t early = large ? 2 : 1;
  const std::vector<Stage> stages = {{1, 16, 1, 1}, {6, 24, 2, early}, {6, 32, 3, 2}, {6, 64, 4, 2},
                                     {6, 96, 3, 1}, {6, 160, 3, 2},    {6, 320, 1, 1}};
  const graph::Init init = {graph::InitKind::he_normal_out};
  std::string x = conv_norm(b, "stem", b.input(),
                            {make_divisible(32 * width), {.kernel = 3, .stride = early, .init = init}, "relu6"});
  std::int64_t number = 0;
  for (const Stage& stage : stages) {
    const std::string name = numbered("stage", ++number);
    for (std::int64_t i = 1; i <= stage.blocks; ++i) {
      InvertedResidual block;
      block.expanded = b.shape(x)[0] * stage.expansion;
      block.channels = make_divisible(static_cast<double>(stage.channels) * width);
      block.stride = i == 1 ? stage.stride : 1;
      x = inverted_residual(b, name + "." + std::to_string(i), x, block);
    }
    b.tap(name, x);
  }
  x = conv_norm(b, "head", x, {make_divisible(1280 * std::max(1.0, width)), {.kernel = 1, .init = init}, "relu6"});
  return pooled_classifier(b, request, x);
}

}  // namespace

Architecture arch_mobilenet_v2() {
  return {"mobilenet-v2",
          "inverted residuals with linear bottlenecks",
          "Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks, 2018, arXiv:1801.04381",
          {scale_param(),
           large_param("1: stride 2 in the stem and the second stage, as for images of 224 pixels; 0: stride 1"),
           dropout_param()},
          build_mobilenet_v2};
}

}  // namespace assay::zoo
