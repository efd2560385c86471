// What conv2d and linear share: optional operands after the first two, and an activation on the result.
//   inputs: x, w, [bias], [residual]; attribute residual (0): 1 when the last input is added to the result;
//   attribute act (""): "", "relu" or "relu6", applied last. The plan compiler sets both; a builder needs neither.
#pragma once

#include "harness/base/error.hpp"
#include "harness/engine/ops/op_tools.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine {

struct Fusion {
  bool bias = false, residual = false;
  native::Activation act = native::Activation::none;
};

inline Fusion fusion_of(std::string_view op, Specs in, const Attrs& attrs) {
  expect_count(op, in, 2, 4);
  expect_f32(op, in);
  Fusion f;
  f.residual = attrs.integer("residual", 0) != 0;
  f.bias = in.size() == (f.residual ? 4u : 3u);
  if (in.size() != 2u + f.bias + f.residual) op_error(op, in, "the inputs do not match attribute residual");
  const std::string act = attrs.text("act", "");
  if (!act.empty() && act != "relu" && act != "relu6") {
    op_error(op, in, "unknown act '" + act + "'" + suggestion(act, {"relu", "relu6"}));
  }
  if (act == "relu") f.act = native::Activation::relu;
  if (act == "relu6") f.act = native::Activation::relu6;
  return f;
}

inline void check_fusion(std::string_view op, Specs in, const Fusion& f, const Shape& out, std::int64_t features) {
  if (f.bias && in[2].shape != Shape{features}) {
    op_error(op, in, "the bias must have shape [" + std::to_string(features) + "]");
  }
  if (f.residual && in.back().shape != out) op_error(op, in, "the residual must have shape " + shape_str(out));
}

// Operands stored as 8-bit integers (graph/integers.hpp): attribute scales, one or one an output channel, and residual_scale.
inline bool stored_integers(const PrepareRequest& request) {
  return request.in[0].spec.dtype == DType::u8 || request.in[0].spec.dtype == DType::s8;
}
inline native::Requantization requantization_of(const PrepareRequest& request) {
  native::Requantization q;
  const auto it = request.attrs.items().find("scales");
  if (it == request.attrs.items().end()) throw Error(Fault::internal, "a product on integers has no scales");
  for (const double s : std::get<std::vector<double>>(it->second)) q.scales.push_back(static_cast<float>(s));
  q.residual_scale = static_cast<float>(request.attrs.real("residual_scale", 1));
  q.residual_type = request.in.back().spec.dtype;
  return q;
}

// The cotangent before the activation.
inline Value before_activation(const VjpArgs& v) {
  const std::string act = v.attrs.text("act", "");
  return act.empty() ? v.cotangents[0] : call(act + "_grad", {v.out[0], v.cotangents[0]});
}

}  // namespace assay::engine
