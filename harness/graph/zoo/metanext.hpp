// The frame that ConvNeXt and InceptionNeXt share: a stem of patches, stages of blocks, 2x2 convolutions with stride 2
// between them. Private to this folder.
#pragma once

#include <functional>

#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {

inline constexpr graph::Init metanext_init = {graph::InitKind::truncated_normal, 0.02};

struct MetaNext {
  std::function<std::string(graph::GraphBuilder&, const std::string& name, const std::string& x)> norm;
  std::function<std::string(const std::string& name, const std::string& x, std::size_t stage)> block;
};

std::string metanext_stages(graph::GraphBuilder& b, const BuildRequest& request, const MetaNext& net);
std::vector<ParamSpec> metanext_params();

}  // namespace assay::zoo
