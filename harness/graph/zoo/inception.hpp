// What Inception-v4 and Inception-ResNet-v2 (Szegedy et al., AAAI 2017) share: branches of convolutions with batch norm.
// Private to this folder.
#pragma once

#include "harness/graph/zoo/blocks.hpp"

namespace assay::zoo {

struct InceptionStep {
  std::int64_t channels;
  graph::Sides kernel = 1;
  std::int64_t stride = 1;
  bool valid = false;  // no padding, in the nets for large images
};

// Channels are scaled by `width`; `large`: the paper's unpadded reductions for images of 299 pixels, otherwise every
// convolution is padded and the stem keeps the resolution.
struct Inception {
  graph::GraphBuilder& b;
  double width = 1;
  bool large = false;

  std::int64_t channels(std::int64_t published) const;
  // One branch: nodes <name>.1, <name>.2 ...
  std::string branch(const std::string& name, const std::string& x, const std::vector<InceptionStep>& steps) const;
  std::string reduce_pool(const std::string& name, const std::string& x) const;  // 3x3 maxima with stride 2
  // Branches <name>.a, <name>.b ... that halve the resolution beside <name>.pool, joined.
  std::string reduce(const std::string& name, const std::string& x,
                     const std::vector<std::vector<InceptionStep>>& branches) const;
  std::string average_branch(const std::string& name, const std::string& x, std::int64_t published) const;
  // The three convolutions that both nets begin with, or one of 64 channels that keeps a small image's resolution.
  std::string first(const std::string& x) const;
};

std::vector<ParamSpec> inception_params(const char* blocks_default);

}  // namespace assay::zoo
