// Resampling: Resize, Upsample, GridSample.
#include <fmt/format.h>

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

// Axes that keep their extent keep it for every batch: they are scaled by 1, never set.
Attrs by_scales(const std::vector<double>& scales) { return {{"scales", scales}}; }

// Opset 10: X, scales; from 11: X, roi, scales or sizes.
Operands resize(Call& call) {
  const Operand& x = call.in(0);
  const auto rank = static_cast<std::size_t>(x.rank());
  std::vector<double> scales;
  const std::size_t at = call.opset >= 11 ? 2 : 1;
  if (call.has(at)) scales = call.known_reals(at, "scales");
  Shape sizes;
  if (scales.empty() && call.has(3)) sizes = call.known_ints(3, "sizes");
  if (scales.size() != rank && sizes.size() != rank) call.bad("needs one scale or one size an axis");
  Attrs attrs = by_scales(scales);
  if (!sizes.empty()) {
    // The engine finds scales from sizes as the format does; what keeps its extent must not name it.
    for (std::size_t i = 0; i < rank; ++i) {
      if (sizes[i] < 1) call.bad("asks for a size below 1");
      if (sizes[i] == x.shape()[i]) sizes[i] = -1;
    }
    attrs = {{"sizes", sizes}};
  }
  attrs.set("mode", call.text("mode", "nearest"));
  if (call.opset < 11) {
    attrs.set("coordinate_transformation_mode", std::string("asymmetric"));
    attrs.set("nearest_mode", std::string("floor"));
    return {Call::like(x, call.emit("resize", {x}, attrs))};
  }
  attrs.set("coordinate_transformation_mode", call.text("coordinate_transformation_mode", "half_pixel"));
  attrs.set("nearest_mode", call.text("nearest_mode", "round_prefer_floor"));
  attrs.set("cubic_coeff_a", call.real("cubic_coeff_a", -0.75));
  attrs.set("exclude_outside", call.integer("exclude_outside", 0));
  attrs.set("extrapolation_value", call.real("extrapolation_value", 0));
  if (call.text("coordinate_transformation_mode", "") == "tf_crop_and_resize") attrs.set("roi", call.known_reals(1, "roi"));
  return {Call::like(x, call.emit("resize", {x}, attrs))};
}

Operands upsample(Call& call) {
  const Operand& x = call.in(0);
  const std::vector<double> scales = call.opset >= 9 ? call.known_reals(1, "scales") : call.reals("scales");
  if (scales.size() != x.shape().size()) call.bad("needs one scale an axis");
  Attrs attrs = by_scales(scales);
  attrs.set("mode", call.text("mode", "nearest"));
  attrs.set("coordinate_transformation_mode", std::string("asymmetric"));
  attrs.set("nearest_mode", std::string("floor"));
  return {call.emit("resize", {x}, attrs)};
}

Operands grid_sample(Call& call) {
  return {call.emit("grid_sample", {call.in(0), call.in(1)}, {{"mode", call.text("mode", "bilinear")},
                                                              {"padding_mode", call.text("padding_mode", "zeros")},
                                                              {"align_corners", call.integer("align_corners", 0)}})};
}

}  // namespace

Rows resize_rows() { return {{"GridSample", grid_sample}, {"Resize", resize}, {"Upsample", upsample}}; }

}  // namespace assay::onnx
