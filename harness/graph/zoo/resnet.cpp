// Residual nets for small images (He et al., CVPR 2016, section 4.2): 3x3 convolutions, stages of w, 2w, 4w channels.
// ResNet-20 on 3x32x32, 10 classes: 0.27 M parameters and 40.8 M multiply-adds (identity shortcuts in the paper; the two
// projections add 2,560 weights and 0.26 M multiply-adds).
#include "harness/graph/zoo/resnet.hpp"

#include "harness/graph/builder.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

std::string block(GraphBuilder& b, const std::string& name, const std::string& x, std::int64_t channels, std::int64_t stride) {
  std::string y = b.conv(name + ".conv1", x, channels, {.kernel = 3, .stride = stride});
  y = b.relu(name + ".relu1", b.batch_norm(name + ".bn1", y));
  y = b.batch_norm(name + ".bn2", b.conv(name + ".conv2", y, channels));
  std::string shortcut = x;
  if (stride != 1 || b.shape(x)[0] != channels) {
    shortcut = b.batch_norm(name + ".bn3", b.conv(name + ".conv3", x, channels, {.kernel = 1, .stride = stride}));
  }
  return b.relu(name + ".relu2", b.add(name + ".sum", y, shortcut));
}

graph::Graph build_resnet(const BuildRequest& request, std::int64_t blocks) {
  GraphBuilder b(request.input, request.seed);
  const std::int64_t width = request.params.at("width").as_int();
  std::string x = b.relu("relu1", b.batch_norm("bn1", b.conv("conv1", b.input(), width)));
  for (int stage = 1; stage <= 3; ++stage) {
    for (std::int64_t i = 1; i <= blocks; ++i) {
      const std::string name = "stage" + std::to_string(stage) + "." + std::to_string(i);
      x = block(b, name, x, width << (stage - 1), stage > 1 && i == 1 ? 2 : 1);
    }
    b.tap("stage" + std::to_string(stage), x);
  }
  x = b.global_pool("pool", x);
  const std::string features = x;
  x = b.dropout("drop", x, request.params.at("dropout").as_real());
  return b.finish(b.linear("classifier", x, request.classes), features, Json::object({}));
}

}  // namespace

Architecture cifar_resnet(const std::string& name, std::int64_t blocks) {
  const std::int64_t layers = 6 * blocks + 2;
  return {name, "residual net for small images, " + std::to_string(layers) + " layers",
          "He et al., Deep residual learning for image recognition, 2016, arXiv:1512.03385",
          {{"width", 16, 1, 512, "channels of the first stage; doubled by each next one"}, dropout_param()},
          [blocks](const BuildRequest& request) { return build_resnet(request, blocks); }};
}

}  // namespace assay::zoo
