// Nets for series [C, L] or [L]: a fully convolutional net and a residual net (Wang et al., IJCNN 2017). A series is an
// image of height 1, so its convolutions are those of images.
#include "harness/base/error.hpp"
#include "harness/graph/zoo/blocks.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;
using graph::Sides;

std::string series_input(GraphBuilder& b) {
  const engine::Shape in = b.shape(b.input());
  if (in.size() == 1) return b.reshape("series", b.input(), {1, 1, in[0]});
  if (in.size() == 2) return b.reshape("series", b.input(), {in[0], 1, in[1]});
  throw Error(Fault::bad_input, "needs a series [C, L] or [L], not " + engine::shape_str(in));
}

// Even kernels have one more padded step behind than before.
graph::ConvOptions along(std::int64_t kernel, std::int64_t stride = 1) {
  return {.kernel = Sides{1, kernel}, .stride = Sides{1, stride}, .pads = {0, (kernel - 1) / 2, 0, kernel / 2}};
}

std::vector<std::int64_t> list(const BuildRequest& request, const char* name) {
  std::vector<std::int64_t> values;
  for (const Json& item : request.params.at(name).as_array()) values.push_back(item.as_int());
  return values;
}

graph::Graph build_cnn(const BuildRequest& request) {
  GraphBuilder b = start(request);
  const std::vector<std::int64_t> channels = list(request, "channels"), kernels = list(request, "kernels");
  if (channels.size() != kernels.size())
    throw Error(Fault::bad_input, "params.kernels: must have as many entries as channels");
  std::string x = series_input(b);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string name = numbered("layer", static_cast<std::int64_t>(i) + 1);
    x = conv_norm(b, name, x, {channels[i], along(kernels[i], int_param(request, "stride"))});
    b.tap(name, x);
  }
  return pooled_classifier(b, request, x);
}

std::string residual_block(GraphBuilder& b, const std::string& name, const std::string& x, std::int64_t channels,
                           const std::vector<std::int64_t>& kernels) {
  std::string y = x;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const bool last = i + 1 == kernels.size();
    y = conv_norm(b, name + numbered(".layer", static_cast<std::int64_t>(i) + 1), y,
                  {channels, along(kernels[i]), last ? "" : "relu"});
  }
  const bool same = b.shape(x)[0] == channels;
  const std::string shortcut =
      same ? b.batch_norm(name + ".shortcut.bn", x) : conv_norm(b, name + ".shortcut", x, {channels, along(1), ""});
  return b.relu(name + ".relu", b.add(name + ".sum", y, shortcut));
}

graph::Graph build_cifar_resnet(const BuildRequest& request) {
  GraphBuilder b = start(request);
  std::string x = series_input(b);
  std::int64_t number = 0;
  for (const std::int64_t channels : list(request, "channels")) {
    const std::string name = numbered("block", ++number);
    x = residual_block(b, name, x, channels, list(request, "kernels"));
    b.tap(name, x);
  }
  return pooled_classifier(b, request, x);
}

constexpr const char* series_citation =
    "Wang et al., Time series classification from scratch with deep neural networks: a strong baseline, 2017, "
    "arXiv:1611.06455";

}  // namespace

Architecture arch_cnn1d() {
  return {"cnn1d",
          "fully convolutional net for series",
          series_citation,
          {{"channels", Json::parse("[128, 256, 128]"), 1, 4096, "channels of each convolution"},
           {"kernels", Json::parse("[8, 5, 3]"), 1, 1024, "kernel length of each convolution"},
           {"stride", 1, 1, 64, "stride of every convolution (1 in the paper)"},
           dropout_param()},
          build_cnn};
}

Architecture arch_resnet1d() {
  return {"resnet1d",
          "residual net for series",
          series_citation,
          {{"channels", Json::parse("[64, 128, 128]"), 1, 4096, "channels of each residual block"},
           {"kernels", Json::parse("[8, 5, 3]"), 1, 1024, "kernel length of each convolution of a block"},
           dropout_param()},
          build_cifar_resnet};
}

}  // namespace assay::zoo
