// MLP-Mixer (Tolstikhin et al., NeurIPS 2021): perceptrons over the tokens and over the features in turn.
#include "harness/graph/zoo/transformer.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

// Over the last axis.
std::string perceptron(GraphBuilder& b, const std::string& name, const std::string& x, std::int64_t hidden) {
  const graph::Init init = {graph::InitKind::xavier_uniform};
  const std::int64_t width = b.shape(x).back();
  return b.linear(name + ".fc2", b.apply(name + ".gelu", "gelu", {b.linear(name + ".fc1", x, hidden, {.init = init})}), width, {.init = init});
}

graph::Graph build_mixer(const BuildRequest& request) {
  GraphBuilder b = start(request);
  const std::int64_t width = int_param(request, "width");
  const auto hidden = [&](const char* param) { return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(width) * real_param(request, param))); };
  std::string x = b.tokens("tokens", b.conv("patches", b.input(), width, patch_options(b, b.input(), int_param(request, "patch"))));
  for (std::int64_t i = 1; i <= int_param(request, "depth"); ++i) {
    const std::string name = numbered("block", i);
    std::string y = b.transpose(name + ".across", b.layer_norm(name + ".norm1", x, 1e-6), {1, 0});
    y = b.transpose(name + ".back", perceptron(b, name + ".tokens", y, hidden("token_ratio")), {1, 0});
    x = b.add(name + ".sum1", x, y);
    x = b.add(name + ".sum2", x, perceptron(b, name + ".features", b.layer_norm(name + ".norm2", x, 1e-6), hidden("feature_ratio")));
    b.tap(name, x);
  }
  const std::string features = b.mean_tokens("pool", b.layer_norm("norm", x, 1e-6));
  x = b.dropout("drop", features, real_param(request, "dropout"));
  return b.finish(b.linear("classifier", x, request.classes, {.init = {graph::InitKind::xavier_uniform}}), features, Json::object({}));
}

}  // namespace

Architecture arch_mlp_mixer() {
  return {"mlp-mixer", "MLP-Mixer (width 512, depth 8, patch 16: S/16)", "Tolstikhin et al., MLP-Mixer: an all-MLP architecture for vision, 2021, arXiv:2105.01601",
          {{"width", 128, 1, 4096, "features of a token"},
           {"depth", 8, 1, 200, "blocks"},
           {"patch", 4, 1, 64, "side of the square patches that become tokens"},
           {"token_ratio", 0.5, 0.01, 16.0, "hidden width over tokens, as a multiple of width"},
           {"feature_ratio", 4.0, 0.01, 16.0, "hidden width over features, as a multiple of width"},
           dropout_param()},
          build_mixer};
}

}  // namespace assay::zoo
