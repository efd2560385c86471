// Residual nets for small images (He et al., CVPR 2016, section 4.2): 3x3 convolutions, three stages of w, 2w, 4w
// channels. ResNet-20 on 3x32x32: 40.8 M multiply-adds with projections, 40.6 M with the paper's padded shortcuts.
#include "harness/graph/zoo/resnet.hpp"

#include "harness/base/error.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

constexpr const char* citation = "He et al., Deep residual learning for image recognition, 2016, arXiv:1512.03385";

std::string padded_shortcut(GraphBuilder& b, const std::string& name, const std::string& x, const BasicBlock& block) {
  using engine::Shape;
  const std::int64_t missing = block.channels - b.shape(x)[0];
  if (missing < 0) throw Error(Fault::bad_input, "block '" + name + "' has fewer channels than its input: padding cannot remove any");
  const std::string thinned = b.apply(name + ".thin", "slice", {x}, {{"step", Shape{1, 1, block.stride, block.stride}}});
  return b.apply(name + ".pad", "pad", {thinned}, {{"before", Shape{0, missing / 2, 0, 0}}, {"after", Shape{0, missing - missing / 2, 0, 0}}});
}

std::string shortcut_of(GraphBuilder& b, const std::string& name, const std::string& x, const BasicBlock& block) {
  if (block.stride == 1 && b.shape(x)[0] == block.channels) return x;
  if (block.shortcut == Shortcut::padding) return padded_shortcut(b, name, x, block);
  return b.batch_norm(name + ".bn3", b.conv(name + ".conv3", x, block.channels, {.kernel = 1, .stride = block.stride}));
}

graph::Graph build_resnet(const BuildRequest& request, std::int64_t blocks, Shortcut shortcut) {
  GraphBuilder b = start(request);
  const std::int64_t width = int_param(request, "width");
  std::string x = b.relu("relu1", b.batch_norm("bn1", b.conv("conv1", b.input(), width)));
  for (int stage = 1; stage <= 3; ++stage) {
    for (std::int64_t i = 1; i <= blocks; ++i) {
      const std::string name = "stage" + std::to_string(stage) + "." + std::to_string(i);
      x = basic_block(b, name, x, {width << (stage - 1), stage > 1 && i == 1 ? 2 : 1, shortcut});
    }
    b.tap("stage" + std::to_string(stage), x);
  }
  x = b.global_pool("pool", x);
  const std::string features = x;
  x = b.dropout("drop", x, real_param(request, "dropout"));
  return b.finish(b.linear("classifier", x, request.classes), features, Json::object({}));
}

graph::Graph build_of_depth(const BuildRequest& request) {
  const std::int64_t depth = int_param(request, "depth");
  if (depth % 6 != 2) throw Error(Fault::bad_input, "params.depth: must be 6 n + 2 (20, 32, 44, 56, 110 ...), not " + std::to_string(depth));
  return build_resnet(request, depth / 6, int_param(request, "padding") == 1 ? Shortcut::padding : Shortcut::projection);
}

}  // namespace

std::string basic_block(GraphBuilder& b, const std::string& name, const std::string& x, const BasicBlock& block) {
  std::string y = b.conv(name + ".conv1", x, block.channels, {.kernel = 3, .stride = block.stride});
  y = b.relu(name + ".relu1", b.batch_norm(name + ".bn1", y));
  y = b.batch_norm(name + ".bn2", b.conv(name + ".conv2", y, block.channels));
  return b.relu(name + ".relu2", b.add(name + ".sum", y, shortcut_of(b, name, x, block)));
}

Architecture cifar_resnet(const std::string& name, std::int64_t blocks) {
  const std::int64_t layers = 6 * blocks + 2;
  return {name, "residual net for small images, " + std::to_string(layers) + " layers", citation,
          {{"width", 16, 1, 512, "channels of the first stage; doubled by each next one"}, dropout_param()},
          [blocks](const BuildRequest& request) { return build_resnet(request, blocks, Shortcut::projection); }};
}

Architecture arch_resnet() {
  return {"resnet", "residual net for small images of any depth 6 n + 2", citation,
          {{"depth", 20, 8, 1202, "weighted layers: 6 n + 2"},
           {"padding", 0, 0, 1, "shortcuts between stages: 0 1x1 projections (option B), 1 padding with zeros (option A, the paper's choice)"},
           width_param(16),
           dropout_param()},
          build_of_depth};
}

}  // namespace assay::zoo
