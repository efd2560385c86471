// DenseNet-BC (Huang et al., CVPR 2017): each layer's input is the concatenation of all earlier outputs of its block;
// 1x1 bottlenecks of four times the growth, transitions that keep a share of the channels and halve the plane.
#include <cmath>

#include "harness/graph/zoo/blocks.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

std::string norm_relu(GraphBuilder& b, const std::string& name, const std::string& x) {
  return b.relu(name + ".relu", b.batch_norm(name + ".bn", x));
}

struct Dense {
  std::int64_t growth = 0, layers = 0;
  bool bottleneck = true;
};

std::string dense_block(GraphBuilder& b, const std::string& name, const std::string& x, const Dense& block) {
  std::string all = x;
  for (std::int64_t i = 1; i <= block.layers; ++i) {
    const std::string layer = name + "." + std::to_string(i);
    std::string y = norm_relu(b, layer + ".first", all);
    if (block.bottleneck)
      y = norm_relu(b, layer + ".second", b.conv(layer + ".bottleneck", y, 4 * block.growth, {.kernel = 1}));
    all = b.concat(layer + ".join", {all, b.conv(layer + ".conv", y, block.growth)}, 0);
  }
  return all;
}

std::string densenet_stem(GraphBuilder& b, std::int64_t growth, bool large) {
  if (!large) return b.conv("stem", b.input(), 2 * growth);
  const std::string x = conv_norm(b, "stem", b.input(), {2 * growth, {.kernel = 7, .stride = 2}});
  return b.max_pool("stem.pool", x, {.kernel = 3, .stride = 2, .pad = 1});
}

graph::Graph build_densenet(const BuildRequest& request) {
  GraphBuilder b = start(request);
  Dense block;
  block.growth = int_param(request, "growth");
  block.bottleneck = int_param(request, "bottleneck") == 1;
  const double kept = real_param(request, "compression");
  std::string x = densenet_stem(b, block.growth, int_param(request, "large") == 1);
  std::int64_t number = 0;
  const std::size_t blocks = request.params.at("blocks").as_array().size();
  for (const Json& layers : request.params.at("blocks").as_array()) {
    const std::string name = numbered("block", ++number);
    block.layers = layers.as_int();
    x = dense_block(b, name, x, block);
    b.tap(name, x);
    if (number == static_cast<std::int64_t>(blocks)) break;
    const std::string next = numbered("transition", number);
    const auto channels = static_cast<std::int64_t>(std::floor(static_cast<double>(b.shape(x)[0]) * kept));
    x = b.avg_pool(next + ".pool", b.conv(next + ".conv", norm_relu(b, next, x), channels, {.kernel = 1}), 2, 2);
  }
  return pooled_classifier(b, request, norm_relu(b, "last", x));
}

}  // namespace

Architecture arch_densenet() {
  return {"densenet",
          "densely connected net, DenseNet-BC",
          "Huang et al., Densely connected convolutional networks, 2017, arXiv:1608.06993",
          {{"blocks", Json::parse("[16, 16, 16]"), 1, 200,
            "layers of each dense block ([16, 16, 16]: 100 weighted layers)"},
           {"growth", 12, 1, 256, "channels that a layer adds"},
           {"compression", 0.5, 0.05, 1.0, "share of the channels that a transition keeps"},
           {"bottleneck", 1, 0, 1, "1: 1x1 convolutions before the 3x3 ones"},
           large_param("stem: 0 a 3x3 convolution, for small images; 1 7x7 with stride 2 and max pooling"),
           dropout_param()},
          build_densenet};
}

}  // namespace assay::zoo
