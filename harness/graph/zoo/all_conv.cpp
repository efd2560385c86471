// A small all-convolutional net (after Springenberg et al., arXiv:1412.6806): strided convolutions instead of pooling,
// batch norm, global average. The quickstart's subject: made to train in a minute on one core.
#include "harness/graph/builder.hpp"
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

graph::Graph build_all_conv(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const double p = request.params.at("dropout").as_real();
  const std::int64_t width = request.params.at("width").as_int(), depth = request.params.at("depth").as_int();
  std::string x = b.input();
  for (int stage = 1; stage <= 3; ++stage) {
    const std::int64_t channels = width << (stage - 1);
    for (std::int64_t layer = 1; layer <= depth; ++layer) {
      const auto name = [&](const char* kind) { return numbered(numbered(kind, stage) + "_", layer); };
      const std::int64_t stride = layer == 1 ? 2 : 1;
      x = b.relu(name("relu"), b.batch_norm(name("bn"), b.conv(name("conv"), x, channels, {.kernel = 3, .stride = stride})));
    }
    b.tap(numbered("stage", stage), x);
    if (stage < 3) x = b.dropout(numbered("drop", stage), x, p / 2);
  }
  x = b.global_pool("pool", x);
  const std::string features = x;
  x = b.dropout("drop3", x, p);
  return b.finish(b.linear("classifier", x, request.classes), features, Json::object({}));
}

}  // namespace

Architecture arch_all_conv() {
  return {"all-conv", "small all-convolutional net: 3 stages of strided 3x3 convolutions with batch norm, global average",
          "after Springenberg et al., Striving for simplicity: the all convolutional net, 2014, arXiv:1412.6806",
          {{"width", 16, 1, 512, "channels of the first stage; doubled by each next one"},
           {"depth", 2, 1, 16, "convolutions a stage"},
           {"dropout", 0.0, 0.0, 0.9, "probability of dropout before the classifier, half of it after the first two stages; 0: none"}},
          build_all_conv};
}

}  // namespace assay::zoo
