// Transformer encoders (Vaswani et al., NeurIPS 2017) with normalisation before each part.
#include "harness/graph/zoo/transformer.hpp"

#include "harness/base/error.hpp"

namespace assay::zoo {

using graph::GraphBuilder;

graph::ConvOptions patch_options(const GraphBuilder& b, const std::string& image, std::int64_t patch) {
  const engine::Shape in = b.shape(image);
  if (in.size() != 3 || in[1] % patch != 0 || in[2] % patch != 0) {
    throw Error(Fault::bad_input, "params.patch: needs an image [C, H, W] whose sides are multiples of " + std::to_string(patch) + ", not " + engine::shape_str(in));
  }
  return {.kernel = patch, .stride = patch, .pad = 0, .bias = true, .init = {graph::InitKind::lecun_normal}};
}

std::string encoder(GraphBuilder& b, const std::string& x, std::int64_t depth, const EncoderBlock& block, const std::string& prefix) {
  const graph::Init small = {graph::InitKind::truncated_normal, 0.02};
  const std::int64_t width = b.shape(x).back();
  std::string y = x;
  for (std::int64_t i = 1; i <= depth; ++i) {
    const std::string name = prefix + numbered("block", i);
    std::string part = b.attention(name + ".attention", b.layer_norm(name + ".norm1", y, block.eps), {.heads = block.heads, .causal = block.causal});
    y = b.add(name + ".sum1", y, b.dropout(name + ".drop1", part, block.dropout));
    part = b.linear(name + ".fc1", b.layer_norm(name + ".norm2", y, block.eps), block.hidden, {.init = small});
    part = b.linear(name + ".fc2", b.apply(name + "." + block.act, block.act, {part}), width, {.init = small});
    y = b.add(name + ".sum2", y, b.dropout(name + ".drop2", part, block.dropout));
    b.tap(name, y);
  }
  return y;
}

}  // namespace assay::zoo
