// InceptionNeXt (Yu et al., CVPR 2024): ConvNeXt's frame with batch norm, whose depthwise convolution is split by
// channels in a 3x3, a 1x11 and an 11x1 branch of an eighth each and an identity. Without stochastic depth.
#include "harness/base/error.hpp"
#include "harness/graph/zoo/metanext.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;
using graph::Sides;

std::string norm(GraphBuilder& b, const std::string& name, const std::string& x) { return b.batch_norm(name, x); }

std::string mixer(GraphBuilder& b, const std::string& name, const std::string& x) {
  const std::int64_t width = b.shape(x)[0], part = width / 8;
  if (part < 1)
    throw Error(Fault::bad_input, "params.width: must be at least 8: a branch has an eighth of the channels");
  std::vector<std::string> parts = {b.slice(name + ".identity", x, 0, 0, width - 3 * part)};
  const std::vector<std::pair<const char*, Sides>> branches = {{".square", 3}, {".row", {1, 11}}, {".column", {11, 1}}};
  std::int64_t from = width - 3 * part;
  for (const auto& [suffix, kernel] : branches) {
    const std::string own = name + suffix;
    parts.push_back(b.conv(own, b.slice(own + ".part", x, 0, from, part), part,
                           {.kernel = kernel, .bias = true, .groups = part, .init = metanext_init}));
    from += part;
  }
  return b.concat(name, parts, 0);
}

std::string inception_next_block(GraphBuilder& b, const std::string& name, const std::string& x,
                                 const BuildRequest& request, std::size_t stage) {
  const std::int64_t width = b.shape(x)[0], ratio = stage == 3 ? 3 : 4;  // as published: the last stage is narrower
  const graph::ConvOptions point = {.kernel = 1, .bias = true, .init = metanext_init};
  std::string y = b.batch_norm(name + ".norm", mixer(b, name + ".mixer", x));
  y = b.conv(name + ".fc2", b.apply(name + ".gelu", "gelu", {b.conv(name + ".fc1", y, ratio * width, point)}), width,
             point);
  const auto scale = static_cast<float>(real_param(request, "layer_scale"));
  return b.add(name + ".sum", x, b.mul(name + ".scale", y, b.constant(name + ".gamma", {1, width, 1, 1}, scale)));
}

graph::Graph build_inception_next(const BuildRequest& request) {
  GraphBuilder b = start(request);
  const MetaNext net = {norm, [&](const std::string& name, const std::string& x, std::size_t stage) {
                          return inception_next_block(b, name, x, request, stage);
                        }};
  std::string x = b.global_pool("pool", metanext_stages(b, request, net));
  x = b.linear("head", x, 3 * b.shape(x)[0], {.init = metanext_init});
  const std::string features = b.layer_norm("head.norm", b.apply("head.gelu", "gelu", {x}), 1e-6);
  x = b.dropout("drop", features, real_param(request, "dropout"));
  return b.finish(b.linear("classifier", x, request.classes, {.init = metanext_init}), features, Json::object({}));
}

}  // namespace

Architecture arch_inception_next() {
  return {"inception-next", "InceptionNeXt (width 96, blocks [3, 3, 9, 3], patch 4: InceptionNeXt-T)",
          "Yu et al., InceptionNeXt: when Inception meets ConvNeXt, 2024, arXiv:2303.16900", metanext_params(),
          build_inception_next};
}

}  // namespace assay::zoo
