// ConvNeXt (Liu et al., CVPR 2022): depthwise 7x7 convolution, layer norm over channels, a perceptron of four times the
// width, a learned scale for each channel, and the sum. Without stochastic depth.
#include "harness/graph/zoo/metanext.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

// Layer norm over the channels of an image, at each pixel.
std::string channel_norm(GraphBuilder& b, const std::string& name, const std::string& x) {
  const engine::Shape in = b.shape(x);
  return b.image(name + ".image", b.layer_norm(name, b.tokens(name + ".tokens", x), 1e-6), in[1], in[2]);
}

std::string convnext_block(GraphBuilder& b, const std::string& name, const std::string& x, double scale) {
  const engine::Shape in = b.shape(x);
  const std::int64_t width = in[0];
  std::string y =
      b.conv(name + ".depthwise", x, width, {.kernel = 7, .bias = true, .groups = width, .init = metanext_init});
  y = b.layer_norm(name + ".norm", b.tokens(name + ".tokens", y), 1e-6);
  y = b.apply(name + ".gelu", "gelu", {b.linear(name + ".fc1", y, 4 * width, {.init = metanext_init})});
  y = b.linear(name + ".fc2", y, width, {.init = metanext_init});
  y = b.mul(name + ".scale", y, b.constant(name + ".gamma", {width}, static_cast<float>(scale)));
  return b.add(name + ".sum", x, b.image(name + ".image", y, in[1], in[2]));
}

graph::Graph build_convnext(const BuildRequest& request) {
  GraphBuilder b = start(request);
  const double scale = real_param(request, "layer_scale");
  const MetaNext net = {channel_norm, [&](const std::string& name, const std::string& x, std::size_t) {
                          return convnext_block(b, name, x, scale);
                        }};
  const std::string features = b.layer_norm("norm", b.global_pool("pool", metanext_stages(b, request, net)), 1e-6);
  const std::string x = b.dropout("drop", features, real_param(request, "dropout"));
  return b.finish(b.linear("classifier", x, request.classes, {.init = metanext_init}), features, Json::object({}));
}

}  // namespace

Architecture arch_convnext() {
  return {"convnext", "ConvNeXt (width 96, blocks [3, 3, 9, 3], patch 4: ConvNeXt-T)",
          "Liu et al., A ConvNet for the 2020s, 2022, arXiv:2201.03545", metanext_params(), build_convnext};
}

}  // namespace assay::zoo
