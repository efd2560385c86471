// Declares the function of every architecture in zoo.def. Private to this folder.
#pragma once

#include "harness/graph/zoo/zoo.hpp"

namespace assay::zoo {
#define ASSAY_ARCHITECTURE(name) Architecture arch_##name();
#include "harness/graph/zoo/zoo.def"
#undef ASSAY_ARCHITECTURE

// "relu", 3 -> "relu3": names of a series of nodes.
inline std::string numbered(std::string name, std::int64_t number) { return name += std::to_string(number); }

// Parameters that several architectures share.
inline ParamSpec dropout_param() {
  return {"dropout", 0.0, 0.0, 0.9, "probability of dropout before the classifier and, where it has several, its hidden layers; 0: none"};
}
}  // namespace assay::zoo
