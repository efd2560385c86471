// Pieces that several convolutional architectures are made of.
#include "harness/graph/zoo/blocks.hpp"

#include <algorithm>

namespace assay::zoo {

using graph::GraphBuilder;
using graph::InitKind;

std::string activation(GraphBuilder& b, const std::string& name, const std::string& x, const std::string& act) {
  if (act == "relu6") return b.apply(name, "clamp", {x}, {{"min", 0.0}, {"max", 6.0}});
  return b.apply(name, act, {x});
}

std::string conv_norm(GraphBuilder& b, const std::string& name, const std::string& x, const ConvNorm& layer) {
  const std::string y = b.batch_norm(name + ".bn", b.conv(name + ".conv", x, layer.channels, layer.conv), layer.eps);
  const std::string act = layer.act;
  return act.empty() ? y : activation(b, name + "." + act, y, act);
}

std::int64_t make_divisible(double channels, std::int64_t divisor) {
  const auto step = static_cast<double>(divisor);
  const std::int64_t nearest = static_cast<std::int64_t>((channels + step / 2) / step) * divisor;
  const std::int64_t rounded = std::max(divisor, nearest);
  return static_cast<double>(rounded) < 0.9 * channels ? rounded + divisor : rounded;
}

graph::Graph pooled_classifier(GraphBuilder& b, const BuildRequest& request, const std::string& x) {
  const std::string features = b.global_pool("pool", x);
  const std::string y = b.dropout("drop", features, real_param(request, "dropout"));
  return b.finish(b.linear("classifier", y, request.classes), features, Json::object({}));
}

std::string inverted_residual(GraphBuilder& b, const std::string& name, const std::string& x, const InvertedResidual& block) {
  const std::int64_t in = b.shape(x)[0];
  const graph::Init init = {InitKind::he_normal_out};
  std::string y = x;
  if (block.expanded != in) {
    y = conv_norm(b, name + ".expand", y, {block.expanded, {.kernel = 1, .init = init}, block.act, block.eps});
  }
  // He's fan-out of one channel: a depthwise layer's channels do not mix.
  const graph::ConvOptions depthwise = {.kernel = block.kernel, .stride = block.stride, .groups = block.expanded, .init = init};
  y = conv_norm(b, name + ".depthwise", y, {block.expanded, depthwise, block.act, block.eps});
  if (block.squeezed > 0) y = b.squeeze_excite(name + ".se", y, block.squeezed, block.squeeze_act, block.gate);
  y = conv_norm(b, name + ".project", y, {block.channels, {.kernel = 1, .init = init}, "", block.eps});
  return block.stride == 1 && in == block.channels ? b.add(name + ".sum", x, y) : y;
}

}  // namespace assay::zoo
