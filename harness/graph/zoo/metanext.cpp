// The frame that ConvNeXt and InceptionNeXt share.
#include "harness/graph/zoo/metanext.hpp"

#include "harness/graph/zoo/transformer.hpp"

namespace assay::zoo {

std::string metanext_stages(graph::GraphBuilder& b, const BuildRequest& request, const MetaNext& net) {
  const std::int64_t width = int_param(request, "width");
  graph::ConvOptions stem = patch_options(b, b.input(), int_param(request, "patch"));
  stem.init = metanext_init;
  std::string x = net.norm(b, "stem.norm", b.conv("stem", b.input(), width, stem));
  std::size_t stage = 0;
  for (const Json& blocks : request.params.at("blocks").as_array()) {
    const std::string name = numbered("stage", static_cast<std::int64_t>(stage) + 1);
    if (stage > 0) {
      const graph::ConvOptions halve = {.kernel = 2, .stride = 2, .pad = 0, .bias = true, .init = metanext_init};
      x = b.conv(name + ".down", net.norm(b, name + ".down.norm", x), width << stage, halve);
    }
    for (std::int64_t i = 1; i <= blocks.as_int(); ++i) x = net.block(name + "." + std::to_string(i), x, stage);
    b.tap(name, x);
    ++stage;
  }
  return x;
}

std::vector<ParamSpec> metanext_params() {
  return {{"blocks", Json::parse("[3, 3, 9, 3]"), 1, 100, "blocks of each stage"},
          width_param(96),
          {"patch", 2, 1, 16, "side of the patches of the stem (4 for images of 224 pixels)"},
          {"layer_scale", 1e-6, 0.0, 10.0, "start of the learned scale of each block's channels"},
          dropout_param()};
}

}  // namespace assay::zoo
