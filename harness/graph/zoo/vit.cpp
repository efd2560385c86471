// Vision transformer with pre-norm blocks (Dosovitskiy et al., ICLR 2021): patches, positions, encoder, and the class
// token or the mean of all tokens before the classifier.
#include "harness/base/error.hpp"
#include "harness/graph/zoo/transformer.hpp"

namespace assay::zoo {
namespace {

graph::Graph build_vit(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const std::int64_t width = int_param(request, "width"), patch = int_param(request, "patch");
  const bool class_token = int_param(request, "class_token") == 1;
  const graph::Init small = {graph::InitKind::truncated_normal, 0.02};
  std::string x = b.tokens("tokens", b.conv("patches", b.input(), width, patch_options(b, b.input(), patch)));
  if (class_token) x = b.with_class_token("class", x, small);
  x = b.dropout("embedding.drop", b.with_positions("positions", x, small), real_param(request, "dropout"));
  EncoderBlock block;
  block.heads = int_param(request, "heads");
  block.hidden = width * int_param(request, "mlp_ratio");
  block.dropout = real_param(request, "dropout");
  block.eps = 1e-6;
  x = encoder(b, x, int_param(request, "depth"), block);
  x = b.layer_norm("norm", x, block.eps);
  const std::string features = class_token ? b.token("pool", x, 0) : b.mean_tokens("pool", x);
  return b.finish(b.linear("classifier", features, request.classes, {.init = small}), features, Json::object({}));
}

}  // namespace

Architecture arch_vit() {
  return {"vit", "vision transformer (width 192, 12 blocks, 3 heads, patch 16, class token: ViT-tiny)",
          "Dosovitskiy et al., An image is worth 16x16 words, 2021, arXiv:2010.11929",
          {{"width", 192, 1, 4096, "features of a token; a multiple of heads"},
           {"depth", 6, 1, 200, "encoder blocks"},
           {"heads", 3, 1, 64, "attention heads"},
           {"patch", 4, 1, 64, "side of the square patches that become tokens"},
           {"mlp_ratio", 4, 1, 16, "hidden features of a block's perceptron, as a multiple of width"},
           {"class_token", 0, 0, 1, "1: classify from a learned first token; 0: from the mean of all tokens"},
           dropout_param()},
          build_vit};
}

}  // namespace assay::zoo
