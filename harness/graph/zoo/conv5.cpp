// Five 3x3 convolutions with batch norm and ReLU, global average, one linear layer: a small net without pooling or
// shortcuts, whose five layers before the ReLU are alike in form. Subject of the suites on ensemble training.
#include "harness/graph/builder.hpp"
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

graph::Graph build_conv5(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const std::int64_t width = request.params.at("width").as_int();
  const std::int64_t channels[] = {width, 2 * width, 2 * width, 4 * width, 4 * width}, strides[] = {1, 2, 1, 2, 1};
  std::string x = b.input();
  for (int layer = 0; layer < 5; ++layer) {
    const auto name = [&](const char* kind) { return numbered(kind, layer + 1); };
    x = b.conv(name("conv"), x, channels[layer], {.kernel = 3, .stride = strides[layer]});
    x = b.relu(name("relu"), b.batch_norm(name("bn"), x));
  }
  const std::string features = b.global_pool("pool", x);
  return b.finish(b.linear("classifier", features, request.classes), features, Json::object({}));
}

}  // namespace

Architecture arch_conv5() {
  return {"conv5", "five 3x3 convolutions with batch norm, two of them strided, global average",
          "after Springenberg et al., Striving for simplicity: the all convolutional net, 2014, arXiv:1412.6806",
          {{"width", 16, 1, 512, "channels of the first layer; twice as many of the next two, four times of the last two"}},
          build_conv5};
}

}  // namespace assay::zoo
