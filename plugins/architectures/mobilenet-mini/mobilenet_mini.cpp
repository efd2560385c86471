// A reduced MobileNet (Howard et al., 2017, table 1): a stem convolution and depthwise-separable blocks with batch norm
// and ReLU, at widths for small images. `size` of the request multiplies the width (the paper's alpha).
#include "assay/sdk.hpp"

struct MobileNetMini {
  std::int64_t width;

  static constexpr assay::Info info{
      .id = "mobilenet-mini",
      .version = "1.0.0",
      .summary = "depthwise-separable convolutions at widths for small images",
      .title = "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
      .year = 2017,
      .arxiv = "1704.04861"};
  static constexpr auto params = assay::params(assay::integer(
      "width", &MobileNetMini::width, {.fallback = 32, .min = 4, .max = 512, .doc = "channels of the stem"}));

  struct Net {
    assay::Run& run;
    assay::Graph& graph;

    // He initialisation (fan in), keyed by the parameter's name.
    std::int32_t weight(const std::string& name, const assay::Shape& shape) {
      double fan_in = 1;
      for (std::size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
      return graph.param(name, run.normal(("init/" + name).c_str(), shape, 0, std::sqrt(2 / fan_in)));
    }

    std::int32_t norm_relu(const std::string& name, std::int32_t x, std::int64_t channels) {
      const std::int32_t gamma = graph.param(name + ".gamma", run.full({channels}, 1));
      const std::int32_t beta = graph.param(name + ".beta", run.full({channels}, 0));
      const std::int32_t mean = graph.param(name + ".mean", run.full({channels}, 0), true);
      const std::int32_t variance = graph.param(name + ".var", run.full({channels}, 1), true);
      return graph.node("relu", {graph.node("batch_norm", {x, gamma, beta, mean, variance})});
    }

    std::int32_t conv(const std::string& name, std::int32_t x, const assay::Shape& shape, std::int64_t stride,
                      std::int64_t groups) {
      const std::int64_t pad = shape[2] / 2;
      const std::int32_t y = graph.node("conv2d", {x, weight(name + ".weight", shape)},
                                        {{"stride", stride}, {"pad", pad}, {"groups", groups}});
      return norm_relu(name, y, shape[0]);
    }

    std::int32_t separable(const std::string& name, std::int32_t x, std::int64_t in, std::int64_t out, std::int64_t stride) {
      const std::int32_t depthwise = conv(name + ".depthwise", x, {in, 1, 3, 3}, stride, in);
      return conv(name + ".pointwise", depthwise, {out, in, 1, 1}, 1, 1);
    }
  };

  assay::Model build(assay::Run& run, const assay::Build& in) const {
    if (in.input_shape.size() != 3) assay::fail(ASSAY_INVALID, "mobilenet-mini needs images [C, H, W]");
    assay::Graph graph = run.graph();
    Net net{run, graph};
    const auto w = std::max<std::int64_t>(4, static_cast<std::int64_t>(static_cast<double>(width) * in.size));
    const std::int32_t x = graph.input("x", in.input_shape);
    std::int32_t y = net.conv("stem", x, {w, in.input_shape[0], 3, 3}, 1, 1);
    y = net.separable("block1", y, w, 2 * w, 2);
    y = net.separable("block2", y, 2 * w, 2 * w, 1);
    y = net.separable("block3", y, 2 * w, 4 * w, 2);
    y = net.separable("block4", y, 4 * w, 4 * w, 1);
    const std::int32_t features = graph.node("global_pool", {y});
    graph.tap("features", features);
    const std::int32_t head = net.weight("head.weight", {in.classes, 4 * w});
    const std::int32_t bias = graph.param("head.bias", run.full({in.classes}, 0));
    graph.output("logits", graph.node("linear", {features, head, bias}));
    return graph.finish();
  }
};

ASSAY_PLUGIN(MobileNetMini)
