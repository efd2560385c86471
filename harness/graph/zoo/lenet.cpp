// LeNet-5 as it is used today: max pooling and relu in place of sub-sampling and tanh, full connection from S2 to C3.
// On 1x32x32 with 10 classes: 61,706 parameters, 416,520 multiply-adds (LeCun et al., Proc. IEEE 1998, sizes of Fig. 2).
#include "harness/graph/builder.hpp"
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

graph::Graph build_lenet(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const double p = request.params.at("dropout").as_real();
  const std::int64_t width = request.params.at("width").as_int();
  // 28x28 images (MNIST's size) are padded to the paper's 32x32 by the first convolution.
  const std::int64_t pad = request.input.size() == 3 && request.input[1] < 32 ? 2 : 0;
  std::string x = b.relu("relu1", b.conv("conv1", b.input(), 6 * width, {.kernel = 5, .pad = pad, .bias = true}));
  x = b.max_pool("pool1", x, 2, 2);
  x = b.relu("relu2", b.conv("conv2", x, 16 * width, {.kernel = 5, .pad = 0, .bias = true}));
  x = b.flatten("flatten", b.max_pool("pool2", x, 2, 2));
  b.tap("conv", x);
  x = b.dropout("drop1", b.relu("relu3", b.linear("fc1", x, 120 * width)), p);
  x = b.dropout("drop2", b.relu("relu4", b.linear("fc2", x, 84 * width)), p);
  const std::string features = x;
  return b.finish(b.linear("classifier", x, request.classes), features, Json::object({}));
}

}  // namespace

Architecture arch_lenet() {
  return {"lenet", "LeNet-5 with relu and max pooling", "LeCun et al., Gradient-based learning applied to document recognition, 1998",
          {{"width", 1, 1, 16, "multiplies every layer's width"}, dropout_param()}, build_lenet};
}

}  // namespace assay::zoo
