// Inception-v4 (Szegedy et al., AAAI 2017, figures 3 to 9). Width 1, blocks [4, 7, 3] and `large` give the paper's net.
#include "harness/graph/zoo/inception.hpp"

namespace assay::zoo {
namespace {

using StepsV4 = std::vector<InceptionStep>;

std::string stem_v4(const Inception& net) {
  std::string x = net.first(net.b.input());
  if (!net.large) return net.branch("stem.wide", x, {{384, 3}});
  x = net.b.concat("stem.join1", {net.reduce_pool("stem.pool1", x), net.branch("stem.a", x, {{96, 3, 2, true}})}, 0);
  const StepsV4 bands = {{64}, {64, {1, 7}}, {64, {7, 1}}, {96, 3, 1, true}};
  x = net.b.concat("stem.join2", {net.branch("stem.b", x, {{64}, {96, 3, 1, true}}), net.branch("stem.c", x, bands)},
                   0);
  return net.b.concat("stem.join3", {net.branch("stem.d", x, {{192, 3, 2, true}}), net.reduce_pool("stem.pool2", x)},
                      0);
}

std::string block_a(const Inception& net, const std::string& name, const std::string& x) {
  return net.b.concat(name,
                      {net.branch(name + ".a", x, {{96}}), net.branch(name + ".b", x, {{64}, {96, 3}}),
                       net.branch(name + ".c", x, {{64}, {96, 3}, {96, 3}}), net.average_branch(name + ".d", x, 96)},
                      0);
}

std::string block_b(const Inception& net, const std::string& name, const std::string& x) {
  const StepsV4 twice = {{192}, {192, {7, 1}}, {224, {1, 7}}, {224, {7, 1}}, {256, {1, 7}}};
  return net.b.concat(
      name,
      {net.branch(name + ".a", x, {{384}}), net.branch(name + ".b", x, {{192}, {224, {1, 7}}, {256, {7, 1}}}),
       net.branch(name + ".c", x, twice), net.average_branch(name + ".d", x, 128)},
      0);
}

std::string block_c(const Inception& net, const std::string& name, const std::string& x) {
  const auto fork = [&](const std::string& from, const std::string& trunk) {
    return std::vector<std::string>{net.branch(from + ".wide", trunk, {{256, {1, 3}}}),
                                    net.branch(from + ".tall", trunk, {{256, {3, 1}}})};
  };
  const std::vector<std::string> one = fork(name + ".b", net.branch(name + ".b", x, {{384}}));
  const std::vector<std::string> two =
      fork(name + ".c", net.branch(name + ".c", x, {{384}, {448, {3, 1}}, {512, {1, 3}}}));
  return net.b.concat(
      name,
      {net.branch(name + ".a", x, {{256}}), one[0], one[1], two[0], two[1], net.average_branch(name + ".d", x, 256)},
      0);
}

std::string reduce_a_v4(const Inception& net, const std::string& x) {
  return net.reduce("reduce1", x, {{{384, 3, 2, true}}, {{192}, {224, 3}, {256, 3, 2, true}}});
}

std::string reduce_b_v4(const Inception& net, const std::string& x) {
  const StepsV4 bands = {{256}, {256, {1, 7}}, {320, {7, 1}}, {320, 3, 2, true}};
  return net.reduce("reduce2", x, {{{192}, {192, 3, 2, true}}, bands});
}

graph::Graph build_inception_v4(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const Inception net{b, real_param(request, "width"), int_param(request, "large") == 1};
  const Json& counts = request.params.at("blocks");
  std::string x = stem_v4(net);
  std::size_t stage = 0;
  for (const auto block : {block_a, block_b, block_c}) {
    const std::string name = numbered("stage", static_cast<std::int64_t>(stage) + 1);
    const std::int64_t blocks = stage < counts.as_array().size() ? counts.as_array()[stage].as_int() : 0;
    for (std::int64_t i = 1; i <= blocks; ++i) x = block(net, name + "." + std::to_string(i), x);
    b.tap(name, x);
    if (stage == 0) x = reduce_a_v4(net, x);
    if (stage == 1) x = reduce_b_v4(net, x);
    ++stage;
  }
  return pooled_classifier(b, request, x);
}

}  // namespace

Architecture arch_inception_v4() {
  return {"inception-v4", "Inception-v4, reduced by width and blocks",
          "Szegedy et al., Inception-v4, Inception-ResNet and the impact of residual connections on learning, 2017, "
          "arXiv:1602.07261",
          inception_params("[2, 2, 1]"), build_inception_v4};
}

}  // namespace assay::zoo
