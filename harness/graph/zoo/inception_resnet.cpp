// Inception-ResNet-v2 (Szegedy et al., AAAI 2017, figures 10 to 18): inception blocks as residuals, scaled before the
// sum. Width 1, blocks [10, 20, 10] and `large` give the paper's net in the form of its authors' released code.
#include "harness/graph/zoo/inception.hpp"

namespace assay::zoo {
namespace {

using Steps = std::vector<InceptionStep>;

struct Residual {
  std::vector<Steps> branches;
  double scale = 1;
};

// relu(x + scale * conv1x1(branches joined)).
std::string scaled_residual(const Inception& net, const std::string& name, const std::string& x, const Residual& block,
                            bool last) {
  graph::GraphBuilder& b = net.b;
  std::vector<std::string> parts;
  for (const Steps& steps : block.branches) {
    const auto index = static_cast<std::int64_t>(parts.size()) + 1;
    parts.push_back(net.branch(name + numbered(".branch", index), x, steps));
  }
  const std::string joined =
      b.conv(name + ".up", b.concat(name + ".join", parts, 0), b.shape(x)[0], {.kernel = 1, .bias = true});
  const std::string scaled = b.apply(name + ".scale", "affine", {joined}, {{"scale", block.scale}});
  const std::string sum = b.add(name + ".sum", x, scaled);
  return last ? sum : b.relu(name + ".relu", sum);
}

std::string stem_resnet(const Inception& net) {
  std::string x = net.first(net.b.input());
  if (net.large) {
    x = net.branch("stem.a", net.reduce_pool("stem.pool1", x), {{80}, {192, 3, 1, true}});
    x = net.reduce_pool("stem.pool2", x);
  } else {
    x = net.branch("stem.a", x, {{192, 3}});
  }
  return net.b.concat("mixed",
                      {net.branch("mixed.a", x, {{96}}), net.branch("mixed.b", x, {{48}, {64, 5}}),
                       net.branch("mixed.c", x, {{64}, {96, 3}, {96, 3}}), net.average_branch("mixed.d", x, 64)},
                      0);
}

std::string reduce_a(const Inception& net, const std::string& x) {
  return net.reduce("reduce1", x, {{{384, 3, 2, true}}, {{256}, {256, 3}, {384, 3, 2, true}}});
}

std::string reduce_b(const Inception& net, const std::string& x) {
  const Steps first = {{256}, {384, 3, 2, true}}, second = {{256}, {288, 3, 2, true}},
              third = {{256}, {288, 3}, {320, 3, 2, true}};
  return net.reduce("reduce2", x, {first, second, third});
}

const std::vector<Residual>& stages() {
  static const std::vector<Residual> all = {
      {{{{32}}, {{32}, {32, 3}}, {{32}, {48, 3}, {64, 3}}}, 0.17},
      {{{{192}}, {{128}, {160, {1, 7}}, {192, {7, 1}}}}, 0.10},
      {{{{192}}, {{192}, {224, {1, 3}}, {256, {3, 1}}}}, 0.20},
  };
  return all;
}

graph::Graph build_inception_resnet(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const Inception net{b, real_param(request, "width"), int_param(request, "large") == 1};
  const auto& counts = request.params.at("blocks").as_array();
  std::string x = stem_resnet(net);
  for (std::size_t stage = 0; stage < stages().size(); ++stage) {
    const std::string name = numbered("stage", static_cast<std::int64_t>(stage) + 1);
    const std::int64_t blocks = stage < counts.size() ? counts[stage].as_int() : 0;
    for (std::int64_t i = 1; i <= blocks; ++i) {
      // The very last block is not scaled and keeps its sign: a convolution follows.
      const bool last = stage == 2 && i == blocks;
      Residual block = stages()[stage];
      if (last) block.scale = 1;
      x = scaled_residual(net, name + "." + std::to_string(i), x, block, last);
    }
    b.tap(name, x);
    if (stage == 0) x = reduce_a(net, x);
    if (stage == 1) x = reduce_b(net, x);
  }
  return pooled_classifier(b, request, net.branch("head", x, {{1536}}));
}

}  // namespace

Architecture arch_inception_resnet() {
  return {"inception-resnet", "Inception-ResNet-v2, reduced by width and blocks",
          "Szegedy et al., Inception-v4, Inception-ResNet and the impact of residual connections on learning, 2017, "
          "arXiv:1602.07261",
          inception_params("[2, 2, 2]"), build_inception_resnet};
}

}  // namespace assay::zoo
