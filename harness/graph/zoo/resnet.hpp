// Basic residual blocks and the nets that are made of them. Private to this folder.
#pragma once

#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {

enum class Shortcut {
  projection,  // 1x1 convolution with batch norm where shapes differ (option B of He et al., 2016)
  padding      // every other pixel, channels padded with zeros (option A): no parameters
};

// relu(x + bn(conv(relu(bn(conv x))))): nodes <name>.conv1 ... <name>.relu2.
struct BasicBlock {
  std::int64_t channels = 0, stride = 1;
  Shortcut shortcut = Shortcut::projection;
};
std::string basic_block(graph::GraphBuilder& b, const std::string& name, const std::string& x, const BasicBlock& block);

// Three stages of `blocks` basic blocks: 6 blocks + 2 weighted layers.
Architecture cifar_resnet(const std::string& name, std::int64_t blocks);

}  // namespace assay::zoo
