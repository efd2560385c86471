// CLIP (Radford et al., ICML 2021): a vision transformer and a causal text transformer that map to one space. Inputs: an
// image and token ids i64 [context]; entry points "image_embedding" and "text_embedding", rows of length 1, and
// "scaled_image_embedding", exp(logit scale) times the first: its products with text embeddings are the logits.
#include "harness/base/error.hpp"
#include "harness/graph/zoo/transformer.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

std::string unit_length(GraphBuilder& b, const std::string& name, const std::string& x) {
  const std::string squares = b.apply(name + ".squared_length", "reduce_sum", {b.mul(name + ".squares", x, x)}, {{"axes", engine::Shape{1}}, {"keepdims", std::int64_t{1}}});
  return b.apply(name, "div", {x, b.apply(name + ".length", "sqrt", {squares})});
}

EncoderBlock blocks_of(std::int64_t width, std::int64_t heads, bool causal) {
  EncoderBlock block;
  block.heads = heads;
  block.hidden = 4 * width;
  block.act = "quick_gelu";
  block.causal = causal;
  return block;
}

std::string image_tower(GraphBuilder& b, const BuildRequest& request) {
  const std::int64_t width = int_param(request, "width"), patch = int_param(request, "patch");
  graph::ConvOptions options = patch_options(b, "input", patch);
  options.bias = false;
  const graph::Init small = {graph::InitKind::truncated_normal, 0.02};
  std::string x = b.tokens("image.tokens", b.conv("image.patches", "input", width, options));
  x = b.with_positions("image.positions", b.with_class_token("image.class", x, small), small);
  x = encoder(b, b.layer_norm("image.norm1", x), int_param(request, "depth"), blocks_of(width, int_param(request, "heads"), false), "image.");
  x = b.layer_norm("image.norm2", b.token("image.pool", x, 0));
  b.tap("features", x);
  return b.linear("image.projection", x, int_param(request, "embedding"), {.bias = false, .init = {graph::InitKind::lecun_normal}});
}

// The embedding is read at the last position, where a text that fills the context ends.
std::string text_tower(GraphBuilder& b, const BuildRequest& request) {
  const std::int64_t width = int_param(request, "text_width"), context = int_param(request, "context");
  const graph::Init small = {graph::InitKind::truncated_normal, 0.02};
  std::string x = b.embedding("text.tokens", "text", int_param(request, "vocabulary"), width, small);
  x = b.with_positions("text.positions", x, {graph::InitKind::truncated_normal, 0.01});
  x = encoder(b, x, int_param(request, "text_depth"), blocks_of(width, int_param(request, "text_heads"), true), "text.");
  x = b.token("text.pool", b.layer_norm("text.norm", x), context - 1);
  b.tap("text_features", x);
  return b.linear("text.projection", x, int_param(request, "embedding"), {.bias = false, .init = {graph::InitKind::lecun_normal}});
}

graph::Graph build_clip(const BuildRequest& request) {
  GraphBuilder b({{"input", {engine::DType::f32, request.input}}, {"text", {engine::DType::i64, {int_param(request, "context")}}}}, request.seed, request.weights);
  const std::string image = unit_length(b, "image_embedding", image_tower(b, request));
  b.output("image_embedding", image);
  b.output("text_embedding", unit_length(b, "text_embedding", text_tower(b, request)));
  const std::string scale = b.apply("scale", "exp", {b.constant("logit_scale", {1}, 2.6592600F)});  // log(1 / 0.07)
  b.output("scaled_image_embedding", b.mul("scaled_image_embedding", image, scale));
  return b.finish(Json::object({}));
}

}  // namespace

Architecture arch_clip() {
  return {"clip", "image and text encoders into one space (widths 768 and 512, depths 12, patch 32, vocabulary 49408: ViT-B/32)",
          "Radford et al., Learning transferable visual models from natural language supervision, 2021, arXiv:2103.00020",
          {{"width", 128, 1, 4096, "features of an image token; a multiple of heads"},
           {"depth", 4, 1, 64, "blocks of the image encoder"},
           {"heads", 4, 1, 64, "attention heads of the image encoder"},
           {"patch", 4, 1, 64, "side of the square patches that become tokens"},
           {"text_width", 128, 1, 4096, "features of a text token; a multiple of text_heads"},
           {"text_depth", 4, 1, 64, "blocks of the text encoder"},
           {"text_heads", 4, 1, 64, "attention heads of the text encoder"},
           {"context", 16, 1, 4096, "tokens of a text"},
           {"vocabulary", 512, 2, 1000000, "different tokens"},
           {"embedding", 64, 1, 4096, "features of the shared space"}},
          build_clip};
}

}  // namespace assay::zoo
