// Pieces that several convolutional architectures are made of. Private to this folder.
#pragma once

#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {

// conv without bias, batch norm, activation ("" : none); nodes <name>.conv, <name>.bn, <name>.<act>.
struct ConvNorm {
  std::int64_t channels = 0;
  graph::ConvOptions conv = {};
  const char* act = "relu";
  double eps = 1e-5;
};
std::string conv_norm(graph::GraphBuilder& b, const std::string& name, const std::string& x, const ConvNorm& layer);

// min(max(x, 0), 6) (Krizhevsky 2010); other names are ops.
std::string activation(graph::GraphBuilder& b, const std::string& name, const std::string& x, const std::string& act);

// The nearest multiple of `divisor`, at least that, and not below 0.9 of the value (the rule of the MobileNet papers' code).
std::int64_t make_divisible(double channels, std::int64_t divisor = 8);

// global average, "features", dropout, linear classifier.
graph::Graph pooled_classifier(graph::GraphBuilder& b, const BuildRequest& request, const std::string& x);

// Inverted residual: 1x1 expansion, depthwise convolution, squeeze-excite, linear 1x1 projection, sum where shapes agree
// (Sandler et al., CVPR 2018; Howard et al., ICCV 2019; Tan & Le, ICML 2019).
struct InvertedResidual {
  std::int64_t expanded = 0, channels = 0, kernel = 3, stride = 1;
  std::int64_t squeezed = 0;        // channels inside squeeze-excite; 0: none
  const char* act = "relu6";
  const char* squeeze_act = "relu";
  const char* gate = "sigmoid";
  double eps = 1e-5;
};
std::string inverted_residual(graph::GraphBuilder& b, const std::string& name, const std::string& x, const InvertedResidual& block);

}  // namespace assay::zoo
