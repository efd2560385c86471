// Convolutional autoencoder: halving convolutions, a code, and the adjoint convolutions back. Entry points "code" and
// "reconstruction".
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

graph::Graph build_conv(const BuildRequest& request) {
  GraphBuilder b = start(request);
  const std::int64_t width = int_param(request, "width"), depth = int_param(request, "depth");
  const graph::ConvOptions halving = {.kernel = 4, .stride = 2, .pad = 1, .bias = true};
  std::string x = b.input();
  for (std::int64_t i = 1; i <= depth; ++i) x = b.relu(numbered("encode.relu", i), b.conv(numbered("encode", i), x, width << (i - 1), halving));
  const engine::Shape plane = b.shape(x);
  x = b.linear("code", b.flatten("flatten", x), int_param(request, "code"));
  b.output("code", x);
  b.tap("features", x);
  x = b.relu("expand.relu", b.linear("expand", x, engine::element_count(plane)));
  x = b.reshape("plane", x, plane);
  for (std::int64_t i = 1; i <= depth; ++i) {
    const std::int64_t channels = i == depth ? request.input.at(0) : width << (depth - 1 - i);
    x = b.conv_transpose(numbered("decode", i), x, channels, halving);
    x = i == depth ? b.apply("reconstruction", "sigmoid", {x}) : b.relu(numbered("decode.relu", i), x);
  }
  b.output("reconstruction", x);
  return b.finish(Json::object({}));
}

}  // namespace

Architecture arch_conv_autoencoder() {
  return {"conv-autoencoder", "convolutional encoder and decoder", "after Masci et al., Stacked convolutional auto-encoders for hierarchical feature extraction, 2011",
          {width_param(32, "channels of the first layer; doubled by each next one"),
           {"depth", 3, 1, 8, "halving convolutions; the image's sides must be multiples of 2^depth"},
           {"code", 64, 1, 65536, "features of the code"}},
          build_conv};
}

}  // namespace assay::zoo
