// Export of ops that move values, and of those that find and read by index.
#include <limits>

#include "harness/graph/onnx/exporter.hpp"

namespace assay::onnx {
namespace {

constexpr std::int64_t to_end = std::numeric_limits<std::int64_t>::max();

// Eval mode: nothing is dropped. always = 1 is random in every mode, which ONNX's deterministic operators cannot say.
Names dropout(const Exported& e) {
  if (e.node.attrs.integer("always", 0) != 0) e.unsupported("a dropout that is active in evaluation");
  return {e.in(0)};
}

Names flatten(const Exported& e) { return {e.to.add("Flatten", {e.in(0)}, {{"axis", attribute(std::int64_t{1})}})}; }
Names reshape(const Exported& e) { return {e.to.add("Reshape", {e.in(0), e.to.constant(e.node.attrs.ints("shape", {}))})}; }

Names transpose(const Exported& e) {
  Shape perm;
  for (std::int64_t a = e.rank(); a-- > 0;) perm.push_back(a);
  return {e.to.add("Transpose", {e.in(0)}, {{"perm", attribute(e.node.attrs.ints("perm", perm))}})};
}

Names concat(const Exported& e) { return {e.to.add("Concat", e.node.inputs, {{"axis", attribute(e.axis(0))}})}; }
Names expand(const Exported& e) { return {e.to.add("Expand", {e.in(0), e.to.constant(e.node.attrs.ints("shape", {}))})}; }

// The target shape is put together from the reference's first extent.
Names expand_rows(const Exported& e) {
  const std::string shape = e.to.add("Shape", {e.in(1)});
  const std::string rows = e.to.add("Gather", {shape, e.to.constant(Shape{0})}, {{"axis", attribute(std::int64_t{0})}});
  Names parts;
  for (const std::int64_t extent : e.node.attrs.ints("shape", {})) {
    if (extent >= 0) parts.push_back(e.to.constant(Shape{extent}));
    if (extent < 0) parts.push_back(extent == -1 ? rows : e.to.add("Mul", {rows, e.to.constant(Shape{-extent})}));
  }
  return {e.to.add("Expand", {e.in(0), e.to.add("Concat", parts, {{"axis", attribute(std::int64_t{0})}})})};
}

Names slice(const Exported& e) {
  const auto rank = static_cast<std::size_t>(e.rank());
  const Shape begin = e.node.attrs.ints("begin", Shape(rank, 0)), size = e.node.attrs.ints("size", Shape(rank, -1)),
              step = e.node.attrs.ints("step", Shape(rank, 1));
  Shape end, axes;
  for (std::size_t i = 0; i < rank; ++i) {
    end.push_back(size[i] < 0 ? to_end : size[i] == 0 ? begin[i] : begin[i] + (size[i] - 1) * step[i] + 1);
    axes.push_back(static_cast<std::int64_t>(i));
  }
  return {e.to.add("Slice", {e.in(0), e.to.constant(begin), e.to.constant(end), e.to.constant(axes), e.to.constant(step)})};
}

Names pad(const Exported& e) {
  const auto rank = static_cast<std::size_t>(e.rank());
  Shape pads = e.node.attrs.ints("before", Shape(rank, 0));
  const Shape after = e.node.attrs.ints("after", Shape(rank, 0));
  pads.insert(pads.end(), after.begin(), after.end());
  const std::string mode = e.node.attrs.text("mode", "constant");
  if (mode == "circular") e.unsupported("circular padding, which the format has since opset 19");
  Names in = {e.in(0), e.to.constant(pads)};
  if (mode == "constant") in.push_back(e.to.scalar(e.node.attrs.real("value", 0)));
  return {e.to.add("Pad", in, {{"mode", attribute(mode)}})};
}

Names tile(const Exported& e) { return {e.to.add("Tile", {e.in(0), e.to.constant(e.node.attrs.ints("repeats", {}))})}; }

Names gather(const Exported& e) { return {e.to.add("Gather", {e.in(0), e.in(1)}, {{"axis", attribute(e.axis(0))}})}; }
Names embedding(const Exported& e) { return {e.to.add("Gather", {e.in(0), e.in(1)}, {{"axis", attribute(std::int64_t{0})}})}; }
Names along(const Exported& e) { return {e.to.add("GatherElements", {e.in(0), e.in(1)}, {{"axis", attribute(e.axis(-1))}})}; }

Names arg(const Exported& e, const char* op) {
  return {e.to.add(op, {e.in(0)}, {{"axis", attribute(e.axis(-1))}, {"keepdims", attribute(e.node.attrs.integer("keepdims", 0))}})};
}
Names argmax(const Exported& e) { return arg(e, "ArgMax"); }
Names argmin(const Exported& e) { return arg(e, "ArgMin"); }

Names top_k(const Exported& e) {
  return e.to.add_all("TopK", {e.in(0), e.to.constant(Shape{e.node.attrs.integer("k", 1)})}, 2, {{"axis", attribute(std::int64_t{-1})}});
}

Names depth_to_space(const Exported& e) {
  return {e.to.add("DepthToSpace", {e.in(0)}, {{"blocksize", attribute(e.node.attrs.integer("blocksize", 1))},
                                               {"mode", attribute(e.node.attrs.text("mode", "DCR"))}})};
}

Names space_to_depth(const Exported& e) {
  return {e.to.add("SpaceToDepth", {e.in(0)}, {{"blocksize", attribute(e.node.attrs.integer("blocksize", 1))}})};
}

// By scales, which hold for every batch; sizes become the ratios that they are.
Names resize(const Exported& e) {
  const Shape &from = e.spec(0).shape, &to = e.to.spec(e.node.outputs[0]).shape;
  std::vector<float> scales;
  const auto given = e.node.attrs.items().find("scales");
  const auto* factors_given = given == e.node.attrs.items().end() ? nullptr : std::get_if<std::vector<double>>(&given->second);
  if (factors_given) {
    for (const double v : *factors_given) scales.push_back(static_cast<float>(v));
  } else {
    for (std::size_t i = 0; i < from.size(); ++i) scales.push_back(static_cast<float>(to[i]) / static_cast<float>(from[i]));
  }
  AttributeMap attributes;
  for (const char* key : {"mode", "coordinate_transformation_mode", "nearest_mode"}) {
    if (e.node.attrs.has(key)) attributes[key] = attribute(e.node.attrs.text(key, ""));
  }
  if (e.node.attrs.has("cubic_coeff_a")) attributes["cubic_coeff_a"] = attribute(e.node.attrs.real("cubic_coeff_a", -0.75));
  if (e.node.attrs.integer("exclude_outside", 0) != 0) attributes["exclude_outside"] = attribute(std::int64_t{1});
  if (e.node.attrs.text("coordinate_transformation_mode", "") == "tf_crop_and_resize") e.unsupported("cropping resizes");
  const std::string factors = e.to.constant(Tensor::f32({static_cast<std::int64_t>(scales.size())}, scales));
  return {e.to.add("Resize", {e.in(0), "", factors}, attributes)};
}

}  // namespace

ExportRows export_movement_rows() {
  return {{"argmax", argmax},       {"argmin", argmin},     {"concat", concat},
          {"depth_to_space", depth_to_space}, {"drop_path", dropout}, {"dropout", dropout}, {"embedding", embedding},
          {"expand", expand},       {"expand_rows", expand_rows}, {"flatten", flatten},
          {"gather", gather},       {"gather_elements", along},   {"pad", pad},
          {"reshape", reshape},     {"resize", resize},     {"slice", slice},       {"space_to_depth", space_to_depth},
          {"take_along", along},    {"tile", tile},         {"top_k", top_k},
          {"transpose", transpose}};
}

}  // namespace assay::onnx
