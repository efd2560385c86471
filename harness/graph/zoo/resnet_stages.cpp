// ResNet-18 and ResNet-34 (He et al., CVPR 2016, table 1): four stages of basic blocks with projections. The stem is
// 3x3 for small images, or the paper's 7x7 with stride 2 and max pooling.
#include "harness/graph/zoo/blocks.hpp"
#include "harness/graph/zoo/resnet.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

std::string resnet_stem(GraphBuilder& b, std::int64_t width, bool large) {
  if (!large) return conv_norm(b, "stem", b.input(), {width, {.kernel = 3}});
  const std::string x = conv_norm(b, "stem", b.input(), {width, {.kernel = 7, .stride = 2}});
  return b.max_pool("stem.pool", x, {.kernel = 3, .stride = 2, .pad = 1});
}

graph::Graph build_stages(const BuildRequest& request, const std::vector<std::int64_t>& blocks) {
  GraphBuilder b = start(request);
  const std::int64_t width = int_param(request, "width");
  std::string x = resnet_stem(b, width, int_param(request, "large") == 1);
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    const std::string name = numbered("stage", static_cast<std::int64_t>(stage) + 1);
    for (std::int64_t i = 1; i <= blocks[stage]; ++i) {
      x = basic_block(b, name + "." + std::to_string(i), x, {width << stage, stage > 0 && i == 1 ? 2 : 1});
    }
    b.tap(name, x);
  }
  return pooled_classifier(b, request, x);
}

Architecture with_stages(const std::string& name, const std::vector<std::int64_t>& blocks) {
  return {
      name,
      "residual net of four stages of basic blocks",
      "He et al., Deep residual learning for image recognition, 2016, arXiv:1512.03385",
      {width_param(64), large_param("stem: 0 a 3x3 convolution, for small images; 1 7x7 with stride 2 and max pooling"),
       dropout_param()},
      [blocks](const BuildRequest& request) { return build_stages(request, blocks); }};
}

}  // namespace

Architecture arch_resnet18() { return with_stages("resnet18", {2, 2, 2, 2}); }
Architecture arch_resnet34() { return with_stages("resnet34", {3, 4, 6, 3}); }

}  // namespace assay::zoo
