// Pre-activation residual blocks (He et al., ECCV 2016, figure 1b). Private to this folder.
#pragma once

#include "harness/graph/zoo/blocks.hpp"

namespace assay::zoo {

// x + conv(relu(bn(conv(relu(bn x))))). Where shapes differ the shortcut is a 1x1 convolution of relu(bn x).
struct PreactBlock {
  std::int64_t channels = 0, stride = 1;
  double dropout = 0;  // between the convolutions
};
std::string preact_block(graph::GraphBuilder& b, const std::string& name, const std::string& x, const PreactBlock& block);
// Stages of blocks with strides 1, 2, 2 ..., then the last batch norm and relu; taps "stage1" ...
struct PreactStage {
  std::int64_t blocks = 0, channels = 0;
};
std::string preact_stages(graph::GraphBuilder& b, const std::string& x, const std::vector<PreactStage>& stages, double dropout);

}  // namespace assay::zoo
