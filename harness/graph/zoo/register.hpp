// Declares the function of every architecture in zoo.def, and what the architectures share. Private to this folder.
#pragma once

#include "harness/graph/builder.hpp"
#include "harness/graph/zoo/zoo.hpp"

namespace assay::zoo {
#define ASSAY_ARCHITECTURE(name) Architecture arch_##name();
#include "harness/graph/zoo/zoo.def"
#undef ASSAY_ARCHITECTURE

// A builder with the one input of the request.
inline graph::GraphBuilder start(const BuildRequest& request) {
  return {{{"input", {engine::DType::f32, request.input}}}, request.seed, request.weights};
}

// "relu", 3 -> "relu3": names of a series of nodes.
inline std::string numbered(std::string name, std::int64_t number) { return name += std::to_string(number); }

inline std::int64_t int_param(const BuildRequest& request, const char* name) { return request.params.at(name).as_int(); }
inline double real_param(const BuildRequest& request, const char* name) { return request.params.at(name).as_real(); }

// Parameters that several architectures share.
inline ParamSpec dropout_param() {
  return {"dropout", 0.0, 0.0, 0.9, "probability of dropout before the classifier and, where it has several, its hidden layers; 0: none"};
}
inline ParamSpec width_param(std::int64_t fallback, const char* doc = "channels of the first stage; doubled by each next one") {
  return {"width", fallback, 1, 2048, doc};
}
inline ParamSpec scale_param() {
  return {"width", 1.0, 0.05, 16.0, "multiplies every layer's channels, rounded to multiples of 8 as the paper's code does"};
}
// 0 for images of 32 pixels and the like, 1 for those of 224.
inline ParamSpec large_param(const char* doc) { return {"large", 0, 0, 1, doc}; }
}  // namespace assay::zoo
