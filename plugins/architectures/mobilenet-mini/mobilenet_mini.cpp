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
    std::string weight(const std::string& name, const assay::Shape& shape) {
      double fan_in = 1;
      for (std::size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
      return graph.add_param(name, run.normal(("init/" + name).c_str(), shape, 0, std::sqrt(2 / fan_in)));
    }

    std::string norm_relu(const std::string& name, const std::string& x, std::int64_t channels) {
      const std::string gamma = graph.add_param(name + ".gamma", run.full({channels}, 1));
      const std::string beta = graph.add_param(name + ".beta", run.full({channels}, 0));
      const std::string mean = graph.add_param(name + ".mean", run.full({channels}, 0), true);
      const std::string variance = graph.add_param(name + ".var", run.full({channels}, 1), true);
      return graph.node(name + ".relu", "relu", {graph.node(name + ".norm", "batch_norm", {x, gamma, beta, mean, variance})});
    }

    struct Conv {
      assay::Shape weights;  // [out, in / groups, k, k]
      std::int64_t stride = 1, groups = 1;
    };
    std::string conv(const std::string& name, const std::string& x, const Conv& c) {
      const std::string y = graph.node(name + ".conv", "conv2d", {x, weight(name + ".weight", c.weights)},
                                       {{"stride", c.stride}, {"pad", c.weights[2] / 2}, {"groups", c.groups}});
      return norm_relu(name, y, c.weights[0]);
    }

    struct Block {
      std::int64_t in, out, stride;
    };
    std::string separable(const std::string& name, const std::string& x, const Block& b) {
      const std::string depthwise =
          conv(name + ".depthwise", x, {.weights = {b.in, 1, 3, 3}, .stride = b.stride, .groups = b.in});
      return conv(name + ".pointwise", depthwise, {.weights = {b.out, b.in, 1, 1}});
    }
  };

  assay::Model build(assay::Run& run, const assay::Build& in) const {
    if (in.input_shape.size() != 3) assay::fail(ASSAY_INVALID, "mobilenet-mini needs images [C, H, W]");
    assay::Graph graph = run.graph();
    Net net{run, graph};
    const auto w = std::max<std::int64_t>(4, static_cast<std::int64_t>(static_cast<double>(width) * in.size));
    const std::string x = graph.input("x", in.input_shape);
    std::string y = net.conv("stem", x, {.weights = {w, in.input_shape[0], 3, 3}});
    y = net.separable("block1", y, {w, 2 * w, 2});
    y = net.separable("block2", y, {2 * w, 2 * w, 1});
    y = net.separable("block3", y, {2 * w, 4 * w, 2});
    y = net.separable("block4", y, {4 * w, 4 * w, 1});
    const std::string features = graph.node("features", "global_pool", {y});
    graph.tap("features", features);
    const std::string head = net.weight("head.weight", {in.classes, 4 * w});
    const std::string bias = graph.add_param("head.bias", run.full({in.classes}, 0));
    graph.output("logits", graph.node("logits", "linear", {features, head, bias}));
    return graph.finish();
  }
};

ASSAY_PLUGIN(MobileNetMini)
