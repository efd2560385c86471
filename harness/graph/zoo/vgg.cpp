// VGG (Simonyan & Zisserman, ICLR 2015, table 1): configurations A, B, D and E, that is 11, 13, 16 and 19 weighted layers,
// of 3x3 convolutions in five stages with max pooling while the plane is larger than 1x1, then hidden layers.
#include "harness/base/error.hpp"
#include "harness/graph/zoo/blocks.hpp"

namespace assay::zoo {
namespace {

std::vector<std::int64_t> convolutions(std::int64_t depth) {
  switch (depth) {
    case 11: return {1, 1, 2, 2, 2};
    case 13: return {2, 2, 2, 2, 2};
    case 16: return {2, 2, 3, 3, 3};
    case 19: return {2, 2, 4, 4, 4};
    default: throw Error(Fault::bad_input, "params.depth: must be 11, 13, 16 or 19, not " + std::to_string(depth));
  }
}

// The paper's convolutions have biases; batch norm makes them superfluous.
std::string layer(graph::GraphBuilder& b, const std::string& name, const std::string& x, std::int64_t channels, bool norm) {
  if (norm) return conv_norm(b, name, x, {channels, {.kernel = 3}});
  return b.relu(name + ".relu", b.conv(name + ".conv", x, channels, {.kernel = 3, .bias = true}));
}

graph::Graph build_vgg(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const std::vector<std::int64_t> counts = convolutions(int_param(request, "depth"));
  const std::int64_t width = int_param(request, "width");
  const double p = real_param(request, "dropout");
  std::string x = b.input();
  for (std::int64_t stage = 1; stage <= 5; ++stage) {
    const std::string name = numbered("stage", stage);
    for (std::int64_t i = 1; i <= counts[static_cast<std::size_t>(stage) - 1]; ++i) {
      x = layer(b, name + "." + std::to_string(i), x, std::min(width << (stage - 1), 8 * width), int_param(request, "batch_norm") == 1);
    }
    const engine::Shape plane = b.shape(x);
    if (plane.size() == 3 && plane[1] >= 2 && plane[2] >= 2) x = b.max_pool(name + ".pool", x, 2, 2);
    b.tap(name, x);
  }
  x = b.flatten("flatten", x);
  std::int64_t n = 0;
  for (const Json& hidden : request.params.at("hidden").as_array()) {
    ++n;
    x = b.dropout(numbered("drop", n), b.relu(numbered("fc_relu", n), b.linear(numbered("fc", n), x, hidden.as_int())), p);
  }
  return b.finish(b.linear("classifier", x, request.classes), x, Json::object({}));
}

}  // namespace

Architecture arch_vgg() {
  return {"vgg", "VGG-11, 13, 16 or 19", "Simonyan & Zisserman, Very deep convolutional networks for large-scale image recognition, 2014, arXiv:1409.1556",
          {{"depth", 16, 11, 19, "weighted layers of the paper's net: 11, 13, 16 or 19"},
           width_param(64, "channels of the first stage; doubled by each next one up to eightfold"),
           {"batch_norm", 1, 0, 1, "1: batch norm after each convolution, which then has no bias; 0: as in the paper"},
           {"hidden", Json::parse("[512]"), 1, 65536, "width of each hidden layer before the classifier ([4096, 4096] in the paper)"},
           dropout_param()},
          build_vgg};
}

}  // namespace assay::zoo
