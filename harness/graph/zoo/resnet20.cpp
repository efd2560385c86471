// ResNet-20: three basic blocks a stage.
#include "harness/graph/zoo/resnet.hpp"

namespace assay::zoo {

Architecture arch_resnet20() { return cifar_resnet("resnet20", 3); }

}  // namespace assay::zoo
