// Transformer encoders that ViT and the text tower share. Private to this folder.
#pragma once

#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {

// A convolution whose kernel and stride are the patch: [C, H, W] -> [channels, H / patch, W / patch]. Throws
// Error(bad_input) when the image is no multiple of it.
graph::ConvOptions patch_options(const graph::GraphBuilder& b, const std::string& image, std::int64_t patch);

// x + attention(norm x), then x + perceptron(norm x).
struct EncoderBlock {
  std::int64_t heads = 1, hidden = 0;
  const char* act = "gelu";
  bool causal = false;
  double dropout = 0, eps = 1e-5;
};
// Blocks "block1" ...; taps of the same names.
std::string encoder(graph::GraphBuilder& b, const std::string& x, std::int64_t depth, const EncoderBlock& block,
                    const std::string& prefix = "");

}  // namespace assay::zoo
