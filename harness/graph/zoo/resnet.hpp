// The CIFAR form of residual nets that resnet8 and resnet20 share. Private to this folder.
#pragma once

#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {

// `blocks` basic blocks in each of 3 stages: 6 blocks + 2 weighted layers. Shortcuts without parameters are not
// expressible as one op, so a stage's first block has a 1x1 projection (option B of the paper).
Architecture cifar_resnet(const std::string& name, std::int64_t blocks);

}  // namespace assay::zoo
