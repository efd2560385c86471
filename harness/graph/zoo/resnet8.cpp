// ResNet-8: one basic block a stage.
#include "harness/graph/zoo/resnet.hpp"

namespace assay::zoo {

Architecture arch_resnet8() { return cifar_resnet("resnet8", 1); }

}  // namespace assay::zoo
