// VGG-11 for small images: the paper's configuration A with batch norm, one linear classifier, and pooling only while
// the plane is larger than 1x1. On 3x32x32, 10 classes: 9.2 M parameters, 152.9 M multiply-adds at width 64.
#include "harness/graph/builder.hpp"
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

graph::Graph build_vgg11_small(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const std::int64_t width = request.params.at("width").as_int();
  constexpr std::int64_t pool = 0;  // otherwise a convolution of that many times `width` channels
  std::string x = b.input();
  std::int64_t conv = 0, pools = 0;
  for (const std::int64_t item : {std::int64_t{1}, pool, std::int64_t{2}, pool, std::int64_t{4}, std::int64_t{4}, pool,
                                  std::int64_t{8}, std::int64_t{8}, pool, std::int64_t{8}, std::int64_t{8}, pool}) {
    if (item != pool) {
      ++conv;
      x = b.relu(numbered("relu", conv),
                 b.batch_norm(numbered("bn", conv), b.conv(numbered("conv", conv), x, item * width)));
      continue;
    }
    const engine::Shape shape = b.shape(x);
    ++pools;
    if (shape[1] >= 2 && shape[2] >= 2) x = b.max_pool(numbered("pool", pools), x, 2, 2);
    b.tap(numbered("stage", pools), x);
  }
  x = b.global_pool("pool", x);
  const std::string features = x;
  x = b.dropout("drop", x, request.params.at("dropout").as_real());
  return b.finish(b.linear("classifier", x, request.classes), features, Json::object({}));
}

}  // namespace

Architecture arch_vgg11_small() {
  return {
      "vgg11-small",
      "VGG-11 with batch norm and one linear layer, for small images",
      "Simonyan & Zisserman, Very deep convolutional networks for large-scale image recognition, 2014, arXiv:1409.1556",
      {{"width", 32, 1, 512, "channels of the first layer (64 in the paper)"}, dropout_param()},
      build_vgg11_small};
}

}  // namespace assay::zoo
